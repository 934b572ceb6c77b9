import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { mint } from "@postern/capability";
import { randomId, systemClock } from "@postern/fault";
import { generateKeyPair, importSigningKey } from "@postern/signing";
import { scriptedServer, type TestScope, temporaryDirectory } from "@postern/testkit";
import { postern, posternJson } from "./cli.fixture.ts";

type Answer = readonly [status: number, body: unknown];

/** A service that answers each `METHOD /path` with a status and a body, which may depend on the request's body. */
async function service(t: TestScope, answers: Readonly<Record<string, Answer | ((body: string) => Answer)>>) {
  return await scriptedServer(t, ({ method, url, body }, response) => {
    const line = `${method} ${url}`;
    const found = answers[line] ?? [404, { error: `nothing at ${line}` }];
    const [status, answer] = typeof found === "function" ? found(body) : found;
    response.writeHead(status, { "content-type": "application/json" });
    response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
  });
}

const rpc = (fields: object) => ({ jsonrpc: "2.0", id: "1", ...fields });

test("mint sends what the flags say and prints the token", async (t) => {
  const reply = { token: "v4.public.x", jti: "j1", expires_at: "2026-01-01T00:00:00Z" };
  const { url, seen } = await service(t, { "POST /v1/admin/mint": [200, reply] });
  const args = [
    "mint",
    "--subject",
    "bot",
    "--tenant",
    "acme",
    "--ttl",
    "1h",
    "--tool",
    "read_*",
    "--tool",
    "list",
    "--rate",
    "9",
  ];
  const { code, json } = await posternJson([...args, "--url", url, "--token", "secret"]);
  assert.equal(code, 0);
  assert.deepEqual(json, reply);
  assert.equal(seen[0]?.headers.authorization, "Bearer secret");
  assert.deepEqual(JSON.parse(seen[0]?.body ?? ""), {
    subject: "bot",
    tenant: "acme",
    ttl_seconds: 3600,
    caveats: [
      { type: "tool_allow", tools: ["read_*", "list"] },
      { type: "rate", per_minute: 9 },
    ],
  });
});

test("call tells a result, a denial and a failed tool apart", async (t) => {
  const data = {
    check: "policy",
    reason: "policy.denied",
    detail: "Too much.",
    reasons: [{ code: "policy.denied", detail: "Too much." }],
    event_id: "e1",
  };
  const result = { content: [{ type: "text", text: "hello" }] };
  const cases = [
    { answer: [200, rpc({ result })], code: 0, says: /^hello$/m },
    { answer: [200, rpc({ result: { ...result, isError: true } })], code: 1, says: /^hello$/m },
    {
      answer: [200, rpc({ error: { code: -32012, message: "policy check failed", data } })],
      code: 1,
      says: /policy check: Too much\.[\s\S]*e1/,
    },
    {
      answer: [200, rpc({ error: { code: -32602, message: "bad arguments" } })],
      code: 1,
      says: /bad arguments/,
    },
    { answer: [503, "busy"], code: 3, says: /503/ },
  ] as const;
  for (const { answer, code, says } of cases) {
    const { url, seen } = await service(t, { "POST /v1/tool-call": answer });
    const env = { POSTERN_SIDECAR_URL: url, POSTERN_CAPABILITY: "v4.public.x" };
    const told = await postern(
      ["call", "echo", "message=hi there", "n=3", "flag=null", "--args", '{"list":[1]}'],
      { env },
    );
    assert.equal(told.code, code);
    assert.match(told.stdout + told.stderr, says);
    const { params } = JSON.parse(seen[0]?.body ?? "");
    assert.deepEqual(params.arguments, { list: [1], message: "hi there", n: 3, flag: null });
  }
});

test("what no flag and no variable gives is read from the connection file", async (t) => {
  const { url, seen } = await service(t, {
    "POST /v1/tool-call": [200, rpc({ result: {} })],
    "GET /v1/admin/audit/verify?tenant=demo": [
      200,
      { tenant: "demo", verified: false, events_checked: 4, duration_ms: 1, first_broken_event_id: "e5" },
    ],
  });
  const folder = temporaryDirectory(t);
  const connection = {
    mcp_url: `${url}/v1/mcp`,
    tool_call_url: `${url}/v1/tool-call`,
    admin_url: url,
    admin_token: "admin-secret",
    capability_token: "v4.public.demo",
    tenant: "demo",
    data_dir: folder,
  };
  writeFileSync(join(folder, "connection.json"), JSON.stringify(connection));
  const env = { POSTERN_DATA_DIR: folder };
  assert.equal((await postern(["call", "echo"], { env })).code, 0);
  const verified = await postern(["audit", "verify"], { env });
  assert.equal(verified.code, 1);
  assert.match(verified.stdout, /BROKEN at event e5/);
  assert.deepEqual(
    seen.map(({ headers }) => headers.authorization),
    ["Bearer v4.public.demo", "Bearer admin-secret"],
  );
  // A stored credential never goes to an address that was given by hand.
  const foreign = await service(t, {});
  assert.equal((await postern(["tenants", "--url", foreign.url], { env })).code, 2);
  assert.equal((await postern(["call", "echo", "--sidecar-url", foreign.url], { env })).code, 2);
  assert.equal(foreign.seen.length, 0);
  assert.equal(seen.length, 2);
});

test("policy promote saves a draft and makes it active; a refusal keeps the compiler's words", async (t) => {
  const path = join(temporaryDirectory(t), "limits.rego");
  writeFileSync(path, "package intentgate.policy\n");
  const draft = {
    id: "d1",
    name: "limits",
    description: "",
    tenant: "acme",
    created_by: "x",
    created_at: "t",
    rego_sha256: "s",
  };
  const active = {
    draft_id: "d1",
    name: "limits",
    promoted_by: "x",
    promoted_at: "t",
    rego_sha256: "s",
    tenant: "acme",
  };
  const good = await service(t, {
    "POST /v1/admin/policies/drafts": [201, draft],
    "POST /v1/admin/policies/active": [200, active],
  });
  const args = ["policy", "promote", path, "--tenant", "acme", "--token", "secret"];
  const { code, json } = await posternJson([...args, "--url", good.url]);
  assert.equal(code, 0);
  assert.deepEqual(json, active);
  assert.equal(JSON.parse(good.seen[0]?.body ?? "").name, "limits");
  const bad = await service(t, {
    "POST /v1/admin/policies/drafts": [
      400,
      { error: "1 error occurred: policy.rego:1", code: "policy.rego" },
    ],
  });
  const refused = await postern([...args, "--url", bad.url]);
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /1 error occurred: policy\.rego:1/);
  assert.equal(bad.seen.length, 1);
});

test("audit export writes a private file, or standard output", async (t) => {
  const { url } = await service(t, {
    "GET /v1/admin/audit/export?format=ndjson&tenant=acme": [200, "{}\n{}\n"],
  });
  const out = join(temporaryDirectory(t), "export.ndjson");
  const args = ["audit", "export", "--tenant", "acme", "--url", url, "--token", "secret"];
  const { code, json } = await posternJson([...args, "--out", out]);
  assert.equal(code, 0);
  assert.deepEqual(json, { file: out, format: "ndjson", bytes: 6 });
  assert.equal(readFileSync(out, "utf8"), "{}\n{}\n");
  assert.equal((await postern(args)).stdout, "{}\n{}\n");
  assert.equal((await posternJson(args)).code, 2);
});

const ID = "01976e4c-5d2b-7000-8000-3c9f5e0a1b2c";

test("revoke takes an id and says so", async (t) => {
  const { url, seen } = await service(t, { "POST /v1/admin/revoke": [204, ""] });
  const { code, json } = await posternJson([
    "revoke",
    ID,
    "--reason",
    "lost",
    "--url",
    url,
    "--token",
    "secret",
  ]);
  assert.equal(code, 0);
  assert.deepEqual(json, { revoked: ID, tenant: null, known: null });
  assert.deepEqual(JSON.parse(seen[0]?.body ?? ""), { jti: ID, reason: "lost" });
});

test("revoke refuses what is neither a token nor the id of one, and asks nobody", async (t) => {
  const { url, seen } = await service(t, { "POST /v1/admin/revoke": [204, ""] });
  for (const text of ["garbage", "", "j1", `${ID}0`, ID.toUpperCase(), "v4.public.garbage"]) {
    const { code } = await posternJson(["revoke", text, "--url", url, "--token", "secret"]);
    assert.equal(code, 2, text);
  }
  assert.equal(seen.length, 0);
});

test("revoke says so when an id was never minted, and a whole token is revoked where it belongs", async (t) => {
  const seen: { tenant?: string }[] = [];
  const { url } = await service(t, {
    "POST /v1/admin/revoke": (body) => {
      const asked = JSON.parse(body);
      seen.push(asked);
      const isKnown = asked.tenant !== undefined || asked.jti.endsWith("0");
      return isKnown ? [204, ""] : [404, { error: "unknown", code: "capabilities.unknown" }];
    },
  });
  const folder = temporaryDirectory(t);
  const connection = { mcp_url: url, tool_call_url: url, admin_url: url, admin_token: "secret" };
  const rest = { capability_token: "v4.public.demo", tenant: "demo", data_dir: folder };
  writeFileSync(join(folder, "connection.json"), JSON.stringify({ ...connection, ...rest }));
  const env = { POSTERN_DATA_DIR: folder };
  const unknown = await postern(["revoke", ID], { env });
  assert.equal(unknown.code, 0);
  assert.match(unknown.stdout, /No token with this id was minted here; it is on the list all the same/);
  assert.deepEqual(
    seen.map(({ tenant }) => tenant),
    [undefined, "demo"],
  );
  const known = await posternJson(["revoke", `${ID.slice(0, -1)}0`], { env });
  assert.deepEqual([known.json.known, known.json.tenant], [true, null]);
  const key = await importSigningKey((await generateKeyPair()).secretKey);
  const request = { tenant: "acme", subject: "bot", caveats: [] };
  const { token } = await mint(request, { key, clock: systemClock, newId: randomId });
  assert.equal((await posternJson(["revoke", token], { env })).json.tenant, "acme");
  assert.equal(seen.at(-1)?.tenant, "acme");
  assert.equal((await postern(["revoke", token, "--tenant", "demo"], { env })).code, 2);
});

test("trouble exits with 3: nobody there, or a credential that does not do", async (t) => {
  const nobody = await posternJson(["tenants", "--url", "http://127.0.0.1:9", "--token", "secret"]);
  assert.equal(nobody.code, 3);
  assert.equal(nobody.json.error.kind, "unavailable");
  const { url } = await service(t, { "GET /v1/admin/tenants": [401, { error: "no" }] });
  assert.equal((await postern(["tenants", "--url", url, "--token", "secret"])).code, 3);
});
