import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SpoolRecord } from "@postern/contracts";
import { temporaryDirectory } from "@postern/testkit";
import { recordHash } from "../chain.ts";
import { ZERO_HASH } from "../hash.ts";
import { sampleDenial, sampleEvent, sampleIntent, sampleOutcome } from "../sample-event.ts";
import { OUTCOME_BYTES_MAX } from "./capacity.ts";
import { fileDevice } from "./device.ts";
import { drain, sampleSpool, titlesOf } from "./sample-spool.ts";

const segmentsIn = (directory: string) => readdirSync(directory).filter((name) => name.endsWith(".segment"));

for (const durability of ["os", "disk"] as const) {
  test(`appended records are read back in order, linked from zero (${durability})`, async (t) => {
    const spool = await sampleSpool(t, { directory: temporaryDirectory(t), durability });
    const bodies = [sampleIntent(1), sampleDenial(2), sampleOutcome(1)];
    const appended = await Promise.all(bodies.map((body) => spool.append(body)));
    assert.deepEqual(
      appended.map(({ sequence }) => sequence),
      [1, 2, 3],
    );
    const records = await drain(spool);
    assert.deepEqual(
      records.map(({ body }) => body),
      bodies,
    );
    assert.deepEqual(
      records.map(({ hash }) => hash),
      appended.map(({ hash }) => hash),
    );
    assert.equal(records[0]?.previousHash, ZERO_HASH);
    assert.equal(appended[0]?.hash, recordHash(1, ZERO_HASH, sampleIntent(1)));
    const { epoch: _e, previousHash: _p, ...wire } = records[0] ?? assert.fail();
    assert.ok(SpoolRecord.safeParse(wire).success);
  });

  test(`records outlive the process that wrote them (${durability})`, async (t) => {
    const directory = temporaryDirectory(t);
    const first = await sampleSpool(t, { directory, durability });
    for (let at = 0; at < 50; at += 1) await first.append(sampleDenial(at));
    const before = await drain(first);
    await first.close();
    const second = await sampleSpool(t, { directory, durability, epoch: 2 });
    assert.deepEqual(await drain(second), before);
    assert.deepEqual(second.recovery, { setAside: [], missing: [], closedIntents: 0, cursorLost: false });
    await second.append(sampleDenial(99));
    assert.equal((await drain(second)).at(-1)?.previousHash, ZERO_HASH);
  });
}

test("all appends of one turn of the event loop are one write", async (t) => {
  let writes = 0;
  const device = {
    ...fileDevice,
    write(fd: number, bytes: Buffer, start: number) {
      writes += 1;
      return fileDevice.write(fd, bytes, start);
    },
  };
  const spool = await sampleSpool(t, { directory: temporaryDirectory(t), device });
  writes = 0;
  await Promise.all(Array.from({ length: 500 }, (_, at) => spool.append(sampleDenial(at))));
  assert.equal(writes, 1);
  assert.equal((await drain(spool)).length, 500);
});

test("in mode disk one sync serves all that waited for it, and none resolves before its sync", async (t) => {
  const syncs: (() => void)[] = [];
  let held = false;
  const device = {
    ...fileDevice,
    sync: (fd: number) => (held ? new Promise<void>((resolve) => syncs.push(resolve)) : fileDevice.sync(fd)),
  };
  const spool = await sampleSpool(t, { directory: temporaryDirectory(t), device, durability: "disk" });
  held = true;
  let resolved = 0;
  const append = async (at: number) => {
    await spool.append(sampleDenial(at));
    resolved += 1;
  };
  const nextTurn = () => new Promise(setImmediate);
  const first = append(1);
  await nextTurn();
  const others = Array.from({ length: 100 }, (_, at) => append(at + 2));
  await nextTurn();
  assert.deepEqual([syncs.length, resolved], [1, 0]);
  assert.equal(await spool.read({ epoch: 0, sequence: 0 }, 10), undefined);
  syncs[0]?.();
  await first;
  await nextTurn();
  assert.deepEqual([syncs.length, resolved], [2, 1]);
  syncs[1]?.();
  await Promise.all(others);
  held = false;
});

test("segments end at their size, and reading goes on across them", async (t) => {
  const directory = temporaryDirectory(t);
  const spool = await sampleSpool(t, { directory, segmentBytesMax: 8192 });
  for (let at = 0; at < 60; at += 1) await spool.append(sampleDenial(at));
  const names = segmentsIn(directory);
  assert.ok(names.length >= 4, `${names.length}`);
  assert.ok(names.every((name) => statSync(join(directory, name)).size < 8192 + 2048));
  const records = await drain(spool, 7);
  assert.deepEqual(
    records.map(({ sequence }) => sequence),
    Array.from({ length: 60 }, (_, at) => at + 1),
  );
  assert.equal(
    spool.usage().bytes,
    names.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0),
  );
});

test("reading can start anywhere, and takes at most what was asked for", async (t) => {
  const spool = await sampleSpool(t, { directory: temporaryDirectory(t), segmentBytesMax: 8192 });
  for (let at = 0; at < 40; at += 1) await spool.append(sampleDenial(at));
  for (const sequence of [0, 39, 7, 20, 8, 38]) {
    const batch = await spool.read({ epoch: 1, sequence }, 3);
    assert.equal(batch?.records[0]?.sequence, sequence + 1);
    assert.ok((batch?.records.length ?? 9) <= 3);
  }
  assert.equal(await spool.read({ epoch: 1, sequence: 40 }, 3), undefined);
  assert.equal(await spool.read({ epoch: 2, sequence: 0 }, 3), undefined);
});

test("an acknowledgement deletes wholly covered segments and nothing else, and outlives the process", async (t) => {
  const directory = temporaryDirectory(t);
  const spool = await sampleSpool(t, { directory, segmentBytesMax: 8192 });
  for (let at = 0; at < 60; at += 1) await spool.append(sampleDenial(at));
  const before = segmentsIn(directory);
  await spool.acknowledge({ epoch: 1, covered: 30 });
  const after = segmentsIn(directory);
  assert.ok(after.length < before.length && after.length > 1);
  assert.equal((await drain(spool))[0]?.sequence, 31);
  assert.equal(spool.usage().records, 30);
  await spool.acknowledge({ epoch: 1, covered: 10 });
  assert.equal((await drain(spool))[0]?.sequence, 31);
  await spool.close();
  const second = await sampleSpool(t, { directory, epoch: 2 });
  assert.equal((await drain(second))[0]?.sequence, 31);
  await second.acknowledge({ epoch: 1, covered: 60 });
  assert.equal(second.usage().oldestEpoch, 2);
  assert.deepEqual(segmentsIn(directory).length, 1);
  await second.acknowledge({ epoch: 1, covered: 60 });
});

test("an acknowledgement of what was never written is refused, and of unknown epochs ignored", async (t) => {
  const spool = await sampleSpool(t, { directory: temporaryDirectory(t), epoch: 5 });
  await spool.append(sampleDenial(1));
  await assert.rejects(spool.acknowledge({ epoch: 5, covered: 2 }), { code: "audit.acknowledgement" });
  await spool.acknowledge({ epoch: 4, covered: 9 });
  await spool.acknowledge({ epoch: 6, covered: 9 });
  assert.equal(spool.usage().records, 1);
});

test("a segment with an open intent stays, whatever is acknowledged", async (t) => {
  const directory = temporaryDirectory(t);
  const spool = await sampleSpool(t, { directory, segmentBytesMax: 4096 });
  await spool.append(sampleIntent(0));
  for (let at = 1; at < 20; at += 1) await spool.append(sampleDenial(at));
  await spool.acknowledge({ epoch: 1, covered: 20 });
  assert.deepEqual(segmentsIn(directory)[0], "000000000001-0000000000000001.segment");
  await spool.append(sampleOutcome(0));
  await spool.acknowledge({ epoch: 1, covered: 21 });
  assert.equal(segmentsIn(directory).length, 1);
});

test("an intent without outcome is closed as unknown by the next epoch, once, with its cost", async (t) => {
  const directory = temporaryDirectory(t);
  const first = await sampleSpool(t, { directory });
  const bodies = [sampleIntent(1, 250), sampleIntent(2), sampleDenial(3), sampleOutcome(2)];
  await Promise.all(bodies.map((body) => first.append(body)));
  await first.close();
  const second = await sampleSpool(t, { directory, epoch: 2 });
  assert.equal(second.recovery.closedIntents, 1);
  const records = await drain(second);
  assert.deepEqual(titlesOf(records).slice(4), ["2/1 outcome event-1"]);
  assert.deepEqual(records.at(-1)?.body, {
    kind: "outcome",
    event_id: "event-1",
    outcome: "unknown",
    reason: "The sidecar stopped before the outcome was recorded.",
    latency_ms: 0,
    upstream_status: 0,
    cost_micros: 250,
  });
  await second.close();
  const third = await sampleSpool(t, { directory, epoch: 3 });
  assert.equal(third.recovery.closedIntents, 0);
});

test("an intent that the chain covers is not closed again, even if its outcome is gone", async (t) => {
  const directory = temporaryDirectory(t);
  const first = await sampleSpool(t, { directory });
  await first.append(sampleIntent(1));
  await first.append(sampleIntent(2));
  await first.close();
  const second = await sampleSpool(t, { directory, epoch: 2 });
  // The chain has the outcome of the first call; the records of epoch 1 up to it are covered.
  await second.acknowledge({ epoch: 1, covered: 1 });
  await second.acknowledge({ epoch: 2, covered: 2 });
  await second.close();
  const third = await sampleSpool(t, { directory, epoch: 3 });
  assert.deepEqual(titlesOf(await drain(third)), ["1/2 intent event-2", "3/1 outcome event-2"]);
});

test("a full spool refuses new calls, takes every outcome, warns before, and recovers when it is freed", async (t) => {
  const bytesMax = 200_000;
  const spool = await sampleSpool(t, { directory: temporaryDirectory(t), bytesMax, segmentBytesMax: 16_384 });
  const levels = new Set<string>([spool.usage().level]);
  let open = 0;
  await assert.rejects(
    async () => {
      for (;;) {
        await spool.append(sampleIntent(open));
        open += 1;
        levels.add(spool.usage().level);
      }
    },
    { kind: "unavailable", code: "audit.spool_full" },
  );
  assert.deepEqual([...levels], ["ok", "warn", "full"]);
  assert.equal(spool.failure(), undefined);
  await assert.rejects(spool.append(sampleIntent(1000)), { code: "audit.spool_full" });
  // The longest outcome there is, for each of them.
  for (let at = 0; at < open; at += 1)
    await spool.append({ ...sampleOutcome(at), reason: "\u0001".repeat(2048) });
  const { bytes, records } = spool.usage();
  assert.ok(open >= 10 && bytes <= bytesMax, `${open} ${bytes}`);
  assert.equal(records, 2 * open);
  await spool.acknowledge({ epoch: 1, covered: 2 * open });
  await spool.append(sampleIntent(1001));
});

test("no outcome takes more room than is kept for one", () => {
  const outcome = {
    ...sampleOutcome(1),
    event_id: "e".repeat(128),
    reason: "\u0001".repeat(2048),
    latency_ms: Number.MAX_SAFE_INTEGER,
    upstream_status: Number.MAX_SAFE_INTEGER,
    cost_micros: Number.MAX_SAFE_INTEGER,
  };
  assert.ok(JSON.stringify(outcome).length + 48 <= OUTCOME_BYTES_MAX);
});

test("a record that is too large or has no canonical form is refused and leaves no hole", async (t) => {
  const spool = await sampleSpool(t, { directory: temporaryDirectory(t) });
  const event = { ...sampleEvent(1), reason: "x".repeat(40_000) };
  await assert.rejects(spool.append({ kind: "event", event, args_salt: "" }), {
    code: "audit.record_too_large",
  });
  const bad = { ...sampleEvent(1), reason: "\ud800" };
  await assert.rejects(spool.append({ kind: "event", event: bad, args_salt: "" }), {
    code: "audit.not_canonical",
  });
  assert.equal((await spool.append(sampleDenial(1))).sequence, 1);
});

test("closing waits for what was appended and refuses what comes after", async (t) => {
  const directory = temporaryDirectory(t);
  for (const [epoch, durability] of [
    [1, "os"],
    [2, "disk"],
  ] as const) {
    const spool = await sampleSpool(t, { directory, epoch, durability });
    const appended = spool.append(sampleDenial(epoch));
    await spool.close();
    await appended;
    await assert.rejects(spool.append(sampleDenial(9)), { code: "audit.spool_closed" });
    await assert.rejects(spool.acknowledge({ epoch, covered: 1 }), { code: "audit.spool_closed" });
  }
  const spool = await sampleSpool(t, { directory, epoch: 3 });
  assert.deepEqual(titlesOf(await drain(spool)), ["1/1 event event-1", "2/1 event event-2"]);
});

test("an epoch must be higher than all that were there, even if nothing of them is left", async (t) => {
  const directory = temporaryDirectory(t);
  const spool = await sampleSpool(t, { directory, epoch: 7 });
  await spool.append(sampleDenial(1));
  await spool.close();
  for (const epoch of [0, -1, 1.5, 6, 7, 10 ** 12]) {
    await assert.rejects(sampleSpool(t, { directory, epoch }), { code: "audit.spool_epoch" });
  }
  const next = await sampleSpool(t, { directory, epoch: 8 });
  await next.acknowledge({ epoch: 7, covered: 1 });
  await next.close();
  await assert.rejects(sampleSpool(t, { directory, epoch: 7 }), { code: "audit.spool_epoch" });
});

test("the spool of another sidecar is refused and left alone", async (t) => {
  const directory = temporaryDirectory(t);
  const spool = await sampleSpool(t, { directory });
  await spool.append(sampleDenial(1));
  await spool.close();
  const before = readdirSync(directory);
  const other = { directory, epoch: 2, sidecarId: "sidecar-2" };
  await assert.rejects(sampleSpool(t, other), { kind: "precondition", code: "audit.spool_foreign" });
  assert.deepEqual(readdirSync(directory), before);
});

test("a segment has exactly the published bytes", async (t) => {
  const directory = temporaryDirectory(t);
  const spool = await sampleSpool(t, { directory, sidecarId: "s1", epoch: 258 });
  await spool.append(sampleOutcome(1));
  const bytes = readFileSync(join(directory, "000000000258-0000000000000001.segment"));
  const header = bytes.subarray(0, 68);
  assert.equal(header.toString("latin1", 0, 8), "PSTNSPOL");
  assert.equal(
    header.toString("hex", 8, 28),
    ["0001", "0044", "0000000000000102", "0000000000000001"].join(""),
  );
  assert.equal(header.toString("hex", 28, 64), `${ZERO_HASH}00027331`);
  const json = JSON.stringify(sampleOutcome(1), Object.keys(sampleOutcome(1)).sort());
  assert.equal(bytes.readUInt32BE(68), 40 + json.length);
  assert.equal(bytes.toString("hex", 76, 116), `0000000000000001${ZERO_HASH}`);
  assert.equal(bytes.toString("utf8", 116), json);
});
