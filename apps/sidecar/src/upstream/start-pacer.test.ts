import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedClock } from "@postern/testkit";
import { createStartPacer } from "./start-pacer.ts";

test("the first start after a failure is at once, each further one waits longer, up to a bound, and a start that holds makes it forget", () => {
  const clock = fixedClock();
  const pacer = createStartPacer({ clock, firstMs: 100, longestMs: 1_000 });
  const waits: number[] = [];
  for (let failures = 0; failures < 7; failures += 1) {
    pacer.failed();
    waits.push(pacer.waitMs());
    clock.advance(pacer.waitMs());
    assert.equal(pacer.waitMs(), 0);
  }
  assert.deepEqual(waits, [0, 100, 200, 400, 800, 1_000, 1_000]);
  pacer.failed();
  pacer.held();
  assert.equal(pacer.waitMs(), 0);
  pacer.failed();
  assert.equal(pacer.waitMs(), 0);
});
