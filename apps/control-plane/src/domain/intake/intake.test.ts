// Nothing acknowledged is lost and nothing is counted twice, whatever the network, the sidecar and the database do (P6); every judged call
// becomes exactly one event (P2).
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Acknowledgement, type AuditBatch, type AuditEvent } from "@postern/contracts";
import { open } from "@postern/signing";
import fc from "fast-check";
import { ENGINES, type Engine, planeOver, type TestPlane, testPlane } from "../../control-plane.fixture.ts";
import type { Database } from "../../database/connection.ts";
import { type PretendedSpool, pretendedSpool } from "./spool.fixture.ts";

interface Fleet {
  readonly plane: TestPlane;
  readonly sidecar: { tenant: string; id: string };
  readonly credential: string;
  boot(): Promise<PretendedSpool>;
  send(batch: unknown, via?: Pick<TestPlane, "request">): ReturnType<TestPlane["request"]>;
  /** Acknowledgements of the last answer by epoch, opened with the published log key. */
  acknowledged(answer: Awaited<ReturnType<TestPlane["request"]>>): Promise<Map<number, Acknowledgement>>;
  /** Tool calls in the chain, oldest first. */
  calls(): Promise<readonly AuditEvent[]>;
}

async function fleet(t: TestContext, engine: Engine): Promise<Fleet | undefined> {
  const plane = await testPlane(t, engine);
  return plane === undefined ? undefined : await fleetOf(plane, "acme");
}

async function fleetOf(plane: TestPlane, tenant: string): Promise<Fleet> {
  const added = await plane.request("POST", "/v1/admin/sidecars", { body: { tenant, name: "one" } });
  assert.equal(added.status, 201);
  const { sidecar_id, credential } = added.json;
  const sidecar = { tenant, id: sidecar_id };
  return {
    plane,
    sidecar,
    credential,
    async boot() {
      const booted = await plane.request("POST", "/v1/sidecar/register", {
        token: credential,
        body: { version: "1" },
      });
      return pretendedSpool(sidecar, booted.json.epoch);
    },
    send: (batch, via = plane) =>
      via.request("POST", "/v1/sidecar/audit", { token: credential, body: batch }),
    async acknowledged(answer) {
      assert.equal(answer.status, 200, answer.text);
      const keys = await plane.units.read((executor) => plane.nouns.keys.keySet(executor, tenant));
      const nowMs = plane.clock.nowMs();
      const opened = answer.json.acknowledgements.map(async (sealed: string) => {
        const { document } = await open(sealed, { keys, use: "log", purpose: "acknowledgement", nowMs });
        return Acknowledgement.parse(document);
      });
      return new Map((await Promise.all<Acknowledgement>(opened)).map((each) => [each.epoch, each]));
    },
    async calls() {
      const exported = await plane.request("GET", `/v1/admin/audit/export?format=json&tenant=${tenant}`);
      return exported.json.filter((event: AuditEvent) => event.event === "intentgate.tool_call");
    },
  };
}

async function assertVerified({ plane, sidecar }: Fleet): Promise<void> {
  const verified = await plane.request("GET", `/v1/admin/audit/verify?tenant=${sidecar.tenant}`);
  assert.equal(verified.json.verified, true, verified.text);
}

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

  test(`${engine}: an id that is in the chain already is left out, and that is told`, async (t) => {
    const one = await fleet(t, engine);
    if (one === undefined) return;
    const spool = await one.boot();
    spool.event("same");
    spool.event("same");
    assert.equal((await one.acknowledged(await one.send(spool.batch(1, 2)))).get(1)?.covered, 2);
    assert.equal((await one.calls()).length, 1);
    const told = await one.plane.request("GET", "/v1/admin/audit?tenant=acme&tool=admin/audit_repeated");
    assert.equal(told.json.items[0].arg_values.event_id, "same");
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
  const foreign = pretendedSpool({ tenant: "beta", id: one.sidecar.id }, spool.epoch);
  foreign.event("call-1");
  const other = pretendedSpool({ tenant: "acme", id: "other" }, spool.epoch);
  other.event("call-1");
  const elsewhere = pretendedSpool(one.sidecar, spool.epoch + 1);
  elsewhere.event("call-1");
  const unknownEpoch = elsewhere.batch(1, 1);
  const large = pretendedSpool(one.sidecar, spool.epoch);
  const event = first.body.kind === "event" ? first.body.event : undefined;
  assert.ok(event !== undefined);
  large.add({ kind: "event", event: { ...event, arg_values: { text: "x".repeat(40_000) } }, args_salt: "" });
  const cases: [string, unknown, number, RegExp][] = [
    ["an event beyond the log's limit", large.batch(1, 1), 400, /too large/],
    ["a record twice", { ...good, records: [first, first] }, 400, /records\[1\]: the sequence should be 2/],
    [
      "a changed record",
      { ...good, records: [{ ...first, hash: second.hash }, second] },
      400,
      /records\[0\]: the hash/,
    ],
    ["an event of another tenant", foreign.batch(1, 1), 400, /another tenant/],
    ["an event of another sidecar", other.batch(1, 1), 400, /another sidecar/],
    ["an event of another boot", { ...unknownEpoch, epoch: spool.epoch }, 400, /another epoch/],
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
