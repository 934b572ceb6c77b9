// Logging in with the company's identity provider: official MCP clients, which know nothing but the sidecar's address, find out where to log
// in, do so, and then list and call what the tenant's rules give them.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how the templates of agents are written.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from "@modelcontextprotocol/client";
import type { OAuthClientProvider, OAuthDiscoveryState } from "@modelcontextprotocol/sdk/client/auth.js";
import { ClientCredentialsProvider } from "@modelcontextprotocol/sdk/client/auth-extensions.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { defer, repositoryRoot, startProcess, type TestScope } from "@postern/testkit";
import { POLICY } from "./rego.ts";
import { eventually, startStack, TENANT, toolCallEvents } from "./stack.ts";

const REDIRECT_URL = "http://127.0.0.1:1/callback";
const ROBOT = { clientId: "robot", clientSecret: "a-secret-of-the-robot-in-a-test" };
const WELL_KNOWN = "/.well-known/oauth-protected-resource";

async function startIdentityProvider(t: TestScope): Promise<string> {
  const script = "apps/control-plane/src/domain/issuers/identity-provider.fixture.ts";
  const started = await startProcess(t, {
    command: process.execPath,
    args: [join(repositoryRoot, script)],
    ready: /^\{"url":.*\}$/m,
    timeoutMs: 60_000,
  });
  return (JSON.parse(started.match[0] ?? "{}") as { url: string }).url;
}

/** A person at a browser: follows redirects, logs in under a name, consents, and comes back with a code. */
async function browse(address: URL, name: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = address;
  let form: URLSearchParams | undefined;
  for (let step = 0; step < 20; step += 1) {
    const answer = await fetch(url, {
      redirect: "manual",
      headers: { cookie: [...cookies].map(([key, value]) => `${key}=${value}`).join("; ") },
      ...(form === undefined ? {} : { method: "POST", body: form }),
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, key = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(key, value);
    }
    const page = await answer.text();
    const location = answer.headers.get("location");
    form = undefined;
    if (location !== null) {
      url = new URL(location, url);
      if (url.href.startsWith(REDIRECT_URL)) return url;
      continue;
    }
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
    assert.ok(
      prompt !== undefined,
      `the provider asks for something: ${answer.status} ${page.slice(0, 400)}`,
    );
    form = new URLSearchParams({ prompt, login: name, password: "any" });
  }
  throw new Error("the login leads nowhere");
}

/** What an OAuth client keeps between its steps; the same for both generations of the SDK. */
function personAt(name: string) {
  let codeVerifier = "";
  let tokens: { access_token: string; token_type: string } | undefined;
  let landed: URL | undefined;
  let found: OAuthDiscoveryState | undefined;
  const provider = {
    redirectUrl: REDIRECT_URL,
    clientMetadata: { redirect_uris: [REDIRECT_URL], client_name: "e2e", token_endpoint_auth_method: "none" },
    clientInformation: () => ({ client_id: "desktop" }),
    tokens: () => tokens,
    saveTokens: (saved: { access_token: string; token_type: string }) => {
      tokens = saved;
    },
    redirectToAuthorization: async (url: URL) => {
      landed = await browse(url, name);
    },
    saveCodeVerifier: (verifier: string) => {
      codeVerifier = verifier;
    },
    codeVerifier: () => codeVerifier,
    saveDiscoveryState: (state: OAuthDiscoveryState) => {
      found = state;
    },
    discoveryState: () => found,
  } satisfies OAuthClientProvider;
  const landing = () => landed?.searchParams ?? new URLSearchParams();
  return { provider, landing, accessToken: () => tokens?.access_token ?? "" };
}
type Person = ReturnType<typeof personAt>;

/** Connects, logs in when it is told to, and connects again. */
const GENERATIONS = {
  "@modelcontextprotocol/sdk": async (t: TestScope, url: string, person: Person) => {
    const transport = () =>
      new StreamableHTTPClientTransport(new URL(url), { authProvider: person.provider });
    const first = transport();
    await assert.rejects(new Client({ name: "e2e", version: "1" }).connect(first as never), /Unauthorized/);
    await first.finishAuth(person.landing().get("code") ?? "");
    const client = new Client({ name: "e2e", version: "1" });
    await client.connect(transport() as never);
    defer(t, () => client.close());
    return client;
  },
  "@modelcontextprotocol/client": async (t: TestScope, url: string, person: Person) => {
    const transport = () => new ModernTransport(new URL(url), { authProvider: person.provider as never });
    const first = transport();
    await assert.rejects(new ModernClient({ name: "e2e", version: "1" }).connect(first), /Unauthorized/i);
    await first.finishAuth(person.landing());
    const client = new ModernClient({ name: "e2e", version: "1" });
    await client.connect(transport());
    defer(t, () => client.close());
    return client;
  },
};

const RULES = [
  {
    name: "robots",
    match: { "/sub": "robot" },
    grant: { agent: "robot", caveats: [{ type: "tool_allow" as const, tools: ["record"] }] },
  },
  {
    name: "staff",
    match: { "/groups": "staff", "/sub": { glob: "?*" } },
    grant: {
      agent: "staff:${sub}",
      caveats: [{ type: "tool_allow" as const, tools: ["record", "transfer"] }],
      ttl_seconds: 300,
    },
  },
];

test("standard MCP clients log in with the company's identity provider and get a capability", async (t) => {
  const [stack, issuer] = await Promise.all([startStack(t, POLICY), startIdentityProvider(t)]);
  const { admin, sidecar } = stack;
  const { mcpUrl } = sidecar;
  const post = (url: string, token?: string) =>
    fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 1,
        method: "tools/call",
        params: { name: "record", arguments: { nonce: "raw" } },
      }),
    });

  const before = await post(mcpUrl);
  assert.equal(before.status, 200, "without a trusted issuer a refusal is what it was");
  assert.equal((await fetch(`${sidecar.url}${WELL_KNOWN}`)).status, 404);

  const trusted = await admin.addIssuer({
    ...{ tenant: TENANT, issuer, audiences: [mcpUrl], rules: RULES },
    ...{ algorithms: ["RS256"], scopes: ["mcp"] },
  });
  const metadata = await eventually(async () => {
    const answer = await fetch(`${sidecar.url}${WELL_KNOWN}/v1/mcp`);
    assert.equal(answer.status, 200);
    return await answer.json();
  }, 30_000);
  assert.deepEqual(metadata, {
    resource: mcpUrl,
    authorization_servers: [issuer],
    bearer_methods_supported: ["header"],
    resource_name: "Postern",
    scopes_supported: ["mcp"],
  });

  const challenged = await post(mcpUrl);
  assert.equal(challenged.status, 401);
  assert.equal(
    challenged.headers.get("www-authenticate"),
    `Bearer resource_metadata="${sidecar.url}${WELL_KNOWN}/v1/mcp", scope="mcp"`,
  );
  const { error } = (await challenged.json()) as { error: { code: number; data: { reason: string } } };
  assert.deepEqual([error.code, error.data.reason], [-32010, "capability.missing"]);
  assert.equal((await post(sidecar.toolCallUrl)).status, 200, "the other door answers as its document says");

  const people = { "@modelcontextprotocol/sdk": "alice", "@modelcontextprotocol/client": "bob" } as const;
  let last: Person | undefined;
  for (const [generation, name] of Object.entries(people)) {
    const person = personAt(name);
    const client = await GENERATIONS[generation as keyof typeof people](t, mcpUrl, person);
    const { tools } = await client.listTools();
    assert.deepEqual(tools.map((tool) => tool.name).sort(), ["record", "transfer"], generation);
    const called = await client.callTool({ name: "record", arguments: { nonce: name } });
    assert.deepEqual(called.content, [{ type: "text", text: `recorded ${name}` }]);
    await assert.rejects(client.callTool({ name: "measure", arguments: { nonce: "no", value: "x" } }), {
      code: -32010,
    });
    last = person;
  }

  const robot = new Client({ name: "robot", version: "1" });
  const authProvider = new ClientCredentialsProvider({ ...ROBOT, scope: "mcp", expectedIssuer: issuer });
  await robot.connect(new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider }) as never);
  defer(t, () => robot.close());
  await robot.callTool({ name: "record", arguments: { nonce: "robot" } });
  assert.deepEqual(stack.upstream.executed(), ["alice", "bob", "robot"]);

  const agents = await eventually(async () => {
    const events = (await toolCallEvents(admin)).filter(({ decision }) => decision === "allow");
    assert.equal(events.length, 3);
    return events.map(({ agent_id }) => agent_id).sort();
  });
  assert.deepEqual(agents, ["robot", "staff:alice", "staff:bob"]);
  const logins = await admin.audit({ tenant: TENANT, limit: 100 });
  const exchanged = logins.items.filter(({ tool }) => tool === "admin/exchange");
  assert.equal(exchanged.length, 3, "each access token was exchanged once");

  const forOther = new URLSearchParams({
    grant_type: "client_credentials",
    scope: "mcp",
    resource: "http://127.0.0.1:9/v1/mcp",
    client_id: ROBOT.clientId,
    client_secret: ROBOT.clientSecret,
  });
  const granted = await fetch(`${issuer}/token`, { method: "POST", body: forOther });
  const { access_token } = (await granted.json()) as { access_token: string };
  const elsewhere = await post(mcpUrl, access_token);
  assert.equal(elsewhere.status, 401, "a token for another sidecar is worth nothing here");
  assert.match(elsewhere.headers.get("www-authenticate") ?? "", /error="invalid_token"/);

  const token = last?.accessToken() ?? "";
  const jti = exchanged.find(({ agent_id }) => agent_id === "staff:bob")?.capability_token_id ?? "";
  assert.equal((await post(sidecar.toolCallUrl, token)).status, 200);
  await admin.revoke(jti, { tenant: TENANT });
  const revoked = await eventually(async () => {
    const answer = await post(mcpUrl, token);
    assert.equal(answer.status, 401);
    return (await answer.json()) as { error: { data: { reason: string } } };
  });
  assert.equal(revoked.error.data.reason, "capability.revoked");

  await admin.removeIssuer(trusted.id);
  await eventually(async () => {
    assert.equal((await fetch(`${sidecar.url}${WELL_KNOWN}`)).status, 404);
    assert.equal((await post(mcpUrl, token)).status, 200);
  }, 30_000);
  assert.equal((await admin.verifyAudit({ tenant: TENANT })).verified, true);
});
