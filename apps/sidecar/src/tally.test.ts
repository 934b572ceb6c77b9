import assert from "node:assert/strict";
import { test } from "node:test";
import { createTally } from "./tally.ts";

test("each name is counted by itself, and each count is taken back once", () => {
  const tally = createTally();
  const [first, second] = [tally.add("a"), tally.add("a")];
  tally.add("b");
  assert.deepEqual([tally.of("a"), tally.of("b"), tally.of("c")], [2, 1, 0]);
  first();
  first();
  assert.equal(tally.of("a"), 1);
  second();
  assert.deepEqual([tally.of("a"), tally.of("b")], [0, 1]);
});
