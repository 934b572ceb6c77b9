// The commands about registered upstreams, against a control plane that answers by script.
import assert from "node:assert/strict";
import { test } from "node:test";
import { postern, posternJson } from "./cli.fixture.ts";
import { service } from "./control-plane.fixture.ts";

const crm = {
  ...{ name: "crm", tenant: "acme", transport: "http", url: "https://crm.example/mcp", enabled: true },
  auth: { kind: "header", header: "authorization", prefix: "Bearer ", secret: { from: "file", name: "crm" } },
};

test("upstreams lists what is registered, page by page, and which secret opens it", async (t) => {
  const { at } = await service(t, {
    "GET /v1/admin/upstreams?tenant=acme": { items: [crm], next_cursor: "c" },
    "GET /v1/admin/upstreams?tenant=acme&cursor=c": {
      items: [{ ...crm, name: "open", auth: { kind: "none" }, enabled: false }],
    },
  });
  const told = await postern(["upstreams", ...at]);
  assert.equal(told.code, 0, told.stderr);
  assert.match(told.stdout, /acme +crm +http +https:\/\/crm\.example\/mcp +file:crm +yes/);
  assert.match(told.stdout, /acme +open +http .* - +no/);
});

const AUTHS: readonly [options: readonly string[], auth: object][] = [
  [[], { kind: "none" }],
  [["--secret", "file:crm"], crm.auth],
  [
    ["--secret", "env:CRM", "--header", "X-Api-Key"],
    { kind: "header", header: "X-Api-Key", prefix: "", secret: { from: "env", name: "CRM" } },
  ],
  [
    [
      "--secret",
      "vault:secret/crm#id",
      "--token-url",
      "https://login.example/t",
      "--client-id",
      "c",
      "--scope",
      "a",
    ],
    {
      ...{ kind: "oauth", token_url: "https://login.example/t", client_id: "c", scopes: ["a"] },
      secret: { from: "vault", path: "secret/crm#id" },
    },
  ],
];
test("upstreams add and set say how the secret is found and how it is sent", async (t) => {
  for (const [options, auth] of AUTHS) {
    const { at, seen } = await service(t, {
      "POST /v1/admin/upstreams": crm,
      "PUT /v1/admin/upstreams/crm?tenant=acme": crm,
    });
    for (const act of ["add", "set"]) {
      const told = await posternJson(["upstreams", act, "crm", crm.url, ...options, ...at]);
      assert.equal(told.code, 0);
      const sent = { transport: "http", url: crm.url, auth, enabled: true };
      assert.deepEqual(
        JSON.parse(seen.at(-1)?.replace(/^\S+ \S+ /, "") ?? ""),
        act === "add" ? { name: "crm", tenant: "acme", ...sent } : sent,
      );
    }
  }
});

test("a secret on the command line is refused before anybody is asked, and not repeated", async (t) => {
  const { at, seen } = await service(t, {});
  for (const options of [
    ["--secret", "hunter2"],
    ["--secret", "value:hunter2"],
    ["--secret", "file:../hunter2"],
    ["--header", "x-key"],
    ["--secret", "file:crm", "--header", "host"],
    ["--secret", "file:crm", "--token-url", "https://login.example/t"],
    ["--transport", "stdio"],
  ]) {
    const told = await postern(["upstreams", "add", "crm", crm.url, ...options, ...at]);
    assert.equal(told.code, 2, options.join(" "));
    assert.doesNotMatch(`${told.stdout}${told.stderr}`, /hunter2/);
  }
  assert.deepEqual(seen, []);
});

test("upstreams remove takes away the one that is named", async (t) => {
  const { at, seen } = await service(t, { "DELETE /v1/admin/upstreams/crm?tenant=acme": {} });
  assert.equal((await postern(["upstreams", "remove", "crm", ...at])).code, 0);
  assert.equal((await postern(["upstreams", "remove", "other", ...at])).code, 2);
  assert.equal(seen.length, 2);
});
