// The commands about identity providers, against a control plane that answers by script.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type TestScope, temporaryDirectory } from "@postern/testkit";
import { postern, posternJson } from "./cli.fixture.ts";
import { service } from "./control-plane.fixture.ts";

const ISSUER = "https://login.example";
const file = {
  issuer: ISSUER,
  audiences: ["https://sidecar.example/v1/mcp"],
  rules: [{ name: "all", match: { "/sub": { glob: "*" } }, grant: { agent: "a" } }],
};
const known = { ...file, id: "i1", tenant: "acme", algorithms: ["RS256"], scopes: [] };

function jsonFile(t: TestScope, value: unknown): string {
  const path = join(temporaryDirectory(t), "file.json");
  writeFileSync(path, JSON.stringify(value));
  return path;
}

test("issuers lists whom the tenant trusts", async (t) => {
  const { at } = await service(t, { "GET /v1/admin/issuers?tenant=acme": [known] });
  const told = await postern(["issuers", ...at]);
  assert.equal(told.code, 0);
  assert.match(told.stdout, /acme +https:\/\/login\.example +1 +i1/);
});

test("issuers apply adds an issuer that is new and replaces one that is known", async (t) => {
  for (const [trusted, expected] of [
    [[], /^POST \/v1\/admin\/issuers .*"issuer":"https:\/\/login\.example"/],
    [[known], /^PUT \/v1\/admin\/issuers\/i1 \{"audiences"/],
  ] as const) {
    const { at, seen } = await service(t, {
      "GET /v1/admin/issuers?tenant=acme": trusted,
      "POST /v1/admin/issuers": known,
      "PUT /v1/admin/issuers/i1": known,
    });
    assert.equal((await posternJson(["issuers", "apply", jsonFile(t, file), ...at])).code, 0);
    assert.match(seen.at(-1) ?? "", expected);
  }
});

test("a file that says something else is refused before anybody is asked", async (t) => {
  const { at, seen } = await service(t, {});
  for (const wrong of [{}, { ...file, issuer: "http://login.example" }, { ...file, nope: 1 }]) {
    assert.equal((await postern(["issuers", "apply", jsonFile(t, wrong), ...at])).code, 2);
  }
  assert.deepEqual(seen, []);
});

test("issuers explain says who would get what, and exits with 1 when nobody gets anything", async (t) => {
  const claims = jsonFile(t, { sub: "alice" });
  const capability = { agent: "alice", jti: "j", caveats: [], ttl_seconds: 60 };
  for (const [answer, code, says] of [
    [{ accepted: true, rule: "all", capability }, 0, /Agent +alice/],
    [{ accepted: false, problem: "No rule." }, 1, /Nothing: No rule\./],
  ] as const) {
    const { at, seen } = await service(t, {
      "GET /v1/admin/issuers?tenant=acme": [known],
      "POST /v1/admin/issuers/i1/explain": answer,
    });
    const told = await postern(["issuers", "explain", ISSUER, "--claims", claims, ...at]);
    assert.equal(told.code, code);
    assert.match(told.stdout, says);
    assert.equal(seen.at(-1), 'POST /v1/admin/issuers/i1/explain {"claims":{"sub":"alice"}}');
  }
  const { at } = await service(t, {});
  assert.equal((await postern(["issuers", "explain", ISSUER, ...at])).code, 2);
});

test("issuers remove takes away the one that is named, and no other", async (t) => {
  const { at, seen } = await service(t, {
    "GET /v1/admin/issuers?tenant=acme": [known],
    "DELETE /v1/admin/issuers/i1": {},
  });
  assert.equal((await posternJson(["issuers", "remove", ISSUER, ...at])).code, 0);
  assert.equal((await postern(["issuers", "remove", "https://other.example", ...at])).code, 2);
  assert.deepEqual(
    seen.filter((line) => line.startsWith("DELETE")),
    ["DELETE /v1/admin/issuers/i1"],
  );
});
