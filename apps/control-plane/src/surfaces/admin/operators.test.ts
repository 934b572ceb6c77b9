// What operators may do at the admin door: the role table against every row, who an act is told to be of, and tokens that do not do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { OperatorRole } from "@postern/contracts";
import {
  ACME,
  BETA,
  SUPERADMIN,
  type TestAnswer,
  type TestPlane,
  testPlane,
} from "../../control-plane.fixture.ts";
import { ADMIN_ROWS, addressOf, belongingsOf, samplesOf } from "../rows.fixture.ts";
import { operatorRows } from "./operators.ops.ts";
import { grants, permissionsOf } from "./roles.ts";

async function tokenFor(plane: TestPlane, roles: readonly OperatorRole[], name = roles.join("-")) {
  const added = await plane.request("POST", "/v1/admin/operators", {
    token: ACME,
    body: { name: name.replaceAll("_", "-"), roles },
  });
  assert.equal(added.status, 201, added.text);
  const { id } = added.json;
  const { token } = (
    await plane.request("POST", `/v1/admin/operators/${id}/tokens`, { token: ACME, body: {} })
  ).json;
  return { id, token };
}

/** What the table is meant to say, written down once more. */
const MAY: Readonly<Record<OperatorRole, readonly string[]>> = {
  viewer: ["read"],
  operator: ["read", "operate"],
  approver: ["read", "approve"],
  policy_author: ["read", "author"],
  admin: ["read", "operate", "approve", "author", "administer"],
};

for (const role of OperatorRole.options)
  test(`the role ${role} is refused exactly what it may not do, by every row`, async (t) => {
    const plane = await testPlane(t, "embedded");
    assert.ok(plane !== undefined);
    const samples = samplesOf(await belongingsOf(plane));
    const { token } = await tokenFor(plane, [role], "the-one");
    for (const row of ADMIN_ROWS) {
      const sample = samples[row.id] ?? {};
      const { cursor: _, ...query } = sample.query ?? {};
      const answered: TestAnswer = await plane.request(row.method, addressOf(row, { ...sample, query }), {
        token,
        body: sample.body,
      });
      const isRefused = answered.status === 403 && /^admin\.(role|forbidden)$/.test(answered.json.code);
      assert.equal(isRefused, !MAY[role].includes(row.permission), `${row.id}: ${answered.text}`);
      assert.ok(answered.status < 500 && answered.status !== 401, `${row.id}: ${answered.text}`);
    }
  });

test("every row asks for a permission that somebody can have", () => {
  const known = new Set([...permissionsOf(["admin"]), "superadmin"]);
  for (const { id, permission } of ADMIN_ROWS) assert.ok(known.has(permission as never), id);
});

test("whoever administers may do all that any role may, so that nobody gives away more than it has", () => {
  const everything = permissionsOf(OperatorRole.options);
  for (const role of OperatorRole.options.filter((each) => grants([each], "administer"))) {
    assert.deepEqual(permissionsOf([role]), everything, role);
  }
  for (const role of OperatorRole.options) assert.ok(!grants([role], "superadmin"), role);
});

test("only whoever administers may change operators and their tokens", () => {
  const writes = operatorRows.filter(({ method }) => method !== "GET");
  assert.equal(writes.length, 5);
  for (const { id, permission } of writes) assert.equal(permission, "administer", id);
});

test("several roles add up", async (t) => {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  const { token } = await tokenFor(plane, ["approver", "operator"]);
  const me = (await plane.request("GET", "/v1/admin/me", { token })).json;
  assert.deepEqual(
    [me.roles, me.permissions],
    [
      ["operator", "approver"],
      ["read", "operate", "approve"],
    ],
  );
});

test("who one is says the credential", async (t) => {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  const me = async (token: string) => (await plane.request("GET", "/v1/admin/me", { token })).json;
  const all = ["read", "operate", "approve", "author", "administer"];
  assert.deepEqual(await me(SUPERADMIN), {
    ...{ name: "superadmin", kind: "superadmin", roles: [], permissions: [...all, "superadmin"] },
  });
  assert.deepEqual(await me(ACME), {
    ...{
      name: "tenant-admin:acme",
      kind: "tenant-admin",
      tenant: "acme",
      roles: ["admin"],
      permissions: all,
    },
  });
});

test("an act is told to be of the operator whose token it was, whatever the body claims", async (t) => {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  const { token } = await tokenFor(plane, ["admin"], "olga");
  const post = (path: string, body: object) => plane.request("POST", `/v1/admin/${path}`, { token, body });
  const claimed = "superadmin";
  const draft = await post("policies/drafts", { name: "p", rego_source: "package x", created_by: claimed });
  await post("policies/active", { draft_id: draft.json.id, promoted_by: claimed });
  await post("policies/active", { draft_id: draft.json.id, promoted_by: claimed });
  await post("policies/rollback", { rolled_back_by: claimed });
  const told = (await plane.request("GET", "/v1/admin/audit?limit=1000", { token: ACME })).json.items;
  const claims = told.filter(
    (event: { arg_values?: { claimed_by?: string } }) => event.arg_values?.claimed_by,
  );
  assert.ok(claims.length >= 3, `${claims.length} acts carry a claim`);
  for (const { actor, arg_values, tool } of claims) {
    assert.deepEqual([actor, arg_values.claimed_by], ["operator:olga", claimed], tool);
  }
});

test("an operator stays in its tenant", async (t) => {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  const { id, token } = await tokenFor(plane, ["admin"], "olga");
  const named = await plane.request("POST", "/v1/admin/mint", {
    token,
    body: { subject: "a", tenant: "beta" },
  });
  assert.equal(named.status, 404);
  const list = await plane.request("GET", "/v1/admin/operators?tenant=beta", { token });
  assert.deepEqual(
    list.json.items.map((each: { name: string }) => each.name),
    ["olga"],
  );
  for (const [method, path] of [
    ["GET", id],
    ["DELETE", id],
    ["GET", `${id}/tokens`],
    ["DELETE", `${id}/tokens/none`],
  ]) {
    const foreign = await plane.request(String(method), `/v1/admin/operators/${path}`, { token: BETA });
    const nothing = await plane.request(String(method), `/v1/admin/operators/${path?.replace(id, "none")}`, {
      token: BETA,
    });
    assert.deepEqual([foreign.status, foreign.text], [404, nothing.text], `${method} ${path}`);
  }
  // The secret of one tenant's token with another tenant's name on it is nobody's.
  const moved = await plane.request("GET", "/v1/admin/me", {
    token: token.replace("pst_acme.", "pst_beta."),
  });
  assert.equal(moved.status, 401);
});

test("an operator's token that does not do is told and throttled like any other failure", async (t) => {
  const plane = await testPlane(t, "embedded", { loginFailuresPerMinute: 2 });
  assert.ok(plane !== undefined);
  const { id, token } = await tokenFor(plane, ["viewer"]);
  const wrong = `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`;
  const attempt = (given: string) => plane.request("GET", "/v1/admin/me", { token: given });
  const refused = await attempt(wrong);
  assert.deepEqual([refused.status, refused.json.error], [401, "The admin token is not valid."]);
  assert.equal((await attempt(`pst_nope.${token.split(".")[1]}`)).status, 401);
  assert.equal((await attempt(wrong)).status, 429);
  assert.equal((await attempt(token)).status, 200, "a right token always passes");
  await plane.request("DELETE", `/v1/admin/operators/${id}`, { token: ACME });
  assert.equal((await attempt(token)).status, 429);
  plane.clock.advance(60_000);
  assert.equal((await attempt(token)).status, 401, "it was removed");
  const told = await plane.request("GET", "/v1/admin/audit?tenant=postern-system&tool=admin/login");
  assert.equal(told.json.items.length, 3);
  assert.ok(!told.text.includes("pst_"));
});

test("whoever administers may take its own rights away, and the environment's tokens still let in", async (t) => {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  const { id, token } = await tokenFor(plane, ["admin"]);
  const path = `/v1/admin/operators/${id}`;
  assert.equal((await plane.request("DELETE", path, { token })).status, 204);
  assert.equal((await plane.request("GET", "/v1/admin/me", { token })).status, 401);
  assert.equal((await plane.request("GET", "/v1/admin/operators", { token: ACME })).status, 200);
});

test("what is wrong in a request about operators is refused by its name", async (t) => {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  const { id } = await tokenFor(plane, ["viewer"]);
  const viewer = { name: "x", roles: ["viewer"] };
  for (const [path, body, said] of [
    ["", { ...viewer, name: "Olga" }, /^body\.name/],
    ["", { ...viewer, name: "operator:olga" }, /^body\.name/],
    ["", { ...viewer, name: "olga." }, /^body\.name/],
    ["", { ...viewer, name: "\u043e\u043bga" }, /^body\.name/],
    ["", { ...viewer, name: "a".repeat(65) }, /^body\.name/],
    ["", { ...viewer, roles: [] }, /^body\.roles/],
    ["", { ...viewer, roles: ["superadmin"] }, /^body\.roles\[0\]/],
    ["", { ...viewer, identity: { issuer: "http://evil.example", subject: "s" } }, /^body\.identity\.issuer/],
    [
      "",
      { ...viewer, identity: { issuer: "https://login.example", subject: "" } },
      /^body\.identity\.subject/,
    ],
    [`/${id}/tokens`, { ttl_seconds: 0 }, /^body\.ttl_seconds/],
    [`/${id}/tokens`, { token: "mine" }, /^body\.token: unknown field/],
  ] as const) {
    const refused = await plane.request("POST", `/v1/admin/operators${path}`, { token: ACME, body });
    assert.equal(refused.status, 400, JSON.stringify(body));
    assert.match(refused.json.error, said);
  }
});
