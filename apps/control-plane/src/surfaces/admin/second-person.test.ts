// Where a tenant asks for two people, one alone neither takes that back nor makes the second one.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ACME, ENGINES, type Engine, SUPERADMIN, testPlane } from "../../control-plane.fixture.ts";

async function setup(t: TestContext, engine: Engine) {
  const plane = await testPlane(t, engine);
  if (plane === undefined) return undefined;
  const call = (token: string, method: string, path: string, body?: object, under?: string) =>
    plane.request(method, `/v1/admin/${path}`, {
      ...{ token, body },
      ...(under !== undefined && { headers: { "x-postern-elevation-id": under } }),
    });
  const add = async (name: string, role: string) => {
    const { id } = (await call(ACME, "POST", "operators", { name, roles: [role] })).json;
    return { id, token: (await call(ACME, "POST", `operators/${id}/tokens`, {})).json.token };
  };
  return {
    call,
    add,
    settings: (token: string, body: object, under?: string) => call(token, "PATCH", "settings", body, under),
    /** An elevation that one asks for and another approves. */
    async elevated(asker: string, other: string, role = "admin"): Promise<string> {
      const body = { reason: "why", role, tenant: "acme" };
      const { id } = (await call(asker, "POST", "elevations", body)).json;
      const decided = await call(other, "POST", `elevations/${id}/decide`, { decision: "approve" });
      assert.equal(decided.status, 200, decided.text);
      return id;
    },
  };
}

const STRICT = { approvals: { four_eyes: true, approvers_required: 2 }, policies: { two_person: true } };
const NONE = { approvals: { four_eyes: false, approvers_required: 1 }, policies: { two_person: false } };
const LOOSER = [
  { policies: { two_person: false } },
  { approvals: { four_eyes: false } },
  { approvals: { approvers_required: 1 } },
];

for (const engine of ENGINES) {
  test(`${engine}: one person asks for two, and it takes two to ask for fewer`, async (t) => {
    const world = await setup(t, engine);
    if (world === undefined) return;
    const { settings, elevated } = world;
    const ann = await world.add("ann", "admin");
    assert.equal((await settings(ann.token, STRICT)).status, 200);
    const operatorOnly = await elevated(ann.token, ACME, "operator");
    for (const token of [ann.token, ACME, SUPERADMIN])
      for (const change of LOOSER) {
        const refused = await settings(token, { ...change, tenant: "acme" });
        assert.deepEqual([refused.status, refused.json.code], [403, "settings.second_person"], refused.text);
      }
    assert.equal((await settings(ann.token, LOOSER[0] ?? {}, operatorOnly)).status, 403);
    const stricter = { approvals: { approvers_required: 3, pending_seconds: 60 } };
    assert.equal((await settings(ann.token, stricter)).status, 200);
    const both = await elevated(ann.token, ACME);
    for (const change of LOOSER) assert.equal((await settings(ann.token, change, both)).status, 200);
    assert.deepEqual((await settings(ann.token, {})).json.policies, { two_person: false });
  });

  test(`${engine}: where two are asked for, no admin alone makes somebody who agrees with him`, async (t) => {
    const world = await setup(t, engine);
    if (world === undefined) return;
    const { call, elevated } = world;
    const ann = await world.add("ann", "admin");
    const bob = await world.add("bob", "viewer");
    for (const rules of [
      { policies: { two_person: true } },
      { approvals: { four_eyes: true } },
      { approvals: { approvers_required: 2 } },
    ]) {
      assert.equal((await world.settings(ann.token, rules)).status, 200);
      const own = { issuer: "https://login.example", subject: "ann-again" };
      for (const [method, path, body] of [
        ["POST", "operators", { name: "puppet", roles: ["admin"] }],
        ["PATCH", `operators/${bob.id}`, { roles: ["admin"] }],
        ["PATCH", `operators/${bob.id}`, { identity: own }],
        ["POST", `operators/${bob.id}/tokens`, {}],
      ] as const) {
        const refused = await call(ann.token, method, path, body);
        assert.deepEqual([refused.status, refused.json.code], [403, "settings.second_person"], path);
      }
      const both = await elevated(ann.token, ACME);
      assert.equal((await world.settings(ann.token, NONE, both)).status, 200);
    }
    assert.equal(
      (await call(ann.token, "POST", "operators", { name: "eve", roles: ["viewer"] })).status,
      201,
    );
  });

  test(`${engine}: with somebody else's word an admin makes others, and whoever was only lent the role does not`, async (t) => {
    const world = await setup(t, engine);
    if (world === undefined) return;
    const { call, elevated } = world;
    const ann = await world.add("ann", "admin");
    const bob = await world.add("bob", "viewer");
    await world.settings(ann.token, STRICT);
    const both = await elevated(ann.token, ACME);
    const eve = { name: "eve", roles: ["approver"] };
    assert.equal((await call(ann.token, "POST", "operators", eve, both)).status, 201);
    const lent = await elevated(bob.token, ACME);
    const refused = await call(bob.token, "POST", "operators", { name: "mal", roles: ["admin"] }, lent);
    assert.deepEqual([refused.status, refused.json.code], [403, "elevations.outlasts"]);
    // To take away needs nobody else.
    assert.equal((await call(ann.token, "DELETE", `operators/${bob.id}`)).status, 204);
  });
}
