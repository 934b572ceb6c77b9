// Two replicas over one database: whatever one of them is doing when it dies, the other one finds the old state or the new one, never half.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ENGINES, planeOver, type TestPlane, testPlane } from "../../control-plane.fixture.ts";
import type { Database } from "../../database/connection.ts";
import {
  ACTIVE,
  asAcme,
  draftOf,
  HISTORY,
  PROPOSALS,
  promoted,
  ROLLBACK,
  ROLLOUTS,
} from "./rollout.fixture.ts";

/** The same database, as a replica has it that dies in its next transaction: before it is committed, or right after. */
function dyingDatabase(database: Database, isCommitted: boolean): { database: Database; arm(): void } {
  let isArmed = false;
  const dying: Database = {
    ...database,
    async transaction(work) {
      const kills = isArmed;
      isArmed = false;
      const result = await database.transaction(async (executor) => {
        const made = await work(executor);
        if (kills && !isCommitted) throw new Error("killed before the commit");
        return made;
      });
      if (kills) throw new Error("killed after the commit");
      return result;
    },
  };
  return {
    database: dying,
    arm() {
      isArmed = true;
    },
  };
}

/** Everything that a change of what is in force touches. */
async function standing(plane: Pick<TestPlane, "request" | "nouns" | "units">) {
  const ask = asAcme(plane);
  const state = await plane.units.read((db) =>
    plane.nouns.states.document(db, "policy", { tenant: "acme", version: 0, issuedAtMs: 0 }),
  );
  const acts = await plane.request("GET", "/v1/admin/audit?tenant=acme&limit=1000");
  return {
    state,
    history: (await ask("GET", HISTORY)).json.items,
    proposals: (await ask("GET", PROPOSALS)).json.items,
    rollouts: (await ask("GET", ROLLOUTS)).json.items,
    // Reading the log is told in it too.
    acts: acts.json.items.filter(({ tool }: { tool: string }) => /_(policy|rollout)$/.test(tool)),
  };
}

for (const engine of ENGINES) {
  for (const isCommitted of [false, true]) {
    const moment = isCommitted ? "right after" : "right before";
    const state = isCommitted ? "new" : "old";
    test(`${engine}: a replica that dies ${moment} its commit leaves the ${state} policy, whole`, async (t) => {
      const plane = await testPlane(t, engine);
      if (plane === undefined) return;
      await promoted(plane);
      const second = await draftOf(plane, "second");
      const settings = { policies: { two_person: true } };
      const { database, arm } = dyingDatabase(plane.database, isCommitted);
      const replica = await planeOver({ ...plane.parts, database });
      const asked = asAcme(replica);
      const rollout = async () => (await asAcme(plane)("GET", ROLLOUTS)).json.items[0]?.id;
      const changes: [string, () => Promise<unknown>][] = [
        ["promote", () => asked("POST", ACTIVE, { draft_id: second })],
        ["stage", () => asked("POST", ROLLOUTS, { draft_id: second })],
        ["complete", async () => asked("POST", `${ROLLOUTS}/${await rollout()}/complete`)],
        ["roll back", () => asked("POST", ROLLBACK)],
        ["propose", () => asked("POST", ACTIVE, { draft_id: second })],
        [
          "agree",
          async () => {
            const [proposal] = (await asAcme(plane)("GET", PROPOSALS)).json.items;
            const body = { decision: "approve", rego_sha256: proposal.rego_sha256 };
            return replica.request("POST", `${PROPOSALS}/${proposal.proposal_id}/decide?tenant=acme`, {
              body,
            });
          },
        ],
      ];
      for (const [name, change] of changes) {
        if (name === "propose") await asAcme(plane)("PATCH", "/v1/admin/settings", settings);
        const before = await standing(plane);
        arm();
        const died = (await change()) as { status: number };
        assert.equal(died.status, 500, name);
        const after = await standing(plane);
        if (isCommitted) {
          assert.ok(after.acts.length > before.acts.length, name);
        } else {
          assert.deepEqual(after, before, name);
          // Whoever tries again finds nothing in the way.
          assert.ok(((await change()) as { status: number }).status < 300, name);
        }
        const { active, rollout: tried } = after.state as never as Record<string, { digest: string } | null>;
        for (const digest of [
          active?.digest,
          (tried as { candidate?: { digest: string } } | null)?.candidate?.digest,
        ]) {
          if (digest === undefined) continue;
          const bundle = await plane.units.read((db) => plane.nouns.policies.bundle(db, "acme", digest));
          assert.ok(bundle.byteLength > 0, `${name}: what is told of is there`);
        }
      }
      const verified = await plane.request("GET", "/v1/admin/audit/verify?tenant=acme");
      assert.equal(verified.json.verified, true);
    });
  }

  test(`${engine}: changes through two replicas at once come one after the other`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const replica = await planeOver(plane.parts);
    await promoted(plane);
    const drafts = await Promise.all(["a", "b", "c", "d"].map((name) => draftOf(plane, name)));
    const answers = await Promise.all(
      drafts.flatMap((draft_id, index) => {
        const ask = asAcme(index % 2 === 0 ? plane : replica);
        return [ask("POST", ACTIVE, { draft_id }), ask("POST", ROLLOUTS, { draft_id })];
      }),
    );
    for (const { status, text } of answers) assert.ok([200, 201, 409].includes(status), text);
    const { items } = (await asAcme(plane)("GET", HISTORY)).json;
    const revisions = items.map(({ revision }: { revision: number }) => revision);
    assert.equal(new Set(revisions).size, 5);
    const running = (await asAcme(plane)("GET", ROLLOUTS)).json.items.filter(
      ({ status }: { status: string }) => status === "running",
    );
    assert.ok(running.length <= 1);
  });
}
