// More rights for a while: who may ask, decide and use them, and what the log says of it.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ACME, BETA, ENGINES, type Engine, SUPERADMIN, testPlane } from "../../control-plane.fixture.ts";

const MINUTE_MS = 60_000;

async function setup(t: TestContext, engine: Engine) {
  const plane = await testPlane(t, engine);
  if (plane === undefined) return undefined;
  const call = (token: string, method: string, path: string, body?: object, under?: string) =>
    plane.request(method, `/v1/admin/${path}`, {
      ...{ token, body },
      ...(under !== undefined && { headers: { "x-postern-elevation-id": under } }),
    });
  return {
    plane,
    call,
    /** The token of a new operator of acme. */
    async operator(name: string, ...roles: string[]): Promise<string> {
      const made = await call(ACME, "POST", "operators", { name, roles });
      assert.equal(made.status, 201, made.text);
      return (await call(ACME, "POST", `operators/${made.json.id}/tokens`, {})).json.token;
    },
    async requested(token: string, more: object = {}): Promise<string> {
      const body = { reason: "incident 7", role: "operator", ttl_seconds: 600, ...more };
      const asked = await call(token, "POST", "elevations", body);
      assert.deepEqual([asked.status, asked.json.status], [201, "pending"], asked.text);
      return asked.json.id;
    },
    decide: (token: string, id: string, decision = "approve", under?: string) =>
      call(token, "POST", `elevations/${id}/decide`, { decision, reason: "seen" }, under),
    mint: (token: string, under?: string) => call(token, "POST", "mint", { subject: "agent" }, under),
    async events(query: string) {
      return (await call(ACME, "GET", `audit?${query}`)).json.items;
    },
  };
}

for (const engine of ENGINES) {
  test(`${engine}: an elevation that somebody else approved gives its role to the calls that name it, until it expires`, async (t) => {
    const world = await setup(t, engine);
    if (world === undefined) return;
    const { plane, mint, decide, call } = world;
    const alice = await world.operator("alice", "viewer");
    const id = await world.requested(alice);
    assert.equal((await mint(alice)).status, 403);
    const early = await mint(alice, id);
    assert.deepEqual([early.status, early.json.code], [403, "elevations.unusable"]);
    assert.match(early.json.error, /it is pending/);
    const decided = await decide(ACME, id);
    assert.deepEqual(
      [decided.status, decided.json.status, decided.json.decided_by, decided.json.decision_reason],
      [200, "active", "tenant-admin:acme", "seen"],
    );
    assert.equal((await mint(alice, id)).status, 200);
    assert.equal((await mint(alice)).status, 403);
    assert.equal((await call(alice, "PATCH", "settings", {}, id)).status, 403);
    const alias = await plane.request("POST", "/v1/admin/mint", {
      ...{ token: alice, body: { subject: "agent" }, headers: { "x-intentgate-elevation-id": id } },
    });
    assert.equal(alias.status, 200);
    for (const event of await world.events("tool=admin/mint")) {
      assert.deepEqual([event.elevation_id, event.actor], [id, "operator:alice"]);
    }
    plane.clock.advance(10 * MINUTE_MS);
    const late = await mint(alice, id);
    assert.equal(late.status, 403);
    assert.match(late.json.error, /it is expired/);
    assert.equal((await call(alice, "GET", `elevations/${id}`)).json.status, "expired");
    assert.equal((await call(alice, "GET", `elevations/${id}`, undefined, id)).status, 403);
    const told = await world.events("tool=admin/decide_elevation");
    assert.deepEqual(
      [told[0].arg_values.elevation, told[0].arg_values.requester, told[0].arg_values.decision],
      [id, "operator:alice", "approve"],
    );
  });

  test(`${engine}: nobody decides on their own elevation, nor under one, nor without being an admin`, async (t) => {
    const world = await setup(t, engine);
    if (world === undefined) return;
    const { decide } = world;
    const alice = await world.operator("alice", "viewer");
    const bob = await world.operator("bob", "viewer");
    const carol = await world.operator("carol", "admin");
    const own = await world.requested(carol);
    assert.equal((await decide(carol, own)).json.code, "elevations.own");
    const admins = await world.requested(ACME);
    assert.equal((await decide(ACME, admins)).json.code, "elevations.own");
    assert.equal((await decide(carol, admins)).status, 200);
    const first = await world.requested(alice, { role: "admin" });
    const second = await world.requested(bob, { role: "admin" });
    assert.equal((await decide(bob, first)).status, 403);
    assert.equal((await decide(carol, first)).status, 200);
    const chained = await decide(alice, second, "approve", first);
    assert.deepEqual([chained.status, chained.json.code], [403, "elevations.under_elevation"]);
    const lasting = await world.call(alice, "POST", "operators", { name: "eve", roles: ["admin"] }, first);
    assert.deepEqual([lasting.status, lasting.json.code], [403, "elevations.outlasts"]);
    assert.equal((await world.call(alice, "GET", "operators", undefined, first)).status, 200);
    assert.equal((await decide(SUPERADMIN, second, "reject")).json.status, "rejected");
    const again = await decide(carol, second);
    assert.deepEqual([again.status, again.json.code], [409, "elevations.rejected"]);
  });

  test(`${engine}: an elevation is of use to its requester alone, in its tenant alone, and no other id is passed over`, async (t) => {
    const world = await setup(t, engine);
    if (world === undefined) return;
    const { mint, decide, call } = world;
    const alice = await world.operator("alice", "viewer");
    const bob = await world.operator("bob", "operator");
    const id = await world.requested(alice);
    await decide(ACME, id);
    for (const token of [bob, ACME, BETA, SUPERADMIN]) {
      const refused = await mint(token, id);
      assert.deepEqual([refused.status, refused.json.code], [403, "elevations.unusable"]);
    }
    for (const wrong of ["nope", "", "x".repeat(129), "a b", "../../x", `${id},${id}`]) {
      assert.equal((await mint(ACME, wrong)).status, 403, JSON.stringify(wrong));
      assert.equal((await call(ACME, "GET", "tools", undefined, wrong)).status, 403, wrong);
    }
    const both = { "x-postern-elevation-id": id, "x-intentgate-elevation-id": "other" };
    const twice = await world.plane.request("GET", "/v1/admin/tools", { token: alice, headers: both });
    assert.equal(twice.status, 403);
    assert.equal((await call(BETA, "GET", `elevations/${id}`)).status, 404);
    assert.equal((await decide(BETA, id)).status, 404);
  });

  test(`${engine}: who has every role anyway is only told under the id, and only in its tenant`, async (t) => {
    const world = await setup(t, engine);
    if (world === undefined) return;
    const { call, decide } = world;
    const id = await world.requested(SUPERADMIN, { tenant: "acme" });
    await decide(ACME, id);
    assert.equal((await call(SUPERADMIN, "POST", "mint", { subject: "agent" }, id)).json.tenant, "acme");
    for (const [path, body] of [
      ["mint", { subject: "agent", tenant: "beta" }],
      ["tenants", { name: "gamma" }],
    ] as const) {
      const refused = await call(SUPERADMIN, "POST", path, body, id);
      assert.deepEqual([refused.status, refused.json.code], [403, "elevations.unusable"], path);
    }
    assert.equal((await call(SUPERADMIN, "GET", "audit?tenant=beta", undefined, id)).status, 403);
    const [minted] = await world.events("tool=admin/mint");
    assert.deepEqual([minted.actor, minted.elevation_id], ["superadmin", id]);
    assert.equal((await call(SUPERADMIN, "GET", "tenants")).json.length, 3);
  });

  test(`${engine}: an elevation is ended by its requester or an admin, and what nobody decides on expires in a day`, async (t) => {
    const world = await setup(t, engine);
    if (world === undefined) return;
    const { call, decide, mint } = world;
    const alice = await world.operator("alice", "viewer");
    const bob = await world.operator("bob", "operator");
    const end = (token: string, id: string) => call(token, "POST", `elevations/${id}/end`);
    const [mine, revoked, withdrawn, forgotten] = [
      await world.requested(alice),
      await world.requested(alice),
      await world.requested(alice),
      await world.requested(alice),
    ];
    for (const id of [mine, revoked]) await decide(ACME, id);
    assert.equal((await end(bob, mine)).status, 403);
    assert.equal((await end(alice, mine)).json.ended_by, "operator:alice");
    assert.equal((await end(ACME, revoked)).json.status, "ended");
    assert.equal((await end(alice, withdrawn)).json.status, "ended");
    for (const id of [mine, revoked]) assert.match((await mint(alice, id)).json.error, /it is ended/);
    assert.equal((await end(alice, mine)).json.code, "elevations.ended");
    assert.equal((await decide(ACME, withdrawn)).json.code, "elevations.ended");
    world.plane.clock.advance(24 * 60 * MINUTE_MS);
    assert.equal((await decide(ACME, forgotten)).json.code, "elevations.expired");
    const ids = async (status: string) =>
      (await call(ACME, "GET", `elevations?status=${status}`)).json.items.map(({ id }: { id: string }) => id);
    assert.deepEqual(await ids("expired"), [forgotten]);
    assert.equal((await ids("ended")).length, 3);
    assert.deepEqual(await ids("pending"), []);
    assert.equal((await world.events("tool=admin/end_elevation")).length, 3);
  });

  test(`${engine}: elevations are listed page by page, the latest first, each tenant its own`, async (t) => {
    const world = await setup(t, engine);
    if (world === undefined) return;
    const { call } = world;
    const made: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      made.unshift(await world.requested(ACME));
      world.plane.clock.advance(1);
    }
    const seen: string[] = [];
    for (let cursor = ""; ; ) {
      const page = (await call(ACME, "GET", `elevations?limit=2${cursor}`)).json;
      seen.push(...page.items.map(({ id }: { id: string }) => id));
      if (page.next_cursor === undefined) break;
      cursor = `&cursor=${page.next_cursor}`;
      if (seen.length === 2) await world.requested(ACME);
    }
    assert.deepEqual(seen, made);
    assert.deepEqual((await call(BETA, "GET", "elevations")).json.items, []);
    assert.equal((await call(SUPERADMIN, "GET", "elevations")).json.items.length, 6);
  });
}

test("a role that is too much, a time that is too long and a reason that is none are refused, and so is the eleventh", async (t) => {
  const world = await setup(t, "embedded");
  assert.ok(world !== undefined);
  const good = { reason: "why", role: "operator", ttl_seconds: 28_800 };
  for (const wrong of [
    ...[{ role: "superadmin" }, { role: "viewer" }, { role: "" }, { reason: "" }, { reason: undefined }],
    ...[{ ttl_seconds: 28_801 }, { ttl_seconds: 59 }, { ttl_seconds: 1e9 }, { ttl_seconds: "60" }],
  ]) {
    const refused = await world.call(ACME, "POST", "elevations", { ...good, ...wrong });
    assert.equal(refused.status, 400, JSON.stringify(wrong));
  }
  for (let count = 0; count < 10; count += 1) await world.requested(ACME, good);
  const refused = await world.call(ACME, "POST", "elevations", good);
  assert.deepEqual([refused.status, refused.json.code], [429, "elevations.many"]);
});
