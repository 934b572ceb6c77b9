// Nothing acknowledged is lost and nothing is counted twice, whatever the network, the sidecar and the database do (P6); every judged call
// becomes exactly one event (P2).
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuditBatch, AuditEvent } from "@postern/contracts";
import fc from "fast-check";
import { ENGINES, planeOver, type TestPlane, testPlane } from "../../control-plane.fixture.ts";
import type { Database } from "../../database/connection.ts";
import { assertVerified, type Fleet, fleet, fleetOf } from "./fleet.fixture.ts";
import { type PretendedSpool, pretendedSpool } from "./spool.fixture.ts";

for (const engine of ENGINES) {
  test(`${engine}: a call's intent is held open until its outcome and then becomes one event`, async (t) => {
    const one = await fleet(t, engine);
    if (one === undefined) return;
    const spool = await one.boot();
    spool.event("denied");
    spool.intent("allowed");
    spool.event("denied-too");
    const first = (await one.acknowledged(await one.send(spool.batch(1, 3)))).get(1);
    assert.deepEqual([first?.received, first?.covered], [3, 1]);
    assert.equal(first?.received_hash, spool.records[2]?.hash);
    assert.deepEqual(
      (await one.calls()).map((event) => event.event_id),
      ["denied", "denied-too"],
    );

    spool.outcome("allowed", {
      outcome: "failed",
      reason: "reset",
      latency_ms: 12,
      upstream_status: 502,
      cost_micros: 9,
    });
    const second = (await one.acknowledged(await one.send(spool.batch(4, 4)))).get(1);
    assert.deepEqual([second?.received, second?.covered], [4, 4]);
    const event = (await one.calls()).at(-1);
    assert.deepEqual(
      [
        event?.event_id,
        event?.outcome,
        event?.reason,
        event?.latency_ms,
        event?.upstream_status,
        event?.cost_micros,
      ],
      ["allowed", "failed", "reset", 12, 502, 9],
    );
    await assertVerified(one);
  });

  test(`${engine}: what is sent again is acknowledged again and changes nothing`, async (t) => {
    const one = await fleet(t, engine);
    if (one === undefined) return;
    const spool = await one.boot();
    for (let call = 1; call <= 6; call += 1) spool.event(`call-${call}`);
    await one.send(spool.batch(1, 2));
    await one.send(spool.batch(3, 4));
    for (const [from, to] of [
      [1, 2],
      [1, 4],
      [2, 3],
      [3, 4],
      [4, 4],
    ] as const) {
      const again = (await one.acknowledged(await one.send(spool.batch(from, to)))).get(1);
      assert.deepEqual([again?.received, again?.covered], [4, 4]);
    }
    const overlapping = (await one.acknowledged(await one.send(spool.batch(2, 6)))).get(1);
    assert.equal(overlapping?.covered, 6);
    assert.equal((await one.calls()).length, 6);
    await assertVerified(one);
  });

  test(`${engine}: a gap is refused with the sequence that is expected`, async (t) => {
    const one = await fleet(t, engine);
    if (one === undefined) return;
    const spool = await one.boot();
    for (let call = 1; call <= 5; call += 1) spool.event(`call-${call}`);
    await one.send(spool.batch(1, 2));
    const gap = await one.send(spool.batch(4, 5));
    assert.deepEqual([gap.status, gap.json.code, gap.json.expected_sequence], [409, "audit.gap", 3]);
    assert.equal((await one.calls()).length, 2);
  });

  test(`${engine}: another history under the same numbers is refused and told in the chain, once`, async (t) => {
    const one = await fleet(t, engine);
    if (one === undefined) return;
    const spool = await one.boot();
    for (let call = 1; call <= 4; call += 1) spool.event(`call-${call}`);
    await one.send(spool.batch(1, 2));
    await one.send(spool.batch(3, 4));
    const forked = pretendedSpool(one.sidecar, spool.epoch);
    forked.event("call-1");
    for (let call = 2; call <= 6; call += 1) forked.event(`forged-${call}`);
    for (const batch of [
      forked.batch(1, 2),
      forked.batch(1, 4),
      forked.batch(1, 6),
      forked.batch(5, 6),
      forked.batch(1, 2),
    ]) {
      const refused = await one.send(batch);
      assert.deepEqual([refused.status, refused.json.code], [409, "audit.fork"]);
    }
    const alarms = await one.plane.request("GET", "/v1/admin/audit?tenant=acme&tool=admin/audit_fork");
    // Three different stories were told: about record 2, and twice about record 4 with the same hash.
    assert.deepEqual(alarms.json.items.map((event: AuditEvent) => event.arg_values.sequence).sort(), [2, 4]);
    assert.equal(alarms.json.items[0].decision, "block");
    assert.equal((await one.calls()).length, 4);
    await assertVerified(one);
  });

  test(`${engine}: a later boot's outcome closes the call that an earlier one left open, in whatever order they arrive`, async (t) => {
    const one = await fleet(t, engine);
    if (one === undefined) return;
    const before = await one.boot();
    before.intent("cut-off-1");
    before.intent("cut-off-2");
    const after = await one.boot();
    after.outcome("cut-off-1", { outcome: "unknown" });
    after.outcome("cut-off-2", { outcome: "unknown" });
    await one.send(before.batch(1, 1));
    const early = (await one.acknowledged(await one.send(after.batch(1, 2)))).get(2);
    // The second intent has not arrived, so its outcome is not in the chain yet.
    assert.deepEqual([early?.received, early?.covered], [2, 1]);
    const acknowledged = await one.acknowledged(await one.send(before.batch(2, 2)));
    assert.deepEqual([acknowledged.get(1)?.covered, acknowledged.get(2)?.covered], [2, 2]);
    assert.deepEqual(
      (await one.calls()).map((event) => [event.event_id, event.outcome]),
      [
        ["cut-off-1", "unknown"],
        ["cut-off-2", "unknown"],
      ],
    );
    // Recovery that was itself interrupted tells the same outcome twice.
    after.outcome("cut-off-1", { outcome: "unknown" });
    assert.equal((await one.acknowledged(await one.send(after.batch(3, 3)))).get(2)?.covered, 3);
    assert.equal((await one.calls()).length, 2);
    await assertVerified(one);
  });

  test(`${engine}: an event under an id that is taken is kept under the id of its record, and that is told`, async (t) => {
    const one = await fleet(t, engine);
    if (one === undefined) return;
    const spool = await one.boot();
    spool.event("same");
    spool.event("same");
    assert.equal((await one.acknowledged(await one.send(spool.batch(1, 2)))).get(1)?.covered, 2);
    const storedAs = `record:${one.sidecar.id}:1:2`;
    assert.deepEqual(
      (await one.calls()).map((event) => event.event_id),
      ["same", storedAs],
    );
    const [told] = await one.alarms("audit_repeated");
    assert.deepEqual([told?.arg_values.event_id, told?.arg_values.stored_event_id], ["same", storedAs]);
    await assertVerified(one);
  });

  test(`${engine}: random batches, repetitions, orders and crashes leave each call in the chain exactly once`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const crash = { isArmed: false };
    const crashing = await planeOver({ ...plane.parts, database: crashAtCommit(plane.database, crash) });
    crash.isArmed = true;
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.infiniteStream(fc.nat()),
        fc.integer({ min: 1, max: 3 }),
        async (numbers, boots) => {
          runs += 1;
          const one = await fleetOf(plane, `run-${runs}`);
          const pick = (below: number) => Number(numbers.next().value) % below;
          const { spools, calls } = await history(one, pick, boots);
          await deliver(one, spools, pick, crashing);
          const ids = (await one.calls()).map((event) => event.event_id);
          assert.deepEqual([...ids].sort(), [...calls].sort());
          await assertVerified(one);
        },
      ),
      { numRuns: engine === "embedded" ? 5 : 12 },
    );
  });
}

/** Boots of one sidecar, each of which ends with some calls open that the next one closes. */
async function history(one: Fleet, pick: (below: number) => number, boots: number) {
  const calls: string[] = [];
  const spools: PretendedSpool[] = [];
  let open: string[] = [];
  for (let boot = 1; boot <= boots; boot += 1) {
    const spool = await one.boot();
    spools.push(spool);
    for (const id of open) spool.outcome(id, { outcome: "unknown" });
    open = [];
    for (let step = 0; step < 3 + pick(10); step += 1) {
      const [kind, id] = [pick(3), `call-${boot}-${step}`];
      const finished = kind === 2 ? open.splice(pick(Math.max(1, open.length)), 1)[0] : undefined;
      if (finished !== undefined) {
        spool.outcome(finished);
        continue;
      }
      calls.push(id);
      if (kind === 0) spool.event(id);
      else open.push(spool.intent(id));
    }
    if (boot === boots) for (const id of open) spool.outcome(id);
  }
  return { spools, calls };
}

/** Sends every spool to its end: any boot next, any overlap, any repetition, and transactions that fail at the last moment. */
async function deliver(
  one: Fleet,
  spools: readonly PretendedSpool[],
  pick: (below: number) => number,
  crashing: Pick<TestPlane, "request">,
): Promise<void> {
  const received = new Map(spools.map((spool) => [spool.epoch, 0]));
  const covered = new Map<number, number>();
  const isDone = () => spools.every((spool) => received.get(spool.epoch) === spool.records.length);
  while (!isDone()) {
    const spool = spools[pick(spools.length)];
    if (spool === undefined) continue;
    const had = received.get(spool.epoch) ?? 0;
    const from = Math.max(1, Math.min(spool.records.length, had + 1 - pick(4)));
    const batch: AuditBatch = spool.batch(from, Math.min(spool.records.length, from + pick(5)));
    if (pick(4) === 0) assert.equal((await one.send(batch, crashing)).status, 500);
    const acknowledged = await one.acknowledged(await one.send(batch));
    if (pick(3) === 0) await one.acknowledged(await one.send(batch));
    received.set(spool.epoch, acknowledged.get(spool.epoch)?.received ?? 0);
    for (const { epoch, covered: now } of acknowledged.values()) {
      assert.ok(now >= (covered.get(epoch) ?? 0), "what is covered never shrinks");
      covered.set(epoch, now);
    }
  }
  for (const spool of spools) assert.equal(covered.get(spool.epoch), spool.records.length);
}

/** The database as it is for a process that dies, once `crash.isArmed`, when everything is done but the commit. */
function crashAtCommit(database: Database, crash: { isArmed: boolean }): Database {
  return {
    ...database,
    transaction: (work) =>
      database.transaction(async (executor) => {
        const result = await work(executor);
        if (crash.isArmed) throw new Error("the process died");
        return result;
      }),
  };
}

test("a batch that contradicts itself is refused with the place", async (t) => {
  const one = await fleet(t, "embedded");
  if (one === undefined) return;
  const spool = await one.boot();
  spool.event("call-1");
  spool.event("call-2");
  const good = spool.batch(1, 2);
  const [first, second] = good.records;
  assert.ok(first !== undefined && second !== undefined);
  const elsewhere = pretendedSpool(one.sidecar, spool.epoch + 1);
  elsewhere.event("call-1");
  const unknownEpoch = elsewhere.batch(1, 1);
  const cases: [string, unknown, number, RegExp][] = [
    ["a record twice", { ...good, records: [first, first] }, 400, /records\[1\]: the sequence should be 2/],
    [
      "a changed record",
      { ...good, records: [{ ...first, hash: second.hash }, second] },
      400,
      /records\[0\]: the hash/,
    ],
    ["an epoch that was never granted", unknownEpoch, 409, /not granted/],
    ["an unknown field", { ...good, more: 1 }, 400, /body\.more/],
    ["no records", { ...good, records: [] }, 400, /records/],
  ];
  for (const [what, batch, status, message] of cases) {
    const refused = await one.send(batch);
    assert.equal(refused.status, status, what);
    assert.match(refused.json.error, message, what);
  }
  assert.equal((await one.calls()).length, 0);
});

test("a removed sidecar is heard no more, and another's credential opens nothing", async (t) => {
  const one = await fleet(t, "embedded");
  if (one === undefined) return;
  const spool = await one.boot();
  spool.event("call-1");
  const forged = one.credential.replace(/.$/, (last) => (last === "A" ? "B" : "A"));
  for (const token of [
    forged,
    "the-superadmin",
    one.credential.replace("acme", "beta"),
    "postern-sidecar.acme.x.y",
  ]) {
    const refused = await one.plane.request("POST", "/v1/sidecar/audit", { token, body: spool.batch(1, 1) });
    assert.equal(refused.status, 401);
  }
  await one.plane.request("DELETE", `/v1/admin/sidecars/${one.sidecar.id}?tenant=acme`);
  assert.equal((await one.send(spool.batch(1, 1))).status, 401);
});
