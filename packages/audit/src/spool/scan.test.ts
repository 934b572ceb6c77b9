import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { ZERO_HASH } from "../hash.ts";
import {
  FRAME_OVERHEAD_BYTES,
  type Frame,
  findFrame,
  frameBody,
  frameHash,
  readFrame,
  writeFrame,
} from "./frame.ts";
import { type Scan, scanSegment } from "./scan.ts";
import { encodeHeader, type SegmentFile } from "./segment.ts";

const file: SegmentFile = { path: "", name: "", epoch: 1, firstSequence: 1 };
const header = encodeHeader({ sidecarId: "s", epoch: 1, firstSequence: 1, previousHash: ZERO_HASH });
const bodies = Array.from(
  { length: 12 },
  (_, at) => `{"kind":"body","number":${at},"text":"${"x".repeat(at * 9)}"}`,
);
const { segment, ends } = buildSegment(bodies);

function buildSegment(texts: readonly string[]): { segment: Buffer; ends: number[] } {
  const bytes = Buffer.alloc(65_536);
  const ends = [header.copy(bytes)];
  let previousHash = ZERO_HASH;
  for (const [at, bodyJson] of texts.entries()) {
    const { end, hash } = writeFrame(bytes, ends.at(-1) ?? 0, { sequence: at + 1, previousHash, bodyJson });
    ends.push(end);
    previousHash = hash;
  }
  return { segment: bytes.subarray(0, ends.at(-1)), ends };
}

test("a frame is read as it was written, whatever its number, link and body", () => {
  const sequence = fc.oneof(
    fc.constantFrom(1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1),
    fc.nat({ max: 2 ** 53 - 1 }),
  );
  fc.assert(
    fc.property(
      sequence,
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.string({ unit: "grapheme" }),
      (number, link, bodyJson) => {
        const bytes = Buffer.alloc(4096, 0xff);
        const previousHash = Buffer.from(link).toString("hex");
        const { end, hash } = writeFrame(bytes, 7, { sequence: number, previousHash, bodyJson });
        const frame = readFrame(bytes, 7) ?? assert.fail();
        assert.deepEqual(
          [frame.end, frame.sequence, frame.previousHash, frameBody(frame)],
          [end, number, previousHash, bodyJson],
        );
        assert.equal(frameHash(frame), hash);
        assert.equal(bytes.readBigUInt64BE(15), BigInt(number));
        assert.equal(bytes.readUInt32BE(11), crc32(bytes.subarray(15, end), crc32(bytes.subarray(7, 11))));
      },
    ),
  );
});

const framesOf = (scan: Scan): readonly Frame[] => scan.runs.flat();
const bodiesOf = (scan: Scan): string[] => framesOf(scan).map(frameBody);

/** Frames, cuts and, if it is sound, the header make up the file: no byte is both or neither. */
function assertComplete(scan: Scan, bytes: Buffer): void {
  const parts = [...framesOf(scan), ...scan.cuts].sort((a, b) => a.start - b.start);
  let at = scan.headerBytes;
  for (const { start, end } of parts) {
    assert.equal(start, at);
    at = end;
  }
  assert.equal(at, bytes.length);
}

test("a sound segment is clean, and an empty one too", () => {
  const scan = scanSegment(segment, file);
  assert.ok(scan.clean);
  assert.deepEqual(bodiesOf(scan), bodies);
  assert.ok(scanSegment(header, file).clean);
  assert.ok(!scanSegment(Buffer.alloc(0), file).clean);
});

test("a cut at any byte leaves every whole record before it, and the rest is an unfinished write", () => {
  for (let cut = 0; cut < segment.length; cut += 1) {
    const bytes = segment.subarray(0, cut);
    const scan = scanSegment(bytes, file);
    const whole = ends.filter((end) => end <= cut).length - 1;
    assert.deepEqual(bodiesOf(scan), bodies.slice(0, Math.max(0, whole)));
    assert.equal(scan.clean, ends.includes(cut));
    assert.ok(
      scan.cuts.every(({ unfinished }) => unfinished),
      `cut at ${cut}`,
    );
    assertComplete(scan, bytes);
  }
});

test("a file that was made longer before its bytes arrived ends in zeros, and that is an unfinished write", () => {
  for (const zeros of [1, 8, 48, 4096]) {
    const scan = scanSegment(Buffer.concat([segment, Buffer.alloc(zeros)]), file);
    assert.deepEqual(bodiesOf(scan), bodies);
    assert.deepEqual(scan.cuts, [{ start: segment.length, end: segment.length + zeros, unfinished: true }]);
  }
});

test("every single flipped bit is noticed, and costs at most the record it is in", () => {
  for (let bit = 0; bit < segment.length * 8; bit += 1) {
    const at = bit >> 3;
    const bytes = Buffer.from(segment);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
    const scan = scanSegment(bytes, file);
    assert.ok(!scan.clean, `bit ${bit}`);
    const hit = ends.filter((end) => end <= at).length - 1;
    assert.deepEqual(
      bodiesOf(scan),
      bodies.filter((_, number) => number !== hit),
    );
    assertComplete(scan, bytes);
  }
});

test("records taken out, repeated or put in another order are never read as one run", () => {
  const frames = ends.slice(0, -1).map((start, at) => segment.subarray(start, ends[at + 1]));
  const built = (order: readonly number[]) =>
    Buffer.concat([header, ...order.map((at) => frames[at] ?? Buffer.alloc(0))]);
  const orders = fc.array(fc.nat(frames.length - 1), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(orders, (order) => {
      const bytes = built(order);
      const scan = scanSegment(bytes, file);
      const sequences = framesOf(scan).map(({ sequence }) => sequence);
      assert.ok(sequences.every((sequence, at) => at === 0 || sequence > (sequences[at - 1] ?? 0)));
      assert.equal(
        scan.clean,
        order.every((number, at) => number === at),
      );
      assertComplete(scan, bytes);
    }),
  );
});

test("any bytes at all can be scanned, and bytes between sound frames are cut out", () => {
  const noise = fc.uint8Array({ maxLength: 300, size: "max" });
  fc.assert(
    fc.property(noise, fc.nat(bodies.length), (bytes, at) => {
      assertComplete(scanSegment(Buffer.from(bytes), file), Buffer.from(bytes));
      const place = ends[at] ?? 0;
      const padded = Buffer.concat([segment.subarray(0, place), bytes, segment.subarray(place)]);
      const scan = scanSegment(padded, file);
      assert.deepEqual(bodiesOf(scan), bodies);
      assertComplete(scan, padded);
    }),
  );
});

test("text that an agent chose can never be taken for a frame", () => {
  const inner = segment.toString("latin1");
  const { segment: outer, ends: outerEnds } = buildSegment([JSON.stringify(inner), '{"a":1}']);
  assert.equal(findFrame(outer, (outerEnds[0] ?? 0) + 1)?.start, outerEnds[1]);
});

test("a frame that claims an impossible length is no frame", () => {
  for (const length of [0, 39, 65_536, 0x7fffffff, 0xffffffff]) {
    const bytes = Buffer.from(segment);
    bytes.writeUInt32BE(length, header.length);
    assert.equal(readFrame(bytes, header.length), undefined);
  }
  assert.equal(
    readFrame(segment.subarray(0, header.length + FRAME_OVERHEAD_BYTES - 1), header.length),
    undefined,
  );
});
