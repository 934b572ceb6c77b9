// Registered upstreams against servers that say what they were sent: which secret arrives, when it changes, and where none may go.
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Secret, secret } from "@postern/config";
import { RegisteredUpstream, UpstreamUrl } from "@postern/contracts";
import { createLogger } from "@postern/telemetry";
import { defer, fixedClock, type TestScope, temporaryDirectory } from "@postern/testkit";
import fc from "fast-check";
import { CLIENT, startTokenServer } from "../token-server.fixture.ts";
import { faultOf, forever, requestOf, serve, textOf } from "../upstream.fixture.ts";
import { mayHaveRun } from "../upstream.ts";
import { openRegistered, type RegisteredPorts } from "./open-registered.ts";
import { createSecretHosts } from "./secret-hosts.ts";
import { createSecretPlaces } from "./secret-places.ts";

interface Setup {
  readonly hosts?: readonly string[];
  readonly networks?: readonly string[];
  readonly variables?: ReadonlyMap<string, Secret>;
}

function createRig(
  t: TestScope,
  { hosts = ["http://127.0.0.1:*"], networks = ["127.0.0.0/8"], variables = new Map() }: Setup = {},
) {
  const folder = temporaryDirectory(t);
  const clock = fixedClock();
  const lines: string[] = [];
  const ports: RegisteredPorts = {
    clock,
    log: createLogger({
      name: "test",
      level: "debug",
      destination: { write: (line: string) => void lines.push(line) },
    }),
    hosts: createSecretHosts(hosts),
    places: createSecretPlaces({ folder, variables, vault: undefined, vaultTtlMs: 0, clock }),
    limits: {
      ...{ callsMax: 10, callsPerPrincipalMax: 10, failuresMax: 0, cooldownMs: 1_000 },
      ...{ answerTimeoutMs: 5_000, streamTimeoutMs: 5_000, answerBytesMax: 65_536, networks },
    },
  };
  const open = (row: object) => {
    const opened = openRegistered(
      RegisteredUpstream.parse({ name: "crm", transport: "http", auth: { kind: "none" }, ...row }),
      ports,
    );
    defer(t, () => opened.upstream.close());
    return opened;
  };
  const call = ({ upstream }: ReturnType<typeof open>) =>
    upstream.forward(requestOf({ id: 1, method: "ping" }), forever());
  return {
    open,
    call,
    clock,
    lines,
    put: (name: string, text: string) => writeFileSync(join(folder, name), text),
    folder,
  };
}

/** Answers with the headers that it was sent. */
const mirror = (t: TestScope) =>
  serve(t, (request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(request.headers));
  });

const headersOf = async (answer: Promise<Parameters<typeof textOf>[0]>): Promise<Record<string, string>> =>
  JSON.parse(await textOf(await answer));

const byFile = {
  kind: "header",
  header: "Authorization",
  prefix: "Bearer ",
  secret: { from: "file", name: "crm" },
};

test("a secret is sent in its header, and another one once its file has changed", async (t) => {
  const rig = createRig(t);
  rig.put("crm", "one\n");
  const opened = rig.open({ url: (await mirror(t)).href, auth: byFile });
  assert.equal((await headersOf(rig.call(opened))).authorization, "Bearer one");
  rig.put("crm", "two\n");
  rig.clock.advance(2_000);
  assert.equal((await headersOf(rig.call(opened))).authorization, "Bearer two");
});

test("a header of any name may be the credential's, and what a caller sends in it does not travel", async (t) => {
  const rig = createRig(t, { variables: new Map([["CRM", secret("hunter2")]]) });
  const auth = { kind: "header", header: "X-Api-Key", secret: { from: "env", name: "CRM" } };
  const { upstream } = rig.open({ url: (await mirror(t)).href, auth });
  const request = requestOf({ id: 1, method: "ping" }, { "x-api-key": "mine", authorization: "Bearer mine" });
  const sent = await headersOf(upstream.forward(request, forever()));
  assert.deepEqual([sent["x-api-key"], sent.authorization], ["hunter2", undefined]);
});

test("while there is no secret every call is refused, unsent, and passes by itself once there is one", async (t) => {
  const rig = createRig(t);
  const opened = rig.open({ url: (await mirror(t)).href, auth: byFile });
  const fault = await faultOf(rig.call(opened));
  assert.deepEqual([fault.code, mayHaveRun(fault)], ["upstream.unavailable", false]);
  assert.match(opened.problem() ?? "", /file is not there/);
  rig.put("crm", "one");
  rig.clock.advance(1_000);
  assert.equal((await headersOf(rig.call(opened))).authorization, "Bearer one");
  assert.equal(opened.problem(), undefined);
  rmSync(join(rig.folder, "crm"));
  rig.clock.advance(2_000);
  assert.equal((await faultOf(rig.call(opened))).code, "upstream.unavailable");
});

test("only a variable of the prefix is read, whatever else stands in the environment", async (t) => {
  const rig = createRig(t);
  const url = (await mirror(t)).href;
  for (const name of ["PATH", "HOME", "POSTERN_SIDECAR_CREDENTIAL"]) {
    const opened = rig.open({ url, auth: { ...byFile, secret: { from: "env", name } } });
    assert.equal((await faultOf(rig.call(opened))).code, "upstream.unavailable");
  }
});

test("a secret that the server refuses is looked for anew before the next call", async (t) => {
  const rig = createRig(t);
  rig.put("crm", "old");
  const { href } = await serve(t, (request, response) => {
    response.writeHead(request.headers.authorization === "Bearer new" ? 200 : 401).end("{}");
  });
  const opened = rig.open({ url: href, auth: byFile });
  const refused = async () => (await faultOf(rig.call(opened))).message;
  assert.match(await refused(), /does not accept the sidecar's credential/);
  rig.clock.advance(1_500);
  assert.match(await refused(), /does not accept the sidecar's credential/);
  rig.put("crm", "new");
  assert.equal((await rig.call(opened)).status, 200);
});

test("an access token is got with the client's secret, as it is then, and the secret goes to the token endpoint alone", async (t) => {
  const rig = createRig(t);
  const server = await startTokenServer(t);
  const auth = {
    ...{ kind: "oauth", token_url: server.tokenUrl, client_id: CLIENT.id, scopes: ["call"] },
    secret: { from: "file", name: "crm" },
  };
  const opened = rig.open({ url: (await mirror(t)).href, auth });
  assert.equal((await faultOf(rig.call(opened))).code, "upstream.unavailable");
  rig.put("crm", CLIENT.secret);
  rig.clock.advance(2_000);
  const sent = await headersOf(rig.call(opened));
  assert.notEqual(await server.inspect(sent.authorization?.replace("Bearer ", "") ?? ""), undefined);
  assert.ok(!JSON.stringify(sent).includes(CLIENT.secret));
});

test("no secret goes to a host that the operator has not listed, neither as a header nor to a token endpoint", async (t) => {
  const rig = createRig(t, { hosts: ["crm.example"] });
  rig.put("crm", "hunter2");
  let requests = 0;
  const { href: url } = await serve(t, (_request, response) => {
    requests += 1;
    response.end("{}");
  });
  const oauth = { kind: "oauth", client_id: "c", secret: byFile.secret };
  const opened = [
    rig.open({ url, auth: byFile }),
    rig.open({ url, auth: { ...oauth, token_url: "https://crm.example/token" } }),
    rig.open({ url: "https://crm.example/mcp", auth: { ...oauth, token_url: url } }),
  ];
  for (const each of opened) {
    const fault = await faultOf(rig.call(each));
    assert.deepEqual([fault.code, mayHaveRun(fault)], ["upstream.unavailable", false]);
    assert.doesNotMatch(fault.message, /127\.0\.0\.1|hunter2/);
    assert.match(each.problem() ?? "", /lets no secret go to http:\/\/127\.0\.0\.1/);
  }
  assert.equal(requests, 0);
  assert.equal((await rig.call(rig.open({ url }))).status, 200);
});

const UNREACHABLE = [
  "http://169.254.169.254/latest/meta-data",
  "http://127.0.0.1:8081/metrics",
  "http://10.0.0.1/",
  "http://192.168.1.1/",
  "http://[::1]/",
  "http://[fd00:ec2::254]/",
  "http://[::ffff:127.0.0.1]/",
  "http://[64:ff9b::7f00:1]/",
  "http://0.0.0.0/",
];
test("an address that the operator has not opened is not reached, although it is written literally", async (t) => {
  const rig = createRig(t, { networks: [] });
  for (const transport of ["http", "sse"]) {
    for (const url of UNREACHABLE.filter((address) => UpstreamUrl.safeParse(address).success)) {
      const opened = rig.open({ url, transport });
      const fault = await faultOf(rig.call(opened));
      assert.deepEqual([fault.code, mayHaveRun(fault)], ["upstream.unavailable", false], url);
      assert.match(opened.problem() ?? "", /may not be reached/);
    }
  }
});

test("a name that leads to an address which the operator has not opened is not followed", async (t) => {
  const rig = createRig(t, { networks: [] });
  let requests = 0;
  const { port } = await serve(t, () => {
    requests += 1;
  });
  const fault = await faultOf(rig.call(rig.open({ url: `http://localhost:${port}/mcp` })));
  assert.equal(fault.code, "upstream.unavailable");
  assert.equal(requests, 0);
});

test("whatever the registry takes as an address can be opened, or is refused in words", (t) => {
  const rig = createRig(t, { networks: [] });
  const written = fc.oneof(
    fc.webUrl({ withQueryParameters: true }),
    fc.string().map((text) => `http://${text}`),
  );
  fc.assert(
    fc.property(written, (url) => {
      if (!UpstreamUrl.safeParse(url).success) return;
      const { hostname, protocol, username } = new URL(url);
      assert.ok(url.startsWith(`${protocol}//${hostname}`) && username === "");
      const problem = rig.open({ url }).problem();
      assert.ok(problem === undefined || /may not be reached/.test(problem), problem);
    }),
    { numRuns: 200 },
  );
});

test("a secret stands in no log line, no fault and no problem, however its server fails", async (t) => {
  const canary = "canary-4c0ffee";
  const rig = createRig(t);
  rig.put("crm", canary);
  const trouble: string[] = [];
  for (const status of [200, 301, 401, 500, 0]) {
    const { href } = await serve(t, (_request, response) => {
      if (status === 0) response.destroy();
      else response.writeHead(status, { "content-type": "text/plain" }).end("no");
    });
    for (const transport of ["http", "sse"]) {
      const opened = rig.open({ url: href, transport, auth: byFile });
      const outcome = await rig.call(opened).then(
        ({ headers }) => headers,
        ({ message, detail, stack, cause }: Error & { detail?: string }) => ({
          message,
          detail,
          stack,
          cause: String(cause),
        }),
      );
      trouble.push(JSON.stringify([outcome, opened.problem()]));
    }
  }
  rig.put("crm", `${canary}\nsecond line`);
  rig.clock.advance(3_000);
  const opened = rig.open({ url: "http://127.0.0.1:1/", auth: byFile });
  trouble.push(JSON.stringify([(await faultOf(rig.call(opened))).stack, opened.problem()]));
  assert.ok(rig.lines.length > 0);
  assert.ok(![...trouble, ...rig.lines].some((text) => text.includes(canary)));
});

test("a place that is not open is answered as a secret that is not there", async (t) => {
  const rig = createRig(t);
  const opened = rig.open({
    url: (await mirror(t)).href,
    auth: { ...byFile, secret: { from: "vault", path: "secret/crm#token" } },
  });
  assert.equal((await faultOf(rig.call(opened))).code, "upstream.unavailable");
  assert.match(opened.problem() ?? "", /Vault is not configured for this sidecar/);
});
