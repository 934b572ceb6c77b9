import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedClock } from "@postern/testkit";
import { createFreshness } from "./freshness.ts";
import { createStalenessBounds, toolStaleness } from "./tool-staleness.ts";

const CLASSES = [
  { glob: "read_*", boundMs: 60_000 },
  { glob: "delete_*", boundMs: 5_000 },
  { glob: "*_all", boundMs: 10_000 },
];

test("the smallest bound that matches a tool applies to it, and the general one where none does", () => {
  const { boundMs, leastMs } = createStalenessBounds(30_000, CLASSES);
  assert.equal(leastMs, 5_000);
  for (const [tool, expected] of [
    ["read_file", 60_000],
    ["delete_file", 5_000],
    ["read_all", 10_000],
    ["delete_all", 5_000],
    ["write_file", 30_000],
    ["Read_file", 30_000],
    [undefined, 30_000],
    [`read_${"x".repeat(600)}`, 5_000],
  ] as const)
    assert.equal(boundMs(tool), expected, tool);
});

test("without classes there is one bound for all", () => {
  const { boundMs, leastMs } = createStalenessBounds(30_000, []);
  assert.deepEqual([leastMs, boundMs("x"), boundMs(undefined)], [30_000, 30_000, 30_000]);
});

test("a sidecar that is cut off stops using each tool after the bound of its class, to the millisecond", () => {
  const clock = fixedClock();
  const freshness = createFreshness({ clock, boundMs: 30_000, ofTools: CLASSES });
  assert.equal(freshness.isFresh("read_file"), false, "nothing is fresh before the first proof");
  freshness.prove(clock.nowMs());
  let ageMs = 0;
  const fresh = (atMs: number) => {
    clock.advance(atMs - ageMs);
    ageMs = atMs;
    const tools = ["delete_x", "read_all", undefined, "write_x", "read_x"];
    return tools.filter((tool) => freshness.isFresh(tool));
  };
  assert.deepEqual(fresh(4_999), ["delete_x", "read_all", undefined, "write_x", "read_x"]);
  assert.deepEqual(fresh(5_000), ["read_all", undefined, "write_x", "read_x"]);
  assert.deepEqual(fresh(10_000), [undefined, "write_x", "read_x"]);
  assert.deepEqual(fresh(29_999), [undefined, "write_x", "read_x"]);
  assert.deepEqual(fresh(30_000), ["read_x"]);
  assert.deepEqual(fresh(59_999), ["read_x"]);
  assert.deepEqual(fresh(60_000), []);
  freshness.prove(clock.nowMs());
  assert.equal(freshness.isFresh("delete_x"), true);
});

test("classes are written as globs with bounds", () => {
  const read = (text: string) => toolStaleness().parse(text);
  assert.deepEqual(read(""), []);
  assert.deepEqual(read(" read_* = 60s , delete_*=5000ms,a=b=2m, "), [
    { glob: "read_*", boundMs: 60_000 },
    { glob: "delete_*", boundMs: 5_000 },
    { glob: "a=b", boundMs: 120_000 },
  ]);
  const hostile = [
    "x",
    "=5s",
    "x=",
    "x=5",
    "x=5h",
    "x=-5s",
    "x=1s",
    "x=1999ms",
    "x=61m",
    "x=5 s",
    "x=5.5s",
    "x=9999999999s",
  ];
  for (const text of [...hostile, `${"x".repeat(257)}=5s`, "x=5s,".repeat(65)])
    assert.throws(() => read(text), /must be up to 64 classes/, text);
});
