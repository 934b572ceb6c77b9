// Vault's documented HTTP API (KV version 2 and Kubernetes auth), answered by a small server of the test's own.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { secret } from "@postern/config";
import { defer, fixedClock, type TestScope, temporaryDirectory } from "@postern/testkit";
import { bodyOf, faultOf, serve } from "../upstream.fixture.ts";
import { createVault, type VaultLogin } from "./vault-secrets.ts";

interface Answered {
  status: number;
  body: unknown;
}

const kv = (data: object): Answered => ({ status: 200, body: { data: { data, metadata: { version: 1 } } } });

async function createRig(t: TestScope, login: VaultLogin, timeoutMs = 5_000) {
  const seen: { line: string; token: string | undefined; body: string }[] = [];
  const answers = new Map<string, Answered | "silence" | "garbage">();
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const line = `${request.method} ${request.url}`;
    const token = request.headers["x-vault-token"]?.toString();
    seen.push({ line, token, body: (await bodyOf(request)).toString() });
    const answer = answers.get(line) ?? { status: 404, body: { errors: [] } };
    if (answer === "silence") return;
    if (answer === "garbage") return void response.end("hunter2".repeat(400_000));
    response
      .writeHead(answer.status, { "content-type": "application/json" })
      .end(JSON.stringify(answer.body));
  };
  const { origin } = await serve(t, (request, response) => void handle(request, response));
  const clock = fixedClock();
  const vault = createVault({ address: origin, login, timeoutMs, clock });
  defer(t, () => vault.close());
  return { vault, clock, seen, answers };
}

const fixed: VaultLogin = { by: "token", token: secret("vault-token") };
const READ = "GET /v1/secret/data/teams/crm";
const LOGIN = "POST /v1/auth/kubernetes/login";

test("a field of a secret is read with the token, from the latest version", async (t) => {
  const { vault, seen, answers } = await createRig(t, fixed);
  answers.set(READ, kv({ token: "hunter2", other: "x" }));
  assert.equal((await vault.read("secret/teams/crm#token")).reveal(), "hunter2");
  assert.deepEqual(seen, [{ line: READ, token: "vault-token", body: "" }]);
});

test("what Vault does not have or give is told apart from Vault's own trouble, and nothing it said is repeated", async (t) => {
  const { vault, answers } = await createRig(t, fixed, 300);
  const errors = ["hunter2"];
  const cases: readonly [answer: Answered | "silence" | "garbage", kind: string, why: RegExp][] = [
    [{ status: 404, body: { errors } }, "not_found", /does not have it/],
    [
      { status: 404, body: { data: { data: null, metadata: { deletion_time: "2026" } } } },
      "not_found",
      /have it/,
    ],
    [{ status: 403, body: { errors } }, "not_found", /does not let the sidecar/],
    [kv({ other: "hunter2" }), "not_found", /no text in that field/],
    [kv({ token: 5 }), "not_found", /no text in that field/],
    [kv({ token: "" }), "not_found", /empty/],
    [kv({ token: "hunter2\nX: y" }), "not_found", /no header may hold/],
    [{ status: 503, body: { errors } }, "unavailable", /HTTP 503/],
    [{ status: 200, body: { data: "hunter2" } }, "unavailable", /HTTP 200/],
    [{ status: 301, body: {} }, "unavailable", /HTTP 301/],
    ["garbage", "unavailable", /HTTP 200/],
    ["silence", "unavailable", /does not answer/],
  ];
  for (const [answer, kind, why] of cases) {
    answers.set(READ, answer);
    const fault = await faultOf(vault.read("secret/teams/crm#token"));
    assert.deepEqual([fault.kind, fault.code], [kind, "upstream.secret"]);
    assert.match(fault.message, why);
    assert.doesNotMatch(`${fault.message}${fault.detail ?? ""}`, /hunter2|vault-token/);
  }
  answers.set(READ, kv({ token: "x" }));
  assert.equal((await faultOf(vault.read("secret/teams/crm#constructor"))).kind, "not_found");
});

test("a token in a file is read for each request, since others keep it fresh", async (t) => {
  const path = join(temporaryDirectory(t), "token");
  const { vault, seen, answers } = await createRig(t, { by: "file", path });
  answers.set(READ, kv({ token: "hunter2" }));
  assert.match((await faultOf(vault.read("secret/teams/crm#token"))).message, /cannot be read \(ENOENT\)/);
  for (const token of ["one", "two"]) {
    writeFileSync(path, `${token}\n`);
    await vault.read("secret/teams/crm#token");
  }
  assert.deepEqual(
    seen.map(({ token }) => token),
    ["one", "two"],
  );
});

test("Kubernetes auth gets a token once, again before it ends, and again when it is revoked", async (t) => {
  const jwtPath = join(temporaryDirectory(t), "jwt");
  writeFileSync(jwtPath, "the-jwt");
  const login: VaultLogin = { by: "kubernetes", role: "postern", mount: "kubernetes", jwtPath };
  const { vault, clock, seen, answers } = await createRig(t, login);
  const letIn = (token: string): Answered => ({
    status: 200,
    body: { auth: { client_token: token, lease_duration: 100 } },
  });
  answers.set(READ, kv({ token: "hunter2" }));
  answers.set(LOGIN, letIn("first"));
  await Promise.all([vault.read("secret/teams/crm#token"), vault.read("secret/teams/crm#token")]);
  assert.deepEqual(
    seen.map(({ line }) => line),
    [LOGIN, READ, READ],
  );
  assert.deepEqual(JSON.parse(seen[0]?.body ?? ""), { role: "postern", jwt: "the-jwt" });
  answers.set(LOGIN, letIn("second"));
  clock.advance(79_000);
  await vault.read("secret/teams/crm#token");
  assert.equal(seen.at(-1)?.token, "first");
  clock.advance(2_000);
  await vault.read("secret/teams/crm#token");
  assert.equal(seen.at(-1)?.token, "second");
  answers.set(READ, { status: 403, body: {} });
  assert.equal((await faultOf(vault.read("secret/teams/crm#token"))).kind, "not_found");
  assert.deepEqual(
    seen.slice(-3).map(({ line }) => line),
    [READ, LOGIN, READ],
  );
});

test("whom Vault does not let in has no secret now, and tries again", async (t) => {
  const jwtPath = join(temporaryDirectory(t), "jwt");
  writeFileSync(jwtPath, "the-jwt");
  const login: VaultLogin = { by: "kubernetes", role: "postern", mount: "kubernetes", jwtPath };
  const { vault, answers } = await createRig(t, login);
  answers.set(READ, kv({ token: "hunter2" }));
  answers.set(LOGIN, { status: 400, body: { errors: ["the-jwt is wrong"] } });
  const fault = await faultOf(vault.read("secret/teams/crm#token"));
  assert.equal(fault.kind, "unavailable");
  assert.doesNotMatch(fault.message, /the-jwt/);
  answers.set(LOGIN, { status: 200, body: { auth: { client_token: "t", lease_duration: 0 } } });
  assert.equal((await vault.read("secret/teams/crm#token")).reveal(), "hunter2");
});
