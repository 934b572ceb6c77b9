import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChainEntry } from "@postern/contracts";
import { generateKeyPair, importSigningKey } from "@postern/signing";
import fc from "fast-check";
import { chainEntry } from "./chain.ts";
import { signCheckpoint } from "./checkpoint.ts";
import { exportCheckpointLine, exportLine, readExport } from "./export.ts";
import { ZERO_HASH } from "./hash.ts";
import { createTree, rootOf } from "./merkle/tree.ts";
import { sampleChain, sampleEvent } from "./sample-event.ts";
import { chain, checkpointAt, key, origin, pinned } from "./signed-log.fixture.ts";
import { type ChainReport, verifyChain, verifyExport } from "./verify-chain.ts";

const checkpoint = await checkpointAt(20);
const lines = chain.map(exportLine);
const line10 = exportCheckpointLine(await checkpointAt(10));
const line20 = exportCheckpointLine(checkpoint);
const exported = chain.map(exportLine).join("") + exportCheckpointLine(checkpoint);

/** What a report says was found: the problem of the entry, or of the checkpoint, or of the log, or nothing. */
function found(report: ChainReport): string {
  assert.equal(report.verified, report.problem === undefined);
  return report.firstBroken?.problem ?? report.checkpoint?.problem ?? report.problem ?? "";
}

test("a sound chain and its export verify, and both reports name the same head", async () => {
  const stored = await verifyChain(chain, { ...pinned, checkpoint });
  const report = await verifyExport([exported], pinned);
  assert.equal(stored.verified, true);
  assert.deepEqual(report, stored);
  assert.equal(report.eventsChecked, 20);
  assert.equal(report.head.hash, chain.at(-1)?.hash);
  assert.deepEqual(report.checkpoint, { verified: true, signature: "valid", origin, size: 20 });
  assert.deepEqual([report.signature, report.coveredEvents], ["verified", 20]);
});

test("the first event at which a chain breaks is named, whatever was done to it", async () => {
  const other = sampleEvent(99);
  const at = (index: number): ChainEntry => chain[index] ?? assert.fail();
  const rehashed = chainEntry(7, at(7).prev_hash, { ...at(7).event, decision: "block" });
  const forkedTail = sampleTail(7, at(6).hash, other);
  const cases: [what: string, entries: ChainEntry[], problem: string, index: number][] = [
    [
      "an event edited",
      chain.with(7, { ...at(7), event: { ...at(7).event, tool: "rm" } }),
      "hash_mismatch",
      7,
    ],
    ["a hash edited", chain.with(7, { ...at(7), hash: ZERO_HASH }), "hash_mismatch", 7],
    ["an event edited and hashed again", chain.with(7, rehashed), "link_broken", 8],
    ["a link edited", chain.with(7, { ...at(7), prev_hash: ZERO_HASH }), "link_broken", 7],
    ["an entry removed", chain.toSpliced(7, 1), "index_gap", 7],
    ["an entry inserted", chain.toSpliced(7, 0, chainEntry(7, at(6).hash, other)), "index_gap", 8],
    ["two entries swapped", chain.with(7, at(8)).with(8, at(7)), "index_gap", 7],
    ["an entry repeated", chain.toSpliced(8, 0, at(7)), "index_gap", 8],
    ["the beginning removed", chain.slice(3), "index_gap", 0],
    [
      "an id used twice",
      [...chain.slice(0, 7), chainEntry(7, at(6).hash, at(2).event)],
      "duplicate_event_id",
      7,
    ],
    [
      "another tenant's event",
      [...chain.slice(0, 7), chainEntry(7, at(6).hash, { ...other, tenant: "evil" })],
      "foreign_tenant",
      7,
    ],
    [
      "a field added beside the event",
      chain.with(7, { ...at(7), note: 1 } as unknown as ChainEntry),
      "malformed",
      7,
    ],
    ["no event", chain.with(7, { ...at(7), event: undefined } as unknown as ChainEntry), "malformed", 7],
    [
      "half a character",
      chain.with(7, { ...at(7), event: { ...at(7).event, tool: "\ud800" } }),
      "malformed",
      7,
    ],
    ["the rest rewritten", [...chain.slice(0, 7), ...forkedTail], "root_mismatch", -1],
  ];
  for (const [what, entries, problem, index] of cases) {
    const report = await verifyChain(entries, { ...pinned, checkpoint });
    assert.equal(found(report), problem, what);
    assert.equal(report.firstBroken?.index ?? -1, index, what);
    if (index >= 0) assert.equal(report.eventsChecked, index, what);
    if (index >= 0 && problem !== "malformed") {
      assert.equal(report.firstBroken?.eventId, entries[index]?.event.event_id, what);
    }
  }
});

test("a tail that was cut off is found by the checkpoint, and only by it", async () => {
  const cut = chain.slice(0, 15);
  assert.equal(found(await verifyChain(cut)), "");
  const report = await verifyChain(cut, { ...pinned, checkpoint });
  assert.equal(found(report), "entries_missing");
  assert.match(report.checkpoint?.detail ?? "", /covers 20 entries, but the log ends after 15/);
});

test("a key that is none is refused, even where nothing is signed", async () => {
  const refused = { kind: "invalid", code: "audit.pinned_key" };
  await assert.rejects(verifyExport(lines, { publicKey: "nonsense" }), refused);
  await assert.rejects(verifyExport([], { publicKey: key.publicKey }), refused);
});

test("a checkpoint that is not the pinned log's is not believed", async () => {
  const stranger = await importSigningKey((await generateKeyPair()).secretKey);
  const forged = await signCheckpoint({ origin, size: 20, key: stranger, rootHash: rootOf([]) });
  assert.equal(found(await verifyChain(chain, { ...pinned, checkpoint: forged })), "unsigned");
  assert.equal(
    found(await verifyChain(chain, { publicKey: key.publicKey, origin: "o", checkpoint })),
    "wrong_origin",
  );
  assert.equal(found(await verifyChain(chain, { ...pinned, checkpoint: "nonsense" })), "malformed");
  assert.equal(found(await verifyExport([exportCheckpointLine("nonsense")])), "malformed");
});

test("without a pinned key the report says that no signature was checked", async () => {
  const report = await verifyExport([exported]);
  assert.equal(report.verified, true);
  assert.equal(report.checkpoint?.signature, "unchecked");
  assert.deepEqual([report.signature, report.coveredEvents], ["not_checked", 0]);
});

test("a checkpoint line covers exactly the entries above it", async () => {
  const both = [...lines.slice(0, 10), line10, ...lines.slice(10), line20];
  assert.equal(found(await verifyExport(both, pinned)), "");
  assert.equal(found(await verifyExport([...lines.slice(0, 9), line10], pinned)), "entries_missing");
  assert.equal(found(await verifyExport([...lines.slice(0, 11), line10], pinned)), "entries_uncovered");
});

test("a part of a chain verifies from a trusted beginning", async () => {
  const tree = createTree();
  for (const entry of chain.slice(0, 8)) tree.append(Buffer.from(entry.hash, "hex"));
  const from = { index: 8, previousHash: chain[7]?.hash ?? "" };
  const part = await verifyChain(chain.slice(8), { from });
  assert.equal(part.verified, true);
  assert.equal(part.eventsChecked, 12);
  assert.equal(part.head.rootHash, undefined);
  const whole = await verifyChain(chain.slice(8), {
    ...pinned,
    checkpoint,
    from: { ...from, tree: tree.state() },
  });
  assert.equal(found(whole), "");
  assert.deepEqual([whole.coveredEvents, whole.signature], [12, "verified"]);
  // Without the tree before it nothing ties the part to what was signed.
  for (const options of [pinned, { ...pinned, checkpoint }]) {
    const report = await verifyChain(chain.slice(8), { ...options, from });
    assert.deepEqual([report.verified, report.problem], [false, "unprovable"]);
  }
  const forged = sampleTail(8, from.previousHash, sampleEvent(99));
  assert.equal((await verifyChain(forged, { ...pinned, from })).problem, "unprovable");
});

test("an export may arrive in pieces of any size", async () => {
  const bytes = Buffer.from(exported);
  for (const size of [1, 7, 1000]) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.subarray(at * size, (at + 1) * size),
    );
    assert.equal(found(await verifyExport(pieces, pinned)), "");
  }
  assert.equal(found(await verifyExport([exported.trimEnd()], pinned)), "");
});

test("no changed byte of an export verifies", async () => {
  const bytes = Buffer.from(exported);
  const changes = fc.tuple(fc.nat(bytes.length - 2), fc.integer({ min: 1, max: 255 }));
  await fc.assert(
    fc.asyncProperty(changes, async ([at, mask]) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ mask;
      assert.equal((await verifyExport([changed], pinned)).verified, false);
    }),
    { numRuns: 400 },
  );
});

test("a bad line is named, with its number and what is wrong", async () => {
  const good = exported.split("\n").slice(0, 3);
  const line = good[1] ?? "";
  const cases: [line: string | Buffer, detail: RegExp][] = [
    ["", /line 2 is not JSON/],
    ["{", /line 2 is not JSON/],
    ["null", /line 2 is neither/],
    ["[]", /line 2 is neither/],
    ['{"checkpoint":1}', /line 2 is neither/],
    ['{"checkpoint":"a","more":1}', /line 2 is neither/],
    [`${line} `, /line 2 is not in canonical form/],
    [`${line}\r`, /line 2 is not in canonical form/],
    [`\ufeff${line}`, /line 2 is not JSON/],
    [line.replace('{"event":{', '{"event":{"actor":"x",'), /line 2 is not in canonical form/],
    [line.replace('"index":1', '"index":1e0'), /line 2 is not in canonical form/],
    [line.replace('"index":1', '"index":-1'), /line 2 is neither/],
    [line.replace('"tool":"echo"', '"tool":"\\ud800"'), /line 2 is not in canonical form/],
    [Buffer.from([0x22, 0xff, 0x22]), /line 2 is not UTF-8/],
    [Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), /line 2 is not UTF-8/],
    [`${"[".repeat(60_000)}${"]".repeat(60_000)}`, /line 2 is not in canonical form/],
    [`"${"x".repeat(200_000)}"`, /line 2 is too long/],
  ];
  for (const [bad, detail] of cases) {
    const report = await verifyExport([`${good[0]}\n`, bad, `\n${good[2]}\n`]);
    assert.equal(found(report), "malformed");
    assert.equal(report.problem, "broken");
    // Where the id of the event can be read, the event is named.
    const isNamed = String(bad).includes(`"event_id":"event-1"`);
    assert.equal(report.firstBroken?.eventId, isNamed ? "event-1" : "");
    assert.equal(report.firstBroken?.line, 2);
    assert.match(report.firstBroken?.detail ?? "", detail);
  }
});

test("what is no NDJSON export at all is told from an export that was damaged", async () => {
  const [first = ""] = lines;
  const foreign = [
    "ts,event,decision\n",
    "[\n",
    "not an export\n",
    '{"log":1}\n',
    "null\n",
    Buffer.from([0x1f, 0x8b, 8]),
  ];
  for (const bytes of foreign) {
    const report = await verifyExport([bytes], pinned);
    assert.deepEqual([report.verified, report.problem], [false, "not_an_export"]);
  }
  const damaged = [
    first.replace("{", "["),
    first.replace('":', '": '),
    `\ufeff${first}`,
    `x${first}`,
    '{"event":{}}\n',
  ];
  for (const text of damaged) assert.equal((await verifyExport([text])).problem, "broken");
  assert.equal((await verifyExport([first, "ts,event\n"])).problem, "broken");
});

test("the event of a line that is no JSON is named by its own id, not by one among its arguments", async () => {
  const event = sampleEvent(0, {
    arg_values: { event_id: "decoy", '"event_id":"decoy': '"event_id":"decoy' },
  });
  const line = exportLine(chainEntry(0, ZERO_HASH, event));
  const report = await verifyExport([line.replace('"tool":', '"tool"')]);
  assert.match(report.firstBroken?.detail ?? "", /is not JSON/);
  assert.equal(report.firstBroken?.eventId, "event-0");
});

test("a line without end is given up before it fills the memory", async () => {
  let asked = 0;
  function* endless() {
    for (;;) {
      asked += 1;
      yield Buffer.alloc(65_536, 0x20);
    }
  }
  assert.equal(found(await verifyExport(endless())), "malformed");
  assert.ok(asked < 5);
});

test("an event of a later schema still verifies: its fields are evidence, not syntax", async () => {
  const event = {
    ...sampleEvent(0),
    schema_version: "v9",
    invented: [1, { a: null }],
  } as unknown as ChainEntry["event"];
  assert.equal(found(await verifyExport([exportLine(chainEntry(0, ZERO_HASH, event))])), "");
});

test("a reader that stops at the first bad entry closes what it reads from", async () => {
  let closed = false;
  async function* stored() {
    try {
      yield* sampleChain(2).reverse();
    } finally {
      closed = true;
    }
  }
  assert.equal(found(await verifyChain(stored())), "index_gap");
  assert.ok(closed);
});

test("reading an export gives back the entries that were written", async () => {
  const items = await Array.fromAsync(readExport([exported]));
  assert.deepEqual(
    items.map((item) => (item.kind === "entry" ? item.entry : item.kind)),
    [...chain, "checkpoint"],
  );
});

function sampleTail(index: number, previousHash: string, event: ChainEntry["event"]): ChainEntry[] {
  const tail: ChainEntry[] = [];
  for (let at = index; at < 20; at += 1) {
    const before = tail.at(-1)?.hash ?? previousHash;
    tail.push(chainEntry(at, before, { ...event, event_id: `forged-${at}` }));
  }
  return tail;
}
