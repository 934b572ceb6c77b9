import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  counted,
  fieldOfInstant,
  instant,
  instantOfField,
  milliseconds,
  percent,
  remaining,
  shortened,
  visible,
} from "./format.ts";

test("nothing stays hidden in a text", () => {
  assert.equal(visible("rm\u202etxt.exe"), "rm\\u{202e}txt.exe");
  assert.equal(
    visible("a\u0000b\u200bc\ufeffd\u2028e\u{e0041}f\u00adg\rh"),
    "a\\u{0}b\\u{200b}c\\u{feff}d\\u{2028}e\\u{e0041}f\\u{ad}g\\u{d}h",
  );
  assert.equal(visible("\ud800"), "\\u{d800}");
  assert.equal(visible("a\ufe0f\u{e0100}\u2800\u3164b"), "a\\u{fe0f}\\u{e0100}\\u{2800}\\u{3164}b");
  assert.equal(visible("line\n\tnext <b> é 漢 🙂"), "line\n\tnext <b> é 漢 🙂");
});

test("what is made visible has nothing hidden in it any more", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => visible(visible(text)) === visible(text)));
});

test("instants are shown in UTC, and what is none is shown as it is", () => {
  assert.equal(instant("2026-01-31T09:05:07.120Z"), "2026-01-31 09:05:07.120");
  assert.equal(instant("2026-01-31T09:05:07+02:00"), "2026-01-31 07:05:07");
  assert.equal(instant("yesterday"), "yesterday");
  assert.equal(instant(""), "–");
  assert.equal(instant(undefined), "–");
});

test("a field's instant is UTC, in both directions", () => {
  assert.equal(instantOfField("2026-01-31T09:05"), "2026-01-31T09:05:00.000Z");
  assert.equal(fieldOfInstant("2026-01-31T09:05:07.120Z"), "2026-01-31T09:05:07");
  for (const nothing of ["", "soon"]) assert.equal(instantOfField(nothing), undefined);
  for (const nothing of ["", "soon"]) assert.equal(fieldOfInstant(nothing), "");
});

test("numbers read as people write them", () => {
  assert.equal(counted(1, "event"), "1 event");
  assert.equal(counted(12_345, "event"), "12,345 events");
  assert.deepEqual(
    [percent(0, 0), percent(0, 9), percent(1, 1000), percent(1, 3)],
    ["–", "0 %", "< 1 %", "33 %"],
  );
  assert.deepEqual(
    [milliseconds(0), milliseconds(9_999), milliseconds(12_340)],
    ["0 ms", "9,999 ms", "12.3 s"],
  );
  assert.deepEqual([shortened("abcdef", 3), shortened("abcd", 3)], ["abc…", "abcd"]);
});

for (const [ms, text] of [
  [0, ""],
  [-5_000, ""],
  [1, "1 s"],
  [59_000, "59 s"],
  [60_000, "1 min"],
  [250_000, "4 min 10 s"],
  [3_599_999, "1 h"],
  [3_900_000, "1 h 5 min"],
  [90_060_000, "1 d 1 h"],
] as const)
  test(`${ms} ms are told as "${text}"`, () => assert.equal(remaining(ms), text));
