// Where a tenant asks for two people, nobody changes what is in force alone, and what is agreed to is exactly one source.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ACME,
  ENGINES,
  planeOver,
  SUPERADMIN,
  type TestAnswer,
  type TestPlane,
  testPlane,
} from "../../control-plane.fixture.ts";
import {
  ACTIVE,
  asAcme,
  DRAFTS,
  draftOf,
  PROPOSALS,
  promoted,
  ROLLBACK,
  ROLLOUTS,
} from "./rollout.fixture.ts";

async function twoPersonPlane(...args: Parameters<typeof testPlane>): Promise<TestPlane | undefined> {
  const plane = await testPlane(...args);
  if (plane === undefined) return undefined;
  await promoted(plane);
  await asAcme(plane)("PATCH", "/v1/admin/settings", { policies: { two_person: true } });
  return plane;
}

/** Decides as somebody; by default as the superadmin, who is not who proposed. */
function decide(
  plane: Pick<TestPlane, "request">,
  proposal: { proposal_id: string; rego_sha256: string },
  decision: "approve" | "reject" = "approve",
  { token = SUPERADMIN, sha256 = proposal.rego_sha256 } = {},
): Promise<TestAnswer> {
  const path = `${PROPOSALS}/${proposal.proposal_id}/decide?tenant=acme`;
  return plane.request("POST", path, { token, body: { decision, rego_sha256: sha256, reason: "why" } });
}

const activeName = async (plane: TestPlane) => (await asAcme(plane)("GET", ACTIVE)).json.name;
const acts = async (plane: TestPlane, name: string) =>
  (await plane.request("GET", `/v1/admin/audit?tenant=acme&tool=admin/${name}`)).json.items;

for (const engine of ENGINES) {
  test(`${engine}: a promotion is proposed, and takes effect when another identity agrees to that source`, async (t) => {
    const plane = await twoPersonPlane(t, engine);
    if (plane === undefined) return;
    const draft = await draftOf(plane, "second");
    const proposed = await asAcme(plane)("POST", ACTIVE, { draft_id: draft, promoted_by: "somebody-else" });
    assert.equal(proposed.status, 202, proposed.text);
    const { status, proposed_by, kind } = proposed.json;
    assert.deepEqual([status, proposed_by, kind], ["proposed", "tenant-admin:acme", "promote"]);
    assert.equal(await activeName(plane), "first");

    const own = await decide(plane, proposed.json, "approve", { token: ACME });
    assert.deepEqual([own.status, own.json.code], [403, "proposals.own"]);
    const other = await decide(plane, proposed.json, "approve", { sha256: "0".repeat(64) });
    assert.deepEqual([other.status, other.json.code], [409, "proposals.source"]);
    const agreed = await decide(plane, proposed.json);
    assert.deepEqual(
      [agreed.status, agreed.json.name, agreed.json.revision],
      [200, "second", 2],
      agreed.text,
    );
    assert.equal(await activeName(plane), "second");
    const again = await decide(plane, proposed.json);
    assert.deepEqual([again.status, again.json.code], [409, "proposals.decided"]);
    assert.match(again.json.error, /approved already/);

    const [event] = await acts(plane, "approve_policy");
    assert.deepEqual(
      [event.arg_values.proposed_by, event.arg_values.rego_sha256],
      ["tenant-admin:acme", proposed.json.rego_sha256],
    );
    assert.equal((await acts(plane, "propose_policy")).length, 1);
    const read = await asAcme(plane)("GET", `${PROPOSALS}/${proposed.json.proposal_id}`);
    assert.deepEqual([read.json.status, read.json.decided_by], ["approved", "superadmin"]);
    const unknown = await decide(plane, { ...proposed.json, proposal_id: "nope" });
    assert.deepEqual([unknown.status, unknown.json.code], [404, "proposals.unknown"]);
  });

  test(`${engine}: of two who decide at once on two replicas one does, and the policy changes once`, async (t) => {
    const plane = await twoPersonPlane(t, engine);
    if (plane === undefined) return;
    const replica = await planeOver(plane.parts);
    const { json } = await asAcme(plane)("POST", ACTIVE, { draft_id: await draftOf(plane, "second") });
    const answers = await Promise.all([
      decide(plane, json),
      decide(replica, json),
      decide(plane, json, "reject"),
    ]);
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, 409, 409]);
    const isApproved = answers.some((answer) => answer.status === 200 && answer.json.revision === 2);
    assert.equal(await activeName(plane), isApproved ? "second" : "first");
    const changes = [...(await acts(plane, "approve_policy")), ...(await acts(plane, "reject_policy"))];
    assert.equal(changes.length, 1);
  });

  test(`${engine}: rolling back, staging and completing need two people; a shadow and a clearing need one`, async (t) => {
    const plane = await twoPersonPlane(t, engine);
    if (plane === undefined) return;
    const ask = asAcme(plane);
    const second = await draftOf(plane, "second");
    await decide(plane, (await ask("POST", ACTIVE, { draft_id: second })).json);

    const back = await ask("POST", ROLLBACK);
    assert.deepEqual([back.status, back.json.kind, back.json.revision], [202, "rollback", 1]);
    assert.equal((await decide(plane, back.json)).json.name, "first");

    const staged = await ask("POST", ROLLOUTS, { draft_id: second, percent: 30, labels: { env: "prod" } });
    assert.deepEqual([staged.status, staged.json.percent], [202, 30]);
    const begun = await decide(plane, staged.json);
    assert.deepEqual([begun.status, begun.json.percent, begun.json.labels], [200, 30, { env: "prod" }]);
    const { id } = begun.json;
    assert.equal((await ask("PATCH", `${ROLLOUTS}/${id}`, { percent: 100 })).status, 200);
    const completion = await ask("POST", `${ROLLOUTS}/${id}/complete`);
    assert.deepEqual([completion.status, completion.json.rollout_id], [202, id]);
    assert.equal((await decide(plane, completion.json)).json.name, "second");

    assert.equal((await ask("POST", ROLLOUTS, { draft_id: second, mode: "shadow" })).status, 201);
    assert.equal((await ask("DELETE", ACTIVE)).status, 204);
  });

  test(`${engine}: a draft that is changed, a rollout that is over and a day that has passed leave nothing to agree to`, async (t) => {
    const plane = await twoPersonPlane(t, engine);
    if (plane === undefined) return;
    const ask = asAcme(plane);
    const draft = await draftOf(plane, "second");
    const promotion = (await ask("POST", ACTIVE, { draft_id: draft })).json;
    const { id } = (await ask("POST", ROLLOUTS, { draft_id: draft, mode: "shadow" })).json;
    const completion = (await ask("POST", `${ROLLOUTS}/${id}/complete`)).json;
    await ask("POST", `${ROLLOUTS}/${id}/stop`);
    const ended = await decide(plane, completion);
    assert.deepEqual([ended.status, ended.json.code], [409, "rollouts.ended"]);
    await ask("PUT", `${DRAFTS}/${draft}`, { rego_source: "package intentgate.policy # changed" });
    const changed = await decide(plane, promotion);
    assert.deepEqual([changed.status, changed.json.code], [409, "policies.changed"]);
    const standings = async () =>
      (await ask("GET", PROPOSALS)).json.items.map((item: { status: string }) => item.status);
    assert.deepEqual(await standings(), ["void", "void"]);

    const late = (await ask("POST", ACTIVE, { draft_id: draft })).json;
    plane.clock.advance(86_400_000);
    const expired = await decide(plane, late);
    assert.deepEqual([expired.status, expired.json.code], [409, "proposals.expired"]);
    assert.deepEqual(await standings(), ["expired", "expired", "expired"]);
    assert.equal(await activeName(plane), "first");
  });

  test(`${engine}: proposals are listed page by page, and whoever proposed may take it back`, async (t) => {
    const plane = await twoPersonPlane(t, engine);
    if (plane === undefined) return;
    const ask = asAcme(plane);
    const made: string[] = [];
    for (const name of ["a", "b", "c"]) {
      const { json } = await ask("POST", ACTIVE, { draft_id: await draftOf(plane, name) });
      made.unshift(json.proposal_id);
      plane.clock.advance(1_000);
    }
    const { json: page } = await ask("GET", `${PROPOSALS}?limit=2`);
    const { json: rest } = await ask("GET", `${PROPOSALS}?limit=2&cursor=${page.next_cursor}`);
    const listed = [...page.items, ...rest.items].map((item: { proposal_id: string }) => item.proposal_id);
    assert.deepEqual(listed, made);
    const [item] = page.items;
    const withdrawn = await decide(plane, item, "reject", { token: ACME });
    assert.deepEqual([withdrawn.status, withdrawn.json.status], [200, "rejected"]);
    const foreign = await plane.request("GET", `${PROPOSALS}?cursor=${page.next_cursor}`, {
      token: "the-admin-of-beta",
    });
    assert.equal(foreign.status, 400);
  });
}

test("proposals that nobody decides on do not pile up without end", async (t) => {
  const plane = await twoPersonPlane(t, "embedded");
  if (plane === undefined) return;
  const draft_id = await draftOf(plane, "second");
  for (let made = 0; made < 50; made += 1)
    assert.equal((await asAcme(plane)("POST", ACTIVE, { draft_id })).status, 202);
  const refused = await asAcme(plane)("POST", ACTIVE, { draft_id });
  assert.deepEqual([refused.status, refused.json.code], [429, "proposals.too_many"]);
});
