// What a sidecar's disk has lost stops nothing: the sidecar says what it no longer holds, the chain tells of the loss, and everything that
// is left arrives and is covered. With real spool files.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openSpool, type Spool } from "@postern/audit/spool";
import type { SpoolBody } from "@postern/contracts";
import { defer, temporaryDirectory } from "@postern/testkit";
import { testPlane } from "../../control-plane.fixture.ts";
import { assertVerified, type Fleet, fleetOf } from "./fleet.fixture.ts";
import { pretendedSpool } from "./spool.fixture.ts";

interface Rig {
  readonly one: Fleet;
  readonly directory: string;
  boot(segmentBytesMax?: number): Promise<Spool>;
  /** Sends everything as a sidecar does: after a gap it says what it no longer holds. */
  ship(spool: Spool): Promise<void>;
}

async function createRig(t: TestContext): Promise<Rig> {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  const one = await fleetOf(plane, "acme");
  const directory = join(temporaryDirectory(t), "spool");
  return {
    one,
    directory,
    async boot(segmentBytesMax = 1 << 20) {
      const { epoch } = await one.boot();
      const spool = await openSpool({
        directory,
        sidecarId: one.sidecar.id,
        epoch,
        durability: "os",
        segmentBytesMax,
      });
      defer(t, () => spool.close());
      return spool;
    },
    async ship(spool) {
      for (let after = { epoch: 0, sequence: 0 }; ; ) {
        const batch = await spool.read(after, 500);
        if (batch === undefined) return;
        const { epoch, previousHash: previous_hash, records } = batch;
        const first = records[0]?.sequence ?? 1;
        const body = { epoch, previous_hash, records };
        let answer = await one.send(body);
        if (answer.status === 409) {
          assert.equal(answer.json.code, "audit.gap", answer.text);
          const from = after.epoch === epoch ? after.sequence + 1 : 1;
          answer = await one.send({ ...body, missing: { from, to: first - 1 } });
        }
        for (const { epoch: of, covered, received } of (await one.acknowledged(answer)).values()) {
          if (of === epoch) after = { epoch, sequence: received };
          await spool.acknowledge({ epoch: of, covered });
        }
      }
    },
  };
}

/** Records as the sidecar of `one` writes them. */
function bodies(
  one: Fleet,
  epoch: number,
): { event(id: string): SpoolBody; intent(id: string): SpoolBody; outcome(id: string): SpoolBody } {
  const made = (add: "event" | "intent" | "outcome") => (id: string) => {
    const spool = pretendedSpool(one.sidecar, epoch);
    spool[add](id);
    const [record] = spool.records;
    assert.ok(record !== undefined);
    return record.body;
  };
  return { event: made("event"), intent: made("intent"), outcome: made("outcome") };
}

/** Flips a byte inside the record that holds this text. */
function damage(directory: string, text: string): void {
  for (const name of readdirSync(directory).filter((file) => file.endsWith(".segment"))) {
    const bytes = readFileSync(join(directory, name));
    const at = bytes.indexOf(text);
    if (at === -1) continue;
    bytes.writeUInt8(0x7e, at);
    writeFileSync(join(directory, name), bytes);
    return;
  }
  assert.fail(`${text} is in no segment`);
}

const idsOf = async (one: Fleet) =>
  (await one.calls()).map(({ event_id, outcome }) => `${event_id} ${outcome}`);

test("a record that was damaged in the middle of a spool is passed over, told in the chain, and stops nothing", async (t) => {
  const { one, directory, boot, ship } = await createRig(t);
  const first = await boot();
  const make = bodies(one, 1);
  for (let at = 1; at <= 6; at += 1) await first.append(make.event(`call-${at}`));
  await first.close();
  damage(directory, "call-3");
  const second = await boot();
  assert.deepEqual(second.recovery.missing, [{ epoch: 1, from: 3, to: 3 }]);
  await second.append(bodies(one, 2).event("call-7"));
  await ship(second);
  assert.deepEqual(
    await idsOf(one),
    ["call-1", "call-2", "call-4", "call-5", "call-6", "call-7"].map((id) => `${id} none`),
  );
  const [lost, ...others] = await one.alarms("audit_lost");
  assert.equal(others.length, 0);
  assert.deepEqual([lost?.decision, lost?.check], ["block", "audit"]);
  assert.match(lost?.reason ?? "", /records 3 of its epoch 1 are lost/);
  assert.deepEqual(lost?.arg_values, {
    sidecar_id: one.sidecar.id,
    epoch: 1,
    missing_from: 3,
    missing_to: 3,
  });
  assert.equal(second.usage().records, 0, "all of it is covered");
  await assertVerified(one);
});

test("a call whose intent was lost is an event all the same, and one whose outcome was lost ends as unknown", async (t) => {
  const { one, directory, boot, ship } = await createRig(t);
  const first = await boot();
  const make = bodies(one, 1);
  await first.append(make.intent("without-outcome"));
  await first.append(make.intent("without-intent"));
  await first.append(make.outcome("without-outcome"));
  await first.append(make.outcome("without-intent"));
  await first.append(make.event("last"));
  await first.close();
  // The intent's record, and then the outcome's: the first place of each id that is still sound.
  damage(directory, "without-intent");
  damageOutcome(directory, "without-outcome");
  const second = await boot();
  await ship(second);
  assert.deepEqual((await idsOf(one)).sort(), [
    "last none",
    "without-intent executed",
    "without-outcome unknown",
  ]);
  const orphan = (await one.calls()).find(({ event_id }) => event_id === "without-intent");
  assert.deepEqual([orphan?.degraded, orphan?.tool], [true, ""]);
  assert.match(orphan?.reason ?? "", /^The record of what was called is lost/);
  assert.equal(second.usage().records, 0);
  await assertVerified(one);
});

function damageOutcome(directory: string, id: string): void {
  const [name = ""] = readdirSync(directory).filter((file) => file.endsWith(".segment"));
  const bytes = readFileSync(join(directory, name));
  const at = bytes.lastIndexOf(id);
  bytes.writeUInt8(0x7e, at);
  writeFileSync(join(directory, name), bytes);
}

test("a segment that vanished, and an end that was damaged, are told with what is known of them", async (t) => {
  const { one, directory, boot, ship } = await createRig(t);
  const first = await boot(1500);
  const make = bodies(one, 1);
  for (let at = 1; at <= 9; at += 1) await first.append(make.event(`call-${at}`));
  await first.close();
  const segments = readdirSync(directory)
    .filter((file) => file.endsWith(".segment"))
    .sort();
  const [from, to] = [segments[1], segments[2]].map((name) => Number(name?.slice(13, 29)));
  assert.ok(from !== undefined && to !== undefined);
  rmSync(join(directory, segments[1] ?? ""));
  damage(directory, "call-9");
  const second = await boot();
  await ship(second);
  const lost = (await one.alarms("audit_lost")).map(({ arg_values }) => [
    arg_values.missing_from,
    arg_values.missing_to,
  ]);
  assert.deepEqual(lost.reverse(), [
    [from, to - 1],
    [9, undefined],
  ]);
  assert.equal(second.usage().records, 0);
  await assertVerified(one);
});

test("a gap is passed only by what the sidecar says is missing, whole and exactly", async (t) => {
  const { one } = await createRig(t);
  const spool = await one.boot();
  for (let at = 1; at <= 6; at += 1) spool.event(`call-${at}`);
  await one.send(spool.batch(1, 2));
  for (const missing of [undefined, { from: 4, to: 4 }, { from: 3, to: 3 }, { from: 3, to: 5 }]) {
    const refused = await one.send({ ...spool.batch(5, 6), missing });
    assert.deepEqual([refused.status, refused.json.code], [409, "audit.gap"], JSON.stringify(missing));
  }
  // What was received is not lost, whatever the sidecar holds.
  const passed = await one.acknowledged(
    await one.send({ ...spool.batch(5, 6), missing: { from: 1, to: 4 } }),
  );
  assert.deepEqual([passed.get(1)?.received, passed.get(1)?.covered], [6, 6]);
  const again = await one.acknowledged(await one.send({ ...spool.batch(5, 6), missing: { from: 1, to: 4 } }));
  assert.equal(again.get(1)?.received, 6);
  assert.deepEqual(
    (await one.alarms("audit_lost")).map(({ arg_values }) => [
      arg_values.missing_from,
      arg_values.missing_to,
    ]),
    [[3, 4]],
  );
  // A record that was told as lost and comes all the same contradicts that.
  assert.equal((await one.send(spool.batch(3, 4))).status, 409);
});
