import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "@postern/contracts";
import { parsePointer, redactAt } from "./pointer.ts";

const R = "[REDACTED]";

const rows: readonly [pointer: string, value: JsonValue, want: JsonValue, count: number][] = [
  ["/a", { a: 1, b: 2 }, { a: R, b: 2 }, 1],
  ["/a/b", { a: { b: { c: 1 } } }, { a: { b: R } }, 1],
  ["/a/1", { a: [1, 2, 3] }, { a: [1, R, 3] }, 1],
  [
    "/rows/*/ssn",
    { rows: [{ ssn: 1 }, { id: 2 }, { ssn: null }] },
    { rows: [{ ssn: R }, { id: 2 }, { ssn: R }] },
    2,
  ],
  ["/*", { a: 1, b: [2] }, { a: R, b: R }, 2],
  ["/a~1b/c~0d", { "a/b": { "c~d": 1 } }, { "a/b": { "c~d": R } }, 1],
  ["/", { "": 1 }, { "": R }, 1],
  ["/__proto__/x", JSON.parse('{"__proto__":{"x":1}}'), JSON.parse(`{"__proto__":{"x":"${R}"}}`), 1],
];
for (const [text, value, want, count] of rows) {
  test(`${text} redacts ${count} of ${JSON.stringify(value)}`, () => {
    const pointer = parsePointer(text);
    assert.ok(pointer !== undefined);
    let heard = 0;
    const redacted = redactAt(value, pointer, () => {
      heard += 1;
    });
    assert.equal(JSON.stringify(redacted), JSON.stringify(want));
    assert.equal(heard, count);
    assert.equal(redactAt(redacted, pointer, assert.fail), redacted);
  });
}

test("a place that is not there leaves the same object", () => {
  const value = { a: [1], b: "text" };
  for (const text of ["/c", "/a/5", "/a/-", "/b/0", "/constructor", "/a/length", "/a/01"]) {
    assert.equal(redactAt(value, parsePointer(text) ?? [], assert.fail), value, text);
  }
});

test("what is no pointer into a value is none", () => {
  for (const text of ["", "a", "#/a", "/a~2", "/a~", `${"/a".repeat(33)}`])
    assert.equal(parsePointer(text), undefined, text);
});
