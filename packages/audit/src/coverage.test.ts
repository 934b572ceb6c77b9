import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChainEntry } from "@postern/contracts";
import fc from "fast-check";
import { chainEntry } from "./chain.ts";
import { exportCheckpointLine, exportLine, readExport } from "./export.ts";
import { ZERO_HASH } from "./hash.ts";
import { sampleChain, sampleEvent } from "./sample-event.ts";
import { chain, checkpointAt, pinned } from "./signed-log.fixture.ts";
import { verifyChain, verifyExport } from "./verify-chain.ts";

test("an empty chain verifies under a signed checkpoint of size 0, and without one it is nothing", async () => {
  assert.equal((await verifyExport([])).problem, "empty");
  assert.equal((await verifyChain([], pinned)).problem, "empty");
  assert.equal((await verifyChain([])).head.hash, ZERO_HASH);
  const report = await verifyChain([], { ...pinned, checkpoint: await checkpointAt(0) });
  assert.deepEqual([report.verified, report.signature, report.coveredEvents], [true, "verified", 0]);
  const line = exportCheckpointLine(await checkpointAt(0));
  assert.equal((await verifyExport([line], pinned)).problem, undefined);
});

const lines = chain.map(exportLine);
const line10 = exportCheckpointLine(await checkpointAt(10));
const line20 = exportCheckpointLine(await checkpointAt(20));
const forgedTail = sampleTail(7, chain[6]?.hash ?? "", sampleEvent(99)).map(exportLine);
const forged20 = exportLine(chainEntry(20, chain[19]?.hash ?? "", sampleEvent(99)));

/** What a forger without the key can do to an export: all of it is chained soundly, and none of it is signed. */
const FORGED: [what: string, text: string, problem: string, firstUncovered: number][] = [
  [
    "a log rewritten from an event on, its checkpoint taken out",
    [...lines.slice(0, 7), ...forgedTail].join(""),
    "unsigned",
    0,
  ],
  ["an end cut off together with the checkpoint", lines.slice(0, 15).join(""), "unsigned", 0],
  ["an event added after the checkpoint", [...lines, line20, forged20].join(""), "uncovered", 20],
  [
    "an end rewritten after an earlier checkpoint",
    [
      ...lines.slice(0, 10),
      line10,
      ...sampleTail(10, chain[9]?.hash ?? "", sampleEvent(99)).map(exportLine),
    ].join(""),
    "uncovered",
    10,
  ],
];
for (const [what, text, problem, firstUncovered] of FORGED) {
  test(`with a pinned key, ${what} is not verified and the first uncovered event is named`, async () => {
    const report = await verifyExport([text], pinned);
    assert.equal(report.problem, problem);
    assert.equal(report.verified, false);
    assert.equal(report.firstUncovered?.index, firstUncovered);
    assert.equal(report.coveredEvents, firstUncovered);
    assert.equal(report.signature, firstUncovered === 0 ? "none" : "verified");
    const id = await Array.fromAsync(readExport([text])).then((items) =>
      items.flatMap((item) => (item.kind === "entry" ? [item.entry] : [])).at(firstUncovered),
    );
    assert.equal(report.firstUncovered?.eventId, id?.event.event_id);
    const unpinned = await verifyExport([text]);
    assert.deepEqual(
      [unpinned.verified, unpinned.coveredEvents, unpinned.firstUncovered],
      [true, 0, undefined],
    );
    assert.notEqual(unpinned.signature, "verified");
  });
}

test("with a pinned key, no export verifies whose entries are not exactly those that were signed", async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 3 });
  const cut = fc.integer({ min: 0, max: 20 });
  await fc.assert(
    fc.asyncProperty(sizes, cut, fc.boolean(), async (signed, length, isForged) => {
      const text: string[] = [];
      for (let size = 0; size <= length; size += 1) {
        if (signed.includes(size)) text.push(exportCheckpointLine(await checkpointAt(size)));
        if (size < length) text.push(lines[size] ?? "");
      }
      const end = chain[length - 1]?.hash ?? ZERO_HASH;
      if (isForged) text.push(exportLine(chainEntry(length, end, sampleEvent(99))));
      const report = await verifyExport([text.join("")], pinned);
      assert.equal(report.verified, !isForged && signed.includes(length));
      const covered = signed.filter((size) => size <= length);
      assert.equal(report.coveredEvents, Math.max(0, ...covered));
    }),
    { numRuns: 200 },
  );
});

test("a checkpoint of an earlier size covers as many entries, and the later ones are uncovered", async () => {
  for (const size of [0, 1, 13, 19]) {
    const earlier = await checkpointAt(size);
    const report = await verifyChain(chain, { ...pinned, checkpoint: earlier });
    assert.equal(report.problem, "uncovered");
    assert.deepEqual([report.coveredEvents, report.firstUncovered?.index], [size, size]);
    assert.ok((await verifyChain(chain, { checkpoint: earlier })).verified);
    // Another checkpoint, inside the export, covers the rest.
    assert.equal(
      (await verifyExport([...lines, line20], { ...pinned, checkpoint: earlier })).problem,
      undefined,
    );
    const wrong = await checkpointAt(size, sampleChain(0));
    if (size > 0) {
      assert.equal((await verifyChain(chain, { ...pinned, checkpoint: wrong })).problem, "checkpoint");
    }
  }
});

function sampleTail(index: number, previousHash: string, event: ChainEntry["event"]): ChainEntry[] {
  const tail: ChainEntry[] = [];
  for (let at = index; at < 20; at += 1) {
    const before = tail.at(-1)?.hash ?? previousHash;
    tail.push(chainEntry(at, before, { ...event, event_id: `forged-${at}` }));
  }
  return tail;
}
