import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedClock } from "@postern/testkit";
import { createInlineAllowance } from "./inline-allowance.ts";

test("whoever works briefly is always welcome", () => {
  const allowance = createInlineAllowance(fixedClock());
  for (let call = 0; call < 10_000; call += 1) allowance.charge("a", 0.25);
  assert.ok(allowance.isAllowed("a"));
});

test("whoever works long stays away a thousand times as long, and the others come", () => {
  const clock = fixedClock();
  const allowance = createInlineAllowance(clock);
  allowance.charge("a", 1);
  allowance.charge("b", 0.5);
  const welcome = () => ["a", "b", "c"].filter((agent) => allowance.isAllowed(agent));
  assert.deepEqual(welcome(), ["c"]);
  clock.advance(499);
  assert.deepEqual(welcome(), ["c"]);
  clock.advance(1);
  assert.deepEqual(welcome(), ["b", "c"]);
  clock.advance(500);
  assert.deepEqual(welcome(), ["a", "b", "c"]);
});

test("when very many stay away, everybody does, until the first may come back", () => {
  const clock = fixedClock();
  const allowance = createInlineAllowance(clock);
  let calls = 0;
  for (let n = 0; n < 10_000; n += 1) {
    if (!allowance.isAllowed(`agent-${n}`)) continue;
    calls += 1;
    allowance.charge(`agent-${n}`, 1);
  }
  assert.equal(calls, 64, "in one second the caller's thread works for 64 of them");
  assert.ok(!allowance.isAllowed("quick"));
  clock.advance(1_000);
  assert.ok(allowance.isAllowed("quick"));
});
