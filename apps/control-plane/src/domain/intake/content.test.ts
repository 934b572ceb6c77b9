// No content of a record stops what follows it, and none lets a sidecar speak for anybody else: what is wrong is taken out, marked, and told.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { buildEvent } from "@postern/audit";
import { openSpool } from "@postern/audit/spool";
import type { AuditEvent, JsonValue, SpoolBody } from "@postern/contracts";
import { defer, temporaryDirectory } from "@postern/testkit";
import fc from "fast-check";
import { testPlane } from "../../control-plane.fixture.ts";
import { assertVerified, type Fleet, fleetOf } from "./fleet.fixture.ts";
import { type PretendedSpool, pretendedSpool } from "./spool.fixture.ts";

async function acme(t: TestContext): Promise<Fleet> {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  return await fleetOf(plane, "acme");
}

const nested = (depth: number): JsonValue => JSON.parse("[".repeat(depth) + "]".repeat(depth));

/** A body that no honest sidecar writes, made of one that it does. */
type Bend = (event: AuditEvent) => unknown;
const changed =
  (fields: Record<string, unknown>, kind = "event"): Bend =>
  (event) => ({ kind, event: { ...event, ...fields }, args_salt: "" });
const outcome = {
  kind: "outcome",
  outcome: "executed",
  reason: "",
  latency_ms: 1,
  upstream_status: 200,
  cost_micros: 0,
};

const HOSTILE: readonly [what: string, bend: Bend, kept: Partial<AuditEvent> | undefined][] = [
  ["values nested 200 deep", changed({ arg_values: { x: nested(200) } }), { tool: "read_invoice" }],
  [
    "more than the log takes",
    changed({ arg_values: { x: "x".repeat(32_000) }, reason: "y".repeat(2000) }),
    { tool: "read_invoice" },
  ],
  [
    "texts that are too long",
    changed({ tool: "x".repeat(300), reasons: ["y".repeat(100)] }),
    { decision: "block" },
  ],
  ["NUL, which no database keeps", changed({ tool: "a\0b", agent_id: "\0" }), { tool: "a\ufffdb" }],
  ["another tenant", changed({ tenant: "beta" }), { tenant: "acme" }],
  ["another sidecar", changed({ sidecar_id: "other" }), { tool: "read_invoice" }],
  ["another boot", changed({ sidecar_epoch: 9 }), { sidecar_epoch: 1 }],
  ["a sequence of its own", changed({ sidecar_sequence: 77 }), { tool: "read_invoice" }],
  [
    "an administrative act",
    changed({
      event: "intentgate.admin",
      tool: "admin/promote_policy",
      actor: "superadmin",
      decided_by: "ciso",
    }),
    { event: "intentgate.tool_call", actor: "", decided_by: "" },
  ],
  ["an elevation", changed({ elevation_id: "e1" }), { elevation_id: "" }],
  ["an approval that is none", changed({ decision: "allow", pending_id: "p1" }), { pending_id: "" }],
  ["a decision of a human", changed({ decision: "escalate", decided_by: "ciso" }), { decided_by: "" }],
  ["a year that no database has", changed({ ts: "0000-01-01T00:00:00Z" }), { tool: "read_invoice" }],
  [
    "more digits than a time has",
    changed({ ts: `2026-01-01T00:00:00.${"1".repeat(400)}Z` }),
    { tool: "read_invoice" },
  ],
  ["an id of the control plane", changed({ event_id: "fork:1:1:0:x" }), { tool: "read_invoice" }],
  ["an id that is none", changed({ event_id: "a b" }), { tool: "read_invoice" }],
  ["a field of a later version", changed({ mood: "good" }), { tool: "read_invoice" }],
  [
    "fields of other types",
    changed({ tool: 7, decision: "perhaps", arg_keys: [1], latency_ms: -1 }),
    { tool: "", decision: "block" },
  ],
  ["hardly any field", () => ({ kind: "event", event: { tool: "x" } }), { tool: "x", decision: "block" }],
  ["a salt that is none", (event) => ({ kind: "event", event, args_salt: "\0" }), { tool: "read_invoice" }],
  ["no event", () => ({ kind: "event", event: null, args_salt: "" }), undefined],
  ["a kind of a later version", () => ({ kind: "weather", is: "fine" }), undefined],
  ["an outcome of nothing", () => ({ ...outcome, event_id: "fork:1" }), undefined],
  ["a lost end of a boot to come", () => ({ kind: "lost_end", epoch: 9, from: 1 }), undefined],
  ["a list", () => [1, 2], undefined],
  ["nothing", () => null, undefined],
];

test("whatever a record says, it is acknowledged, what follows it is taken in, and what was wrong is told", async (t) => {
  const one = await acme(t);
  const spool = await one.boot();
  for (const [at, [what, bend]] of HOSTILE.entries()) {
    const [{ body } = { body: undefined }] = pretended(one, spool.epoch, `bent-${at}`).records;
    assert.ok(body?.kind === "event");
    spool.add(bend(body.event) as SpoolBody);
    spool.event(`after-${at}`);
    const last = spool.records.length;
    const acknowledged = await one.acknowledged(await one.send(spool.batch(last - 1, last)));
    assert.equal(acknowledged.get(spool.epoch)?.covered, last, what);
  }
  const calls = new Map((await one.calls()).map((call) => [call.sidecar_sequence, call]));
  const alarms = (await one.alarms("audit_refused")).toReversed();
  for (const [at, [what, , kept]] of HOSTILE.entries()) {
    const sequence = 2 * at + 1;
    const after = calls.get(sequence + 1);
    assert.deepEqual([after?.event_id, after?.degraded], [`after-${at}`, false], what);
    assert.match(String(alarms[at]?.arg_values.problems), new RegExp(`^${sequence} [0-9a-f]{64}: `), what);
    const stored = calls.get(sequence);
    assert.equal(stored !== undefined, kept !== undefined, what);
    if (stored === undefined) continue;
    assert.equal(stored.degraded, true, what);
    assert.match(stored.reason, /^The control plane took this record in part: /, what);
    assert.equal(stored.sidecar_id, one.sidecar.id, what);
    for (const [name, value] of Object.entries(kept ?? {}))
      assert.deepEqual(stored[name as keyof AuditEvent], value, `${what}: ${name}`);
  }
  await assertVerified(one);
});

const pretended = (one: Fleet, epoch: number, id: string): PretendedSpool => {
  const spool = pretendedSpool(one.sidecar, epoch);
  spool.event(id);
  return spool;
};

test("a call whose halves are both bent is one event all the same", async (t) => {
  const one = await acme(t);
  const spool = await one.boot();
  const [{ body } = { body: undefined }] = pretended(one, spool.epoch, "call").records;
  assert.ok(body?.kind === "event");
  spool.add({ kind: "intent", event: { ...body.event, decision: "allow", actor: "root" }, args_salt: "" });
  spool.add({ ...outcome, event_id: "call", latency_ms: "long", more: 1 } as unknown as SpoolBody);
  await one.acknowledged(await one.send(spool.batch(1, 2)));
  const [call, ...others] = await one.calls();
  assert.deepEqual([others.length, call?.outcome, call?.actor, call?.degraded], [0, "executed", "", true]);
});

test("two calls under one id are two events", async (t) => {
  const one = await acme(t);
  const spool = await one.boot();
  for (const add of ["intent", "intent", "outcome"] as const) spool[add]("same");
  assert.equal((await one.acknowledged(await one.send(spool.batch(1, 3)))).get(1)?.covered, 3);
  assert.deepEqual(
    (await one.calls()).map(({ outcome: end }) => end),
    ["unknown", "executed"],
  );
});

test("a sidecar that takes another's event ids first makes none of its events disappear", async (t) => {
  const one = await acme(t);
  const thief = await fleetOf(one.plane, "acme");
  const [spool, stolen] = [await one.boot(), await thief.boot()];
  for (const id of ["denied", "call"]) stolen.event(id);
  await thief.acknowledged(await thief.send(stolen.batch(1, 2)));
  spool.event("denied");
  spool.intent("call");
  spool.outcome("call");
  assert.equal((await one.acknowledged(await one.send(spool.batch(1, 3)))).get(1)?.covered, 3);
  const own = (await one.calls()).filter(({ sidecar_id }) => sidecar_id === one.sidecar.id);
  assert.deepEqual(
    own.map((event) => [event.event_id, event.outcome]),
    [
      [`record:${one.sidecar.id}:1:1`, "none"],
      [`record:${one.sidecar.id}:1:2`, "executed"],
    ],
  );
  assert.deepEqual((await one.alarms("audit_repeated")).map(({ arg_values }) => arg_values.event_id).sort(), [
    "call",
    "denied",
  ]);
  await assertVerified(one);
});

test("a sidecar cannot take the id of an alarm about itself", async (t) => {
  const one = await acme(t);
  const spool = await one.boot();
  spool.event("call-1");
  const forked = pretended(one, spool.epoch, "forged");
  const hash = forked.records[0]?.hash.slice(0, 32);
  await one.send(spool.batch(1, 1));
  spool.event(`fork:1:1:${hash}:${one.sidecar.id}`);
  await one.acknowledged(await one.send(spool.batch(2, 2)));
  assert.equal((await one.send(forked.batch(1, 1))).status, 409);
  assert.equal((await one.alarms("audit_fork")).length, 1);
});

test("whatever arguments a call has, its event goes through a real spool into the chain, whole and without an alarm", async (t) => {
  const one = await acme(t);
  const booted = await one.boot();
  const directory = join(temporaryDirectory(t), "spool");
  const spool = await openSpool({
    directory,
    sidecarId: one.sidecar.id,
    epoch: booted.epoch,
    durability: "os",
  });
  defer(t, () => spool.close());
  const text = fc.string({ unit: "binary", maxLength: 200 });
  const key = fc.oneof(text, fc.constantFrom("__proto__", "constructor", "", "\0", "\ud800", "…"));
  const number = fc.constantFrom(
    1e308,
    -0,
    Number.MAX_VALUE,
    5e-324,
    Number.POSITIVE_INFINITY,
    Number.NaN,
    2 ** 70,
  );
  const value = fc.oneof(fc.jsonValue(), fc.integer({ min: 1, max: 300 }).map(nested), text, number);
  // A key named __proto__ must become a member, as JSON.parse makes it one.
  const args = fc
    .array(fc.tuple(key, value), { maxLength: 60, size: "max" })
    .map((entries) => Object.fromEntries(entries));
  let count = 0;
  let position = { epoch: 0, sequence: 0 };
  const append = async (given: Record<string, unknown>, tool: string) => {
    count += 1;
    const event = buildEvent({
      ts: "2026-01-01T00:00:00.000Z",
      event: "intentgate.tool_call",
      decision: "block",
      tenant: "acme",
      tool,
      arg_keys: Object.keys(given),
      arg_values: given as AuditEvent["arg_values"],
      event_id: `call-${count}`,
      outcome: "none",
      sidecar_id: one.sidecar.id,
      sidecar_epoch: booted.epoch,
    });
    await spool.append({ kind: "event", event, args_salt: "5a".repeat(16) });
  };
  await append({ wide: Array(20_000).fill("x".repeat(3)) }, "wide");
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(args, text), { minLength: 1, maxLength: 8 }), async (calls) => {
      for (const [given, tool] of calls) await append(given, tool);
      for (;;) {
        const batch = await spool.read(position, 500);
        if (batch === undefined) break;
        const { epoch, previousHash: previous_hash, records } = batch;
        const acknowledged = await one.acknowledged(await one.send({ epoch, previous_hash, records }));
        position = { epoch, sequence: acknowledged.get(epoch)?.received ?? 0 };
      }
      const stored = await one.calls();
      assert.equal(stored.length, count);
      assert.ok(stored.every(({ degraded }) => !degraded));
    }),
    { numRuns: 25 },
  );
  assert.deepEqual(await one.alarms("audit_refused"), []);
  await assertVerified(one);
});
