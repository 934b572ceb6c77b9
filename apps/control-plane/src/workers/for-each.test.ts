import assert from "node:assert/strict";
import { test } from "node:test";
import { ACME, BETA, testPlane } from "../control-plane.fixture.ts";
import { parkedCall } from "../domain/approvals/parked-call.fixture.ts";
import { createQueue } from "../domain/approvals/queue.fixture.ts";
import type { Unit, Units } from "../domain/unit.ts";
import { expireApprovals } from "./expire-approvals.ts";
import { forEach } from "./for-each.ts";
import { signCheckpoints } from "./sign-checkpoints.ts";

test("what fails for one is done for all others, and is told", async () => {
  const done: number[] = [];
  const round = forEach([1, 2, 3, 4], async (each) => {
    if (each % 2 === 1) throw new Error(`no ${each}`);
    done.push(each);
  });
  await assert.rejects(round, { message: "no 1" });
  assert.deepEqual(done, [2, 4]);
});

test("a tenant whose chain cannot be vouched for keeps no other tenant's from it", async (t) => {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  for (const token of [ACME, BETA])
    await plane.request("POST", "/v1/admin/mint", { token, body: { subject: "agent" } });
  const { audit } = plane.nouns;
  const ahead = () => plane.units.read(audit.tenantsWithoutCheckpoint);
  const before = await ahead();
  assert.ok(before.includes("acme") && before.includes("beta"));
  const checkpoint = async (unit: Unit, tenant: string) => {
    if (tenant === "acme") throw new Error("poison");
    return await audit.checkpoint(unit, tenant);
  };
  const nouns = { ...plane.nouns, audit: { ...audit, checkpoint } };
  await assert.rejects(signCheckpoints(nouns, plane.units, plane.actor), { kind: "internal" });
  assert.deepEqual(await ahead(), ["acme"]);
});

test("a tenant whose overdue calls cannot be written down keeps no other tenant's waiting", async (t) => {
  const queue = await createQueue(t, "embedded");
  assert.ok(queue !== undefined);
  const { plane } = queue;
  await queue.parked();
  const beta = await queue.sidecarOf("beta");
  const parked = await queue.park(parkedCall({ tenant: "beta" }), beta);
  assert.equal(parked.status, 200, parked.text);
  plane.clock.advance(3_600_001);
  const expired = async () => {
    const query = `tool=admin/expire_approval&tenant=${poisoned === "acme" ? "beta" : "acme"}`;
    return (await plane.request("GET", `/v1/admin/audit?${query}`)).json.items.length;
  };
  let poisoned: string | undefined;
  const refusing = (unit: Unit): Unit => ({
    ...unit,
    record(act) {
      poisoned ??= act.tenant;
      if (act.tenant === poisoned) throw new Error("poison");
      unit.record(act);
    },
  });
  const units: Units = {
    ...plane.units,
    commit: (actor, work, options) => plane.units.commit(actor, (unit) => work(refusing(unit)), options),
  };
  for (let round = 0; round < 64 && (await expired()) === 0; round += 1)
    await expireApprovals(plane.nouns, units, plane.actor).catch(() => {});
  assert.equal(await expired(), 1);
});
