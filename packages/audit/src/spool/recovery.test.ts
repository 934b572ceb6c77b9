// Whatever happens to the files, recovery keeps every sound record, believes no other, loses no byte and says what is gone.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { type TestScope, temporaryDirectory } from "@postern/testkit";
import fc from "fast-check";
import { sampleDenial, sampleIntent, sampleOutcome } from "../sample-event.ts";
import { failingDevice } from "./failing-device.ts";
import { readFrame } from "./frame.ts";
import { drain, hastyDevice, type PlacedRecord, sampleSpool, titlesOf } from "./sample-spool.ts";
import { decodeHeader } from "./segment.ts";
import type { RecoveryReport } from "./spool.ts";

interface Fixture {
  readonly files: ReadonlyMap<string, Buffer>;
  readonly records: readonly PlacedRecord[];
}

interface Outcome {
  readonly records: readonly PlacedRecord[];
  readonly recovery: RecoveryReport;
  readonly bytesSetAside: number;
}

/** A closed spool of two epochs, in memory. */
async function fixture(scope: TestScope, recordsPerEpoch: number, segmentBytesMax: number): Promise<Fixture> {
  const directory = temporaryDirectory(scope);
  let records: PlacedRecord[] = [];
  for (const epoch of [1, 2]) {
    const spool = await sampleSpool(scope, { directory, epoch, segmentBytesMax, device: hastyDevice });
    for (let at = 0; at < recordsPerEpoch; at += 1) await spool.append(sampleDenial(epoch * 1000 + at));
    records = await drain(spool);
    await spool.close();
  }
  const files = readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))] as const);
  return { files: new Map(files), records };
}

/**
 * Opens a copy of the fixture as epoch 3, after `damage`, and then once more to see that nothing is left to repair. Lost ends are in the
 * report; that each is recorded as well is seen here.
 */
async function recoverFrom(
  scope: TestScope,
  { files }: Fixture,
  damage: (directory: string) => void,
): Promise<Outcome> {
  const directory = temporaryDirectory({ after: (hook) => scope.after(hook) });
  for (const [name, bytes] of files) writeFileSync(join(directory, name), bytes);
  damage(directory);
  const spool = await sampleSpool({ after: () => {} }, { directory, epoch: 3, device: hastyDevice });
  const [drained, { recovery }] = [await drain(spool), spool];
  await spool.close();
  const records = drained.filter(({ body }) => body.kind !== "lost_end");
  assert.deepEqual(
    drained.flatMap(({ body }) => (body.kind === "lost_end" ? [{ epoch: body.epoch, from: body.from }] : [])),
    recovery.missing.flatMap(({ epoch, from, to }) => (to === undefined ? [{ epoch, from }] : [])),
  );
  const again = await sampleSpool({ after: () => {} }, { directory, epoch: 4, device: hastyDevice });
  assert.deepEqual(again.recovery.setAside, []);
  assert.deepEqual(await drain(again), drained);
  await again.close();
  const quarantined = readdirSync(directory).filter((name) => name.endsWith(".quarantined"));
  assert.deepEqual(quarantined.sort(), recovery.setAside.map(({ file }) => file).sort());
  const bytesSetAside = quarantined.reduce(
    (sum, name) => sum + readFileSync(join(directory, name)).length,
    0,
  );
  rmSync(directory, { recursive: true });
  return { records, recovery, bytesSetAside };
}

const segmentNames = ({ files }: Fixture) =>
  [...files.keys()].filter((name) => name.endsWith(".segment")).sort();

/** Where each frame of a segment starts, and the end of the last. */
function frameEnds(bytes: Buffer): number[] {
  const ends = [decodeHeader(bytes)?.headerBytes ?? 0];
  for (let frame = readFrame(bytes, ends[0] ?? 0); frame !== undefined; frame = readFrame(bytes, frame.end)) {
    ends.push(frame.end);
  }
  return ends;
}

/** The fixture's records except the given ones of epoch 2. */
function without(all: readonly PlacedRecord[], gone: (sequence: number) => boolean): readonly PlacedRecord[] {
  return all.filter(({ epoch, sequence }) => epoch === 1 || !gone(sequence));
}

test("a segment cut at any byte keeps every whole record before the cut", async (t) => {
  const made = await fixture(t, 3, 1 << 20);
  const name = segmentNames(made)[1] ?? "";
  const bytes = made.files.get(name) ?? Buffer.alloc(0);
  const ends = frameEnds(bytes);
  assert.equal(ends.length, 4);
  // Every byte is cut at in scan.test.ts; here some of them, on real files.
  const cuts = ends.concat(Array.from({ length: 150 }, (_, at) => Math.floor((at * bytes.length) / 150)));
  for (const [trial, cut] of cuts.entries()) {
    const garbage = Buffer.alloc(trial % 3 === 0 ? trial : 0, trial);
    const { records, recovery, bytesSetAside } = await recoverFrom(t, made, (directory) =>
      writeFileSync(join(directory, name), Buffer.concat([bytes.subarray(0, cut), garbage])),
    );
    const whole = ends.findLastIndex((end) => end <= cut);
    assert.deepEqual(
      records,
      without(made.records, (sequence) => sequence > whole),
      `cut at ${cut}`,
    );
    assert.equal(bytesSetAside, cut + garbage.length - (ends[whole] ?? 0), `cut at ${cut}`);
    if (garbage.length > 0) continue;
    assert.ok(recovery.setAside.every(({ unfinished }) => unfinished));
    assert.deepEqual(recovery.missing, []);
  }
});

test("one flipped bit anywhere is noticed, costs one record at most, and that one is told", async (t) => {
  const made = await fixture(t, 8, 3000);
  for (const name of segmentNames(made)) {
    const sound = made.files.get(name) ?? Buffer.alloc(0);
    for (let at = 0; at < sound.length; at += 97) {
      const { records, recovery } = await recoverFrom(t, made, (directory) => {
        const bytes = Buffer.from(sound);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
        writeFileSync(join(directory, name), bytes);
      });
      const kept = new Set(titlesOf(records));
      const gone = made.records.filter((record) => !titlesOf([record]).every((title) => kept.has(title)));
      assert.deepEqual(
        records,
        made.records.filter((record) => !gone.includes(record)),
      );
      assert.equal(recovery.setAside.length, 1, `${name} at ${at}`);
      assert.ok(gone.length <= 1);
      for (const { epoch, sequence } of gone) {
        // Damage that reaches the end of an epoch may look like a write that was never finished, and may hide more than one record.
        const told = { epoch, from: sequence, to: sequence === 8 ? undefined : sequence };
        assert.deepEqual(recovery.missing, recovery.setAside[0]?.unfinished ? [] : [told]);
      }
    }
  }
});

test("whatever is written over a segment, nothing false is accepted and no other segment suffers", async (t) => {
  const made = await fixture(t, 8, 3000);
  const names = segmentNames(made);
  const known = new Set(made.records.map((record) => JSON.stringify(record)));
  const damage = fc.record({
    name: fc.constantFrom(...names),
    pieces: fc.array(
      fc.record({ at: fc.nat(4000), bytes: fc.uint8Array({ minLength: 1, maxLength: 600, size: "max" }) }),
      { minLength: 1, maxLength: 4 },
    ),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ name, pieces }) => {
      const { records } = await recoverFrom(t, made, (directory) => {
        const bytes = Buffer.from(made.files.get(name) ?? "");
        for (const piece of pieces) Buffer.from(piece.bytes).copy(bytes, piece.at % bytes.length);
        writeFileSync(join(directory, name), bytes);
      });
      for (const record of records) assert.ok(known.has(JSON.stringify(record)));
      const kept = new Set(records.map((record) => JSON.stringify(record)));
      const untouched = elsewhere(made, name);
      for (const record of untouched) assert.ok(kept.has(JSON.stringify(record)));
    }),
    { numRuns: 60 },
  );
});

/** Records that live in other segments than the named one. */
function elsewhere(made: Fixture, name: string): readonly PlacedRecord[] {
  const names = segmentNames(made);
  const [epoch, first] = [Number(name.slice(0, 12)), Number(name.slice(13, 29))];
  const next = names[names.indexOf(name) + 1] ?? "";
  const end = Number(next.slice(0, 12)) === epoch ? Number(next.slice(13, 29)) : Number.POSITIVE_INFINITY;
  return made.records.filter((r) => r.epoch !== epoch || r.sequence < first || r.sequence >= end);
}

test("a record that was changed together with its checksum is caught by the hash link", async (t) => {
  for (const segmentBytesMax of [1 << 20, 1]) {
    const made = await fixture(t, 5, segmentBytesMax);
    const name = segmentNames(made).find((candidate) =>
      segmentBytesMax === 1
        ? candidate.startsWith("000000000002-0000000000000003")
        : candidate.startsWith("000000000002"),
    );
    const { records, recovery } = await recoverFrom(t, made, (directory) => {
      const bytes = Buffer.from(made.files.get(name ?? "") ?? "");
      const start = frameEnds(bytes)[segmentBytesMax === 1 ? 0 : 2] ?? 0;
      const frame = readFrame(bytes, start) ?? assert.fail();
      frame.payload[frame.payload.indexOf("block")] = 0x42;
      bytes.writeUInt32BE(crc32(frame.payload, crc32(bytes.subarray(start, start + 4))), start + 4);
      assert.ok(readFrame(bytes, start));
      writeFileSync(join(directory, name ?? ""), bytes);
    });
    assert.deepEqual(
      records,
      without(made.records, (sequence) => sequence === 3),
    );
    assert.deepEqual(recovery.missing, [{ epoch: 2, from: 3, to: 3 }]);
  }
});

test("a segment that vanished is told, and what was acknowledged is not", async (t) => {
  const made = await fixture(t, 12, 3000);
  const [, second = "", third = ""] = segmentNames(made).filter((name) => name.startsWith("000000000002"));
  const [from, to] = [Number(second.slice(13, 29)), Number(third.slice(13, 29)) - 1];
  const lost = await recoverFrom(t, made, (directory) => rmSync(join(directory, second)));
  assert.deepEqual(lost.recovery.missing, [{ epoch: 2, from, to }]);
  const cursor = (covered: number) => (directory: string) => {
    rmSync(join(directory, second));
    const text = JSON.stringify({ format: 1, sidecar_id: "sidecar-1", epoch: 2, covered: { 2: covered } });
    writeFileSync(join(directory, "cursor.json"), text);
  };
  assert.deepEqual((await recoverFrom(t, made, cursor(to - 1))).recovery.missing, [
    { epoch: 2, from: to, to },
  ]);
  assert.deepEqual((await recoverFrom(t, made, cursor(to))).recovery.missing, []);
});

test("a lost or damaged cursor is told; everything that is there is shipped again", async (t) => {
  const made = await fixture(t, 5, 3000);
  for (const text of [
    undefined,
    "",
    "{",
    "[]",
    '{"format":1}',
    '{"format":1,"sidecar_id":"sidecar-1","epoch":-1,"covered":{}}',
  ]) {
    const { records, recovery } = await recoverFrom(t, made, (directory) => {
      rmSync(join(directory, "cursor.json"));
      if (text !== undefined) writeFileSync(join(directory, "cursor.json"), text);
    });
    assert.deepEqual(records, made.records);
    assert.deepEqual([recovery.cursorLost, recovery.missing], [true, []]);
  }
});

test("a segment renamed into another place is not believed there", async (t) => {
  const made = await fixture(t, 5, 1 << 20);
  const [one = "", two = ""] = segmentNames(made);
  const epochs = await recoverFrom(t, made, (directory) => {
    renameSync(join(directory, two), join(directory, one));
  });
  assert.deepEqual(epochs.records, []);
  const copied = await recoverFrom(t, made, (directory) => {
    writeFileSync(join(directory, "000000000002-0000000000000003.segment"), made.files.get(two) ?? "");
  });
  assert.deepEqual(copied.records, made.records);
});

test("a spool of a newer format is refused and left as it is", async (t) => {
  const made = await fixture(t, 2, 1 << 20);
  const [name = ""] = segmentNames(made);
  const directory = temporaryDirectory(t);
  const bytes = Buffer.from(made.files.get(name) ?? "");
  const headerBytes = decodeHeader(bytes)?.headerBytes ?? 0;
  bytes.writeUInt16BE(2, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, headerBytes - 4)), headerBytes - 4);
  writeFileSync(join(directory, name), bytes);
  await assert.rejects(sampleSpool(t, { directory, epoch: 3 }), { code: "audit.spool_version" });
  assert.deepEqual(readdirSync(directory), [name]);
  assert.deepEqual(readFileSync(join(directory, name)), bytes);
  rmSync(join(directory, name));
  writeFileSync(join(directory, "cursor.json"), '{"format":2,"covered":{}}');
  await assert.rejects(sampleSpool(t, { directory, epoch: 3 }), { code: "audit.spool_version" });
});

test("a crash at any step of a recovery is recovered from", async (t) => {
  const made = await fixture(t, 8, 1 << 20);
  const name = segmentNames(made)[1] ?? "";
  const bytes = Buffer.from(made.files.get(name) ?? "");
  const ends = frameEnds(bytes);
  for (const at of [2, 5]) bytes.fill(0xff, (ends[at] ?? 0) + 20, (ends[at] ?? 0) + 40);
  const wanted = without(made.records, (sequence) => [3, 6].includes(sequence));
  let crashes = 0;
  for (let step = 1; ; step += 1) {
    const directory = join(temporaryDirectory(t), "spool");
    mkdirSync(directory);
    for (const [file, content] of made.files)
      writeFileSync(join(directory, file), file === name ? bytes : content);
    const { device, operations } = failingDevice(step, "EIO");
    const opened = sampleSpool({ after: () => {} }, { directory, epoch: 3, device });
    const crashed = await opened
      .then((spool) => spool.close())
      .then(
        () => false,
        (fault: { code?: string }) => fault.code === "audit.spool_failed",
      );
    if (crashed) crashes += 1;
    const spool = await sampleSpool(t, { directory, epoch: 4, device: hastyDevice });
    assert.deepEqual(await drain(spool), wanted, `step ${step}`);
    await spool.close();
    if (operations() < step) break;
  }
  assert.ok(crashes >= 15, `${crashes}`);
});

test("calls are closed by what survives: a lost outcome is unknown, a lost intent is not made up", async (t) => {
  const directory = temporaryDirectory(t);
  const first = await sampleSpool(t, { directory, device: hastyDevice });
  for (const body of [sampleIntent(1), sampleIntent(2), sampleOutcome(1), sampleOutcome(2)])
    await first.append(body);
  await first.close();
  const path = join(directory, "000000000001-0000000000000001.segment");
  const bytes = readFileSync(path);
  const ends = frameEnds(bytes);
  for (const at of [1, 2]) bytes.writeUInt8(0xff, (ends[at] ?? 0) + 60);
  writeFileSync(path, bytes);
  const second = await sampleSpool(t, { directory, epoch: 2, device: hastyDevice });
  assert.deepEqual(titlesOf(await drain(second)), [
    "1/1 intent event-1",
    "1/4 outcome event-2",
    "2/1 outcome event-1",
  ]);
  assert.deepEqual(second.recovery.missing, [{ epoch: 1, from: 2, to: 3 }]);
});

test("a record that rots while the spool is open is not shipped", async (t) => {
  const directory = temporaryDirectory(t);
  const spool = await sampleSpool(t, { directory, device: hastyDevice });
  for (let at = 0; at < 3; at += 1) await spool.append(sampleDenial(at));
  const path = join(directory, "000000000001-0000000000000001.segment");
  const bytes = readFileSync(path);
  bytes.writeUInt8(0xff, (frameEnds(bytes)[1] ?? 0) + 60);
  writeFileSync(path, bytes);
  assert.equal((await spool.read({ epoch: 0, sequence: 0 }, 10))?.records.length, 1);
  await assert.rejects(spool.read({ epoch: 1, sequence: 1 }, 10), { code: "audit.spool_corrupt" });
});
