// Memories that verify and memories that do not, byte for byte as the header's other implementations write them.
import assert from "node:assert/strict";
import { createHash, createHmac, hkdfSync } from "node:crypto";
import { test } from "node:test";
import type { MemoryEntry } from "@postern/contracts";
import fc from "fast-check";
import { signMemories, verifyProvenance } from "./provenance.ts";

const SESSION = "test-session-jti-abc";
/** Known answer: the key of this session under the master key "intentgate-test-master-key-32-by". */
const KEY = Buffer.from("e8b49e3464de329ffdf2bdb5e3e557a762281292daab04b0fc8b6aede03a422e", "hex");
const from = { key: KEY, sessionId: SESSION };

const MEMORIES = [
  { id: "m1", ts: 1_700_000_000_000, data: '{"vendor":"Acme"}' },
  { id: "m2", ts: 1_700_000_000_001, data: "" },
  { id: "m3", ts: 0, data: "é\u0000𝄞" },
];
const HEADER = signMemories(MEMORIES, from);

const entriesOf = (header: string): MemoryEntry[] => JSON.parse(Buffer.from(header, "base64url").toString());
const headerOf = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

test("the known key is what HKDF makes of the known master key", () => {
  const master = Buffer.from("intentgate-test-master-key-32-by");
  assert.deepEqual(Buffer.from(hkdfSync("sha256", master, SESSION, "intentgate-memory-v1", 32)), KEY);
});

test("an entry is signed over its lengths and bytes, and the next one names its hash", () => {
  const u32 = (value: number) => Buffer.from([0, 0, 0, value]);
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(1_700_000_000_000n);
  const canonical = Buffer.concat([
    ...[u32(20), Buffer.from(SESSION), u32(2), Buffer.from("m1"), time],
    ...[u32(32), Buffer.alloc(32), u32(17), Buffer.from('{"vendor":"Acme"}')],
  ]);
  const [first, second] = entriesOf(HEADER);
  assert.equal(first?.hmac, createHmac("sha256", KEY).update(canonical).digest("base64url"));
  assert.equal(first?.prev_hash, "A".repeat(43));
  assert.equal(second?.prev_hash, createHash("sha256").update(canonical).digest("base64url"));
});

test("memories of this token verify, one, many or none", () => {
  for (const count of [0, 1, 2, 3]) {
    const header = signMemories(MEMORIES.slice(0, count), from);
    assert.deepEqual(verifyProvenance(header, from), { ok: true, entries: count });
  }
});

test("whatever was changed, moved, left out or written by somebody else is told", () => {
  const [first, second, third] = entriesOf(HEADER);
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const otherKey = { key: Buffer.alloc(32, 1), sessionId: SESSION };
  const elsewhere = { key: KEY, sessionId: "another" };
  const padded = Buffer.from(JSON.stringify([first])).toString("base64");
  const cases: [string, string, RegExp][] = [
    ["other data", headerOf([{ ...first, data: "eHg" }]), /^Entry 0 has a signature/],
    ["another id", headerOf([{ ...first, id: "m9" }]), /^Entry 0 has a signature/],
    ["another time", headerOf([first, { ...second, ts: 1 }]), /^Entry 1 has a signature/],
    [
      "another predecessor",
      headerOf([{ ...first, prev_hash: `${"B".repeat(42)}A` }]),
      /^Entry 0 has a signature/,
    ],
    ["no signature", headerOf([{ ...first, hmac: "" }]), /^Entry 0 has a signature/],
    ["half a signature", headerOf([{ ...first, hmac: first.hmac.slice(0, 22) }]), /Entry 0/],
    ["no beginning", headerOf([second]), /^Entry 0 does not follow/],
    ["a hole", headerOf([first, third]), /^Entry 1 does not follow/],
    ["another order", headerOf([first, third, second]), /^Entry 1 does not follow/],
    ["one twice", headerOf([first, first]), /^Entry 1 does not follow/],
    ["another key", signMemories(MEMORIES, otherKey), /^Entry 0 has a signature/],
    ["another token", signMemories(MEMORIES, elsewhere), /^Entry 0 was written under another token/],
    ["loose base64url", headerOf([{ ...first, data: "eHh" }]), /^Entry 0 holds bytes/],
    ["padding", headerOf([{ ...first, data: "eHg=" }]), /^Entry 0 holds bytes/],
    ["a further field", headerOf([{ ...first, role: "admin" }]), /not a list/],
    ["a missing field", headerOf([{ ...first, hmac: undefined }]), /not a list/],
    ["a time that is none", headerOf([{ ...first, ts: 1.5 }]), /not a list/],
    ["a time before all", headerOf([{ ...first, ts: -1 }]), /not a list/],
    ["no list", headerOf({}), /not a list/],
    [
      "too many",
      headerOf(Array.from({ length: 129 }, () => ({ ...first, hmac: "", data: "" }))),
      /longer|not a list/,
    ],
    ["no JSON", Buffer.from("[").toString("base64url"), /not a list/],
    ["no UTF-8", Buffer.from([0x5b, 0xff, 0x5d]).toString("base64url"), /not a list/],
    ["another alphabet", padded.includes("=") ? padded : `${padded}=`, /not base64url/],
    ["two headers in one", `${HEADER}, ${HEADER}`, /not base64url/],
    ["nothing", "", /not a list/],
    ["too long", "A".repeat(16_385), /longer than 16384/],
  ];
  for (const [name, header, problem] of cases) {
    const finding = verifyProvenance(header, from);
    assert.ok(!finding.ok, name);
    assert.match(finding.problem, problem, name);
  }
});

test("no change of a single character of the header goes unnoticed", () => {
  const characters = fc.constantFrom(..."ABCXYZabcxyz0189-_=+/ .");
  fc.assert(
    fc.property(fc.nat(HEADER.length - 1), characters, (at, character) => {
      const changed = HEADER.slice(0, at) + character + HEADER.slice(at + 1);
      assert.equal(verifyProvenance(changed, from).ok, changed === HEADER);
    }),
    { numRuns: 500 },
  );
});

test("no text makes the reader throw", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json().map((text) => Buffer.from(text).toString("base64url")),
      ),
      (text) => {
        const finding = verifyProvenance(text, from);
        assert.ok(!finding.ok || finding.entries === 0);
      },
    ),
  );
});
