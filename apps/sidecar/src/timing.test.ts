import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { backoffMs } from "./timing.ts";

test("a wait is never zero, never longer than the longest, and its ceiling doubles", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, chance) => {
        const ms = backoffMs(attempt, () => chance);
        return ms >= 10 && ms <= 5_000;
      },
    ),
  );
  assert.deepEqual(
    [1, 2, 3, 7].map((attempt) => backoffMs(attempt, () => 1)),
    [100, 200, 400, 5_000],
  );
});
