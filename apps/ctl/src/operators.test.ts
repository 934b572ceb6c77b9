// The commands about operators, against a control plane that answers by script.
import assert from "node:assert/strict";
import { test } from "node:test";
import { postern, posternJson } from "./cli.fixture.ts";
import { service } from "./control-plane.fixture.ts";

const olga = { id: "o1", tenant: "acme", name: "olga", roles: ["viewer"], roles_from: "here" };
const LIST = "GET /v1/admin/operators?tenant=acme&limit=1000";
const list = { [LIST]: { items: [olga] } };

test("whoami says who the token is of", async (t) => {
  const me = {
    name: "operator:olga",
    kind: "operator",
    tenant: "acme",
    roles: ["viewer"],
    permissions: ["read"],
  };
  const { at } = await service(t, { "GET /v1/admin/me": me });
  const told = await postern(["whoami", ...at]);
  assert.equal(told.code, 0, told.stderr);
  assert.match(told.stdout, /Name +operator:olga\nTenant +acme\nRoles +viewer\nMay +read/);
});

test("operators lists page after page", async (t) => {
  const { at } = await service(t, {
    [LIST]: { items: [olga], next_cursor: "c" },
    [`${LIST}&cursor=c`]: { items: [{ ...olga, id: "o2", name: "otto" }] },
  });
  const told = await postern(["operators", ...at]);
  assert.match(told.stdout, /acme +olga +viewer +here +- +o1\nacme +otto/);
});

for (const [args, expected, answers] of [
  [
    ["add", "ci", "--role", "operator", "--role", "viewer"],
    'POST /v1/admin/operators {"name":"ci","roles":["operator","viewer"],"tenant":"acme"}',
    { "POST /v1/admin/operators": olga },
  ],
  [
    ["add", "al", "--role", "viewer", "--issuer", "https://login.example", "--subject", "s"],
    'POST /v1/admin/operators {"name":"al","roles":["viewer"],"identity":{"issuer":"https://login.example","subject":"s"},"tenant":"acme"}',
    { "POST /v1/admin/operators": olga },
  ],
  [
    ["roles", "olga", "--role", "admin"],
    'PATCH /v1/admin/operators/o1?tenant=acme {"roles":["admin"]}',
    { ...list, "PATCH /v1/admin/operators/o1?tenant=acme": olga },
  ],
  [
    ["remove", "olga"],
    "DELETE /v1/admin/operators/o1?tenant=acme",
    { ...list, "DELETE /v1/admin/operators/o1?tenant=acme": {} },
  ],
  [
    ["revoke", "o1", "t1"],
    "DELETE /v1/admin/operators/o1/tokens/t1?tenant=acme",
    { ...list, "DELETE /v1/admin/operators/o1/tokens/t1?tenant=acme": {} },
  ],
  [
    ["tokens", "olga"],
    "GET /v1/admin/operators/o1/tokens?tenant=acme",
    { ...list, "GET /v1/admin/operators/o1/tokens?tenant=acme": [{ id: "t1", kind: "token", label: "x" }] },
  ],
] as const)
  test(`operators ${args.join(" ")} asks for exactly that`, async (t) => {
    const { at, seen } = await service(t, answers);
    const { code, stderr } = await posternJson(["operators", ...args, ...at]);
    assert.equal(code, 0, stderr);
    assert.equal(seen.at(-1), expected);
  });

test("operators issue shows the token once, with its end", async (t) => {
  const path = "POST /v1/admin/operators/o1/tokens?tenant=acme";
  const issued = {
    id: "t1",
    kind: "token",
    label: "ci",
    token: "pst_acme.x",
    expires_at: "2026-01-02T00:00:00Z",
  };
  const { at, seen } = await service(t, { ...list, [path]: issued });
  const told = await postern(["operators", "issue", "olga", "--label", "ci", "--ttl", "1d", ...at]);
  assert.equal(told.stdout, "Token t1 of olga, until 2026-01-02T00:00:00Z:\npst_acme.x\n");
  assert.equal(seen.at(-1), `${path} {"label":"ci","ttl_seconds":86400}`);
});

test("what cannot be meant is refused before anybody is asked", async (t) => {
  const { at, seen } = await service(t, {});
  for (const args of [
    ["add", "ci"],
    ["add", "ci", "--role", "root"],
    ["add", "ci", "--role", "viewer", "--issuer", "https://login.example"],
    ["roles", "olga"],
    ["revoke", "olga"],
  ])
    assert.equal((await postern(["operators", ...args, ...at])).code, 2, args.join(" "));
  assert.deepEqual(seen, []);
});

test("an operator that is not there, or is in several tenants, is not guessed", async (t) => {
  const nobody = await service(t, { [LIST]: { items: [] } });
  assert.match(
    (await postern(["operators", "remove", "olga", ...nobody.at])).stderr,
    /There is no operator olga/,
  );
  const two = await service(t, { [LIST]: { items: [olga, { ...olga, id: "o2", tenant: "beta" }] } });
  assert.match((await postern(["operators", "remove", "olga", ...two.at])).stderr, /give --tenant/);
});
