// Operators on both engines: names that stay taken, tokens that rotate and end at once on every replica, and whom the provider vouches for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import { ACME, BETA, ENGINES, planeOver, type TestPlane, testPlane } from "../../control-plane.fixture.ts";
import { digestOf, isOperatorToken, type Person, tenantOfToken, tokenText } from "./model.ts";

const PATH = "/v1/admin/operators";
const ACTOR = { name: "identity-provider", remoteAddress: "", requestId: "" };
const ISSUER = "https://login.example";

const add = async (
  plane: TestPlane,
  name: string,
  roles: readonly string[] = ["viewer"],
  more: object = {},
) => await plane.request("POST", PATH, { token: ACME, body: { name, roles, ...more } });

const issue = async (plane: TestPlane, id: string, body: object = {}) =>
  await plane.request("POST", `${PATH}/${id}/tokens`, { token: ACME, body });

const person = (change: Partial<Person> = {}): Person => {
  return { tenant: "acme", issuer: ISSUER, subject: "s1", name: "alice", roles: ["approver"], ...change };
};

const welcome = async (plane: TestPlane, who: Person) =>
  await plane.units.commit(ACTOR, (unit) => plane.nouns.operators.welcome(unit, who));

for (const engine of ENGINES) {
  test(`${engine}: a removed operator's name is never given to another`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const added = await add(plane, "olga", ["approver", "viewer", "viewer"]);
    assert.equal(added.status, 201, added.text);
    assert.deepEqual(added.json.roles, ["viewer", "approver"]);
    assert.deepEqual([added.json.created_by, added.json.roles_from], ["tenant-admin:acme", "here"]);
    assert.equal((await add(plane, "olga")).json.code, "operators.name");
    const { id } = added.json;
    assert.equal((await plane.request("DELETE", `${PATH}/${id}`, { token: ACME })).status, 204);
    assert.equal((await add(plane, "olga")).json.code, "operators.name");
    for (const [method, body] of [["GET"], ["DELETE"], ["PATCH", { roles: ["admin"] }]] as const) {
      const answered = await plane.request(method, `${PATH}/${id}`, { token: ACME, body });
      assert.deepEqual([answered.status, answered.json.code], [404, "operators.unknown"], method);
    }
    assert.deepEqual((await plane.request("GET", PATH, { token: ACME })).json.items, []);
    // Another tenant's names are its own.
    const other = await plane.request("POST", PATH, {
      token: BETA,
      body: { name: "olga", roles: ["viewer"] },
    });
    assert.equal(other.status, 201, other.text);
  });

  test(`${engine}: a token is shown once, kept as a digest, and rotated without a gap`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { id } = (await add(plane, "olga")).json;
    const first = (await issue(plane, id, { label: "old" })).json;
    assert.match(first.token, /^pst_acme\.[A-Za-z0-9_-]{43}$/);
    const second = (await issue(plane, id, { label: "new", ttl_seconds: 3600 })).json;
    const list = await plane.request("GET", `${PATH}/${id}/tokens`, { token: ACME });
    assert.deepEqual(
      list.json.map(({ label, kind }: { label: string; kind: string }) => [label, kind]),
      [
        ["old", "token"],
        ["new", "token"],
      ],
    );
    const me = (token: string) => plane.request("GET", "/v1/admin/me", { token });
    assert.deepEqual((await me(first.token)).json, {
      ...{ name: "operator:olga", kind: "operator", tenant: "acme", operator_id: id },
      ...{ roles: ["viewer"], permissions: ["read"] },
    });
    assert.equal((await me(second.token)).json.expires_at, second.expires_at);
    const revoked = await plane.request("DELETE", `${PATH}/${id}/tokens/${first.id}`, { token: ACME });
    assert.equal(revoked.status, 204);
    assert.deepEqual([(await me(first.token)).status, (await me(second.token)).status], [401, 200]);
    const again = await plane.request("DELETE", `${PATH}/${id}/tokens/${first.id}`, { token: ACME });
    assert.deepEqual([again.status, again.json.code], [404, "operators.unknown_token"]);
    plane.clock.advance(3_600_000);
    assert.equal((await me(second.token)).status, 401, "it has expired");

    const told = await plane.request("GET", "/v1/admin/audit?limit=1000", { token: ACME });
    for (const secret of [first.token, first.token.split(".")[1], digestOf(first.token)]) {
      assert.ok(!told.text.includes(secret) && !list.text.includes(secret));
    }
    assert.match(told.text, /admin\/issue_operator_token.*/);
    assert.match(told.text, /admin\/revoke_operator_token/);
  });

  test(`${engine}: who is removed, or loses a role, is refused at once by every replica`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const other = await planeOver(plane.parts);
    const { id } = (await add(plane, "olga", ["operator"])).json;
    const { token } = (await issue(plane, id)).json;
    const mint = () => other.request("POST", "/v1/admin/mint", { token, body: { subject: "a" } });
    assert.equal((await mint()).status, 200);
    await plane.request("PATCH", `${PATH}/${id}`, { token: ACME, body: { roles: ["viewer"] } });
    assert.deepEqual([(await mint()).status, (await mint()).json.code], [403, "admin.role"]);
    await plane.request("DELETE", `${PATH}/${id}`, { token: ACME });
    assert.equal((await mint()).status, 401);
  });

  test(`${engine}: an operator has a bounded number of tokens`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { id } = (await add(plane, "olga")).json;
    for (let at = 0; at < 20; at += 1) assert.equal((await issue(plane, id)).status, 201);
    const refused = await issue(plane, id);
    assert.deepEqual([refused.status, refused.json.code], [429, "operators.many_tokens"]);
  });

  test(`${engine}: an identity is one operator's, and can be moved once it is free`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const identity = { issuer: ISSUER, subject: "s1" };
    const first = (await add(plane, "one", ["viewer"], { identity })).json;
    assert.deepEqual(first.identity, identity);
    assert.equal((await add(plane, "two", ["viewer"], { identity })).json.code, "operators.identity");
    const second = (await add(plane, "two")).json;
    const move = () => plane.request("PATCH", `${PATH}/${second.id}`, { token: ACME, body: { identity } });
    assert.equal((await move()).json.code, "operators.identity");
    const freed = await plane.request("PATCH", `${PATH}/${first.id}`, {
      token: ACME,
      body: { identity: null },
    });
    assert.equal(freed.json.identity, undefined);
    assert.deepEqual((await move()).json.identity, identity);
    const welcomed = await welcome(plane, person({ roles: [] }));
    assert.ok(!(welcomed instanceof Fault));
    assert.deepEqual([welcomed.operator.name, welcomed.roles], ["two", ["viewer"]]);
  });

  test(`${engine}: whom the provider vouches for becomes one operator, however often at once`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    await add(plane, "alice");
    const welcomed = await Promise.all([1, 2, 3].map(() => welcome(plane, person())));
    const ids = welcomed.map((each) => (each instanceof Fault ? each.code : each.operator.id));
    assert.equal(new Set(ids).size, 1);
    const [first] = welcomed;
    assert.ok(first !== undefined && !(first instanceof Fault));
    assert.match(first.operator.name, /^alice-[0-9a-f]{12}$/, "the name alice is somebody else's");
    assert.deepEqual([first.roles, first.operator.rolesFrom], [["approver"], "provider"]);
    const told = await plane.request("GET", "/v1/admin/audit?tool=admin/create_operator", { token: ACME });
    assert.deepEqual(
      told.json.items.map(({ actor }: { actor: string }) => actor),
      ["identity-provider", "tenant-admin:acme"],
    );
    assert.equal((await issue(plane, first.operator.id)).json.code, "operators.provider_roles");

    // From now on an admin's word counts, and not the provider's.
    const path = `${PATH}/${first.operator.id}`;
    await plane.request("PATCH", path, { token: ACME, body: { roles: ["policy_author"] } });
    const pinned = await welcome(plane, person({ roles: ["admin"] }));
    assert.deepEqual(pinned instanceof Fault ? pinned : pinned.roles, ["policy_author"]);
    assert.equal((await issue(plane, first.operator.id)).status, 201);
    await plane.request("DELETE", path, { token: ACME });
    const removed = await welcome(plane, person({ roles: ["admin"] }));
    assert.equal(removed instanceof Fault && removed.code, "operators.removed");
  });

  test(`${engine}: whom the provider's claims give nothing is nobody`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const refused = await welcome(plane, person({ roles: [] }));
    assert.equal(refused instanceof Fault && refused.code, "operators.no_role");
    await assert.rejects(welcome(plane, person({ tenant: "nope" })), { code: "tenant.not_found" });
    await assert.rejects(welcome(plane, person({ tenant: "postern-system" })), { code: "tenants.reserved" });
    assert.deepEqual((await plane.request("GET", PATH)).json.items, []);
    await welcome(plane, person());
    const later = await welcome(plane, person({ roles: [] }));
    assert.equal(later instanceof Fault && later.code, "operators.no_role", "its groups were taken away");
  });

  test(`${engine}: a login is used once, by the browser that began it, within a minute`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { operators } = plane.nouns;
    const handOff = (state: string) =>
      plane.units.commit(ACTOR, (unit) => operators.handOff(unit, person(), state));
    const begin = (code: string, state: string) =>
      plane.units.commit(ACTOR, (unit) => operators.begin(unit, { code, state }));
    const code = await handOff("state-1");
    assert.ok(typeof code === "string");
    const replayed = await handOff("state-1");
    assert.equal(replayed instanceof Fault && replayed.code, "operators.login");
    assert.equal(await begin(code, "state-2"), undefined, "another browser");
    assert.equal(await begin(code.replace("acme", "beta"), "state-1"), undefined, "another tenant");
    for (const odd of ["", ".", code.slice(0, -1), `${code}.x`])
      assert.equal(await begin(odd, "state-1"), undefined);
    const begun = await begin(code, "state-1");
    assert.ok(begun !== undefined);
    assert.equal(await begin(code, "state-1"), undefined, "it was used");
    const me = (token: string) => plane.request("GET", "/v1/admin/me", { token });
    assert.deepEqual((await me(begun.text)).json.roles, ["approver"]);
    plane.clock.advance(8 * 3_600_000);
    assert.equal((await me(begun.text)).status, 401);

    const late = await handOff("state-3");
    plane.clock.advance(60_000);
    assert.ok(typeof late === "string");
    assert.equal(await begin(late, "state-3"), undefined, "it was too late");
    const gone = await handOff("state-4");
    assert.ok(typeof gone === "string");
    const { id } = begun.signedIn.operator;
    const identity = { issuer: ISSUER, subject: "somebody-else" };
    await plane.request("PATCH", `${PATH}/${id}`, { token: ACME, body: { identity } });
    assert.equal(await begin(gone, "state-4"), undefined, "the identity was taken away meanwhile");
  });

  test(`${engine}: operators are listed page by page, each tenant's to its own`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    for (const name of ["d", "b", "a", "c"]) await add(plane, name);
    await plane.request("POST", PATH, { token: BETA, body: { name: "x", roles: ["admin"] } });
    const names: string[] = [];
    let cursor = "";
    do {
      const { json } = await plane.request("GET", `${PATH}?limit=3${cursor}`);
      names.push(
        ...json.items.map((each: { tenant: string; name: string }) => `${each.tenant}/${each.name}`),
      );
      cursor = json.next_cursor === undefined ? "" : `&cursor=${json.next_cursor}`;
    } while (cursor !== "");
    assert.deepEqual(names, ["acme/a", "acme/b", "acme/c", "acme/d", "beta/x"]);
  });
}

test("a token names its tenant, and nothing else is taken for one", () => {
  const text = tokenText("acme", new Uint8Array(32).fill(255));
  assert.deepEqual([isOperatorToken(text), tenantOfToken(text)], [true, "acme"]);
  const [, secret = ""] = text.split(".");
  for (const odd of [
    "pst_",
    "pst_acme",
    `pst_acme.${secret}x`,
    `pst_acme.${secret}.${secret}`,
    `pst_ACME.${secret}`,
    `pst_a'; drop.${secret}`,
    `PST_acme.${secret}`,
    `acme.${secret}`,
    `pst_${"a".repeat(64)}.${secret}`,
    `pst_${"a".repeat(10_000)}`,
  ])
    assert.equal(tenantOfToken(odd), undefined, odd.slice(0, 80));
});
