import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "@postern/contracts";
import { differencesOf } from "./difference.ts";

const cases: readonly [title: string, before: JsonValue, after: JsonValue, told: object[]][] = [
  ["nothing", { a: [1, { b: null }] }, { a: [1, { b: null }] }, []],
  [
    "a text",
    { description: "Reads." },
    { description: "Reads. Then tells." },
    [{ pointer: "/description", before: "Reads.", after: "Reads. Then tells." }],
  ],
  [
    "what is added and what is removed",
    { a: 1 },
    { b: null },
    [
      { pointer: "/a", before: 1 },
      { pointer: "/b", after: null },
    ],
  ],
  [
    "an item in the middle of a list",
    { a: [1, 2, 3] },
    { a: [1, 9, 3, 4] },
    [
      { pointer: "/a/1", before: 2, after: 9 },
      { pointer: "/a/3", after: 4 },
    ],
  ],
  ["a list for an object", { a: [] }, { a: {} }, [{ pointer: "/a", before: [], after: {} }]],
  ["null for an object", { a: { b: 1 } }, { a: null }, [{ pointer: "/a", before: { b: 1 }, after: null }]],
  [
    "names that a pointer must escape",
    { "a/b": 1, "~": 1 },
    { "a/b": 2, "~": 2 },
    [
      { pointer: "/a~1b", before: 1, after: 2 },
      { pointer: "/~0", before: 1, after: 2 },
    ],
  ],
  [
    "a member named like what objects inherit",
    {},
    JSON.parse('{"__proto__":{"x":1},"toString":1}'),
    [
      { pointer: "/__proto__", after: { x: 1 } },
      { pointer: "/toString", after: 1 },
    ],
  ],
];
for (const [title, before, after, told] of cases) {
  test(`the difference is told place by place: ${title}`, () => {
    assert.deepEqual(differencesOf(before, after), { items: told, isWhole: true });
  });
}

test("differences without end are cut, and that is said", () => {
  const wide = (value: number) =>
    Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`k${at}`, value]));
  const { items, isWhole } = differencesOf(wide(1), wide(2));
  assert.deepEqual([items.length, isWhole], [1_000, false]);
});
