import assert from "node:assert/strict";
import { test } from "node:test";
import {
  flagsOf,
  isHiding,
  isPinnable,
  PINNED_DEFINITIONS_MAX,
  PINS_PER_STATE,
  pinnedPartOf,
  SidecarState,
  ToolName,
} from "./index.ts";

test("characters that nobody sees are found, and those that belong to a script or a picture are not", () => {
  const plain = [
    "",
    "Reads a file.\n\tThen stops.",
    "Größe",
    "日本語",
    "قراءة",
    "पढ़ना",
    "❤️",
    "👩‍👩‍👧",
    "👍🏽",
    "🇫🇷",
    "1️⃣",
  ];
  for (const text of plain) assert.equal(isHiding(text), false, text);
  const hiding: Record<string, string> = {
    "zero-width space": "a\u200bb",
    "zero-width joiner between letters": "a\u200db",
    "word joiner": "a\u2060b",
    "byte order mark": "\ufeffa",
    "bidi override": "\u202ea",
    "bidi isolate": "\u2066a\u2069",
    "soft hyphen": "a\u00adb",
    tags: "a\u{e0049}\u{e0067}",
    "variation selectors in a row": "a\ufe00\ufe01",
    "a variation selector of the supplement at the start": "\u{e0100}a",
    "private use": "\ue000",
    "private use beyond": "\u{10fffd}",
    "an unassigned character": "\u{378}",
    "a control character": "a\u0007",
    "NUL beside what is allowed": "a\n\u0000",
    "a line separator": "a\u2028b",
    "a filler": "a\u3164",
    "a grapheme joiner": "a\u034fb",
  };
  for (const [title, text] of Object.entries(hiding)) assert.equal(isHiding(text), true, title);
});

test("looking for what is hidden takes no longer for a hostile text", () => {
  for (const piece of ["\u200d", "👩\u200d", "a", "\ufe0f", "👩"]) {
    const started = performance.now();
    isHiding(piece.repeat(65_536 / piece.length));
    assert.ok(performance.now() - started < 500, piece);
  }
});

test("a definition is flagged wherever in it something is hidden, its keys included", () => {
  assert.deepEqual(
    flagsOf("read", { name: "read", inputSchema: { properties: { path: { enum: ["a"] } } } }),
    [],
  );
  for (const part of [{ "a\u200b": 1 }, { a: ["b", { c: "\u202e" }] }, { _meta: { d: "\ue000" } }])
    assert.deepEqual(flagsOf("read", part), ["invisible_unicode"]);
  assert.deepEqual(flagsOf("re\u200bad", {}), ["unprintable_name", "unusual_name"]);
  assert.deepEqual(flagsOf("lire été", {}), ["unusual_name"]);
});

test("only what has a canonical form can be pinned", () => {
  assert.equal(isPinnable({ a: [1, "é", null, true, { b: -0 }] }), true);
  const deep = (levels: number) => JSON.parse(`${'{"x":'.repeat(levels)}1${"}".repeat(levels)}`);
  assert.deepEqual([isPinnable(deep(64)), isPinnable(deep(65))], [true, false]);
  for (const value of ["\ud800", 1 / 0, Number.NaN]) assert.equal(isPinnable({ a: [value] }), false);
  assert.equal(isPinnable({ "\udc00": 1 }), false);
});

test("all of a tool counts, but for how it may be run", () => {
  const tool = { name: "read", _meta: { a: 1 }, surprise: true };
  assert.equal(pinnedPartOf(tool), tool);
  assert.deepEqual(pinnedPartOf({ ...tool, execution: { taskSupport: "optional" } }), tool);
});

test("a state of the largest pins fits in what a sidecar takes", () => {
  const tool = "\u{ffee}".repeat(256);
  assert.equal(ToolName.safeParse(tool).success, true);
  const pin = {
    ...{ upstream: "u".repeat(63), tool, status: "quarantined", reason: "pin.unapproved", explicit: false },
    ...{ digests: Array.from({ length: PINNED_DEFINITIONS_MAX }, () => "0".repeat(64)), since: 2 ** 52 },
  };
  const state = {
    ...{ kind: "pins", tenant: "a".repeat(63), issued_at: "2026-06-14T13:42:00.000Z", mode: "trust_first" },
    ...{ after: 0, version: 2 ** 52, pins: Array.from({ length: PINS_PER_STATE }, () => pin) },
  };
  assert.equal(SidecarState.safeParse(state).success, true);
  // Sealed it is base64url text with a signature and a footer.
  assert.ok((Buffer.byteLength(JSON.stringify(state)) * 4) / 3 + 1_024 < 2_097_152);
});
