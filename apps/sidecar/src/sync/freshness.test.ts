import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedClock } from "@postern/testkit";
import { createFreshness } from "./freshness.ts";

const rig = () => {
  const clock = fixedClock();
  return { clock, freshness: createFreshness({ clock, boundMs: 30_000 }) };
};

test("nothing is fresh before the first proof", () => {
  const { freshness } = rig();
  assert.equal(freshness.isFresh(), false);
  assert.equal(freshness.ageMs(), Number.POSITIVE_INFINITY);
});

test("a proof holds until its bound, and not a millisecond longer", () => {
  const { clock, freshness } = rig();
  assert.equal(freshness.prove(clock.nowMs()), true);
  clock.advance(29_999);
  assert.equal(freshness.isFresh(), true);
  clock.advance(1);
  assert.equal(freshness.isFresh(), false);
});

test("a proof that was held up on the way proves that much less", () => {
  const { clock, freshness } = rig();
  freshness.prove(clock.nowMs() - 20_000);
  clock.advance(10_000);
  assert.equal(freshness.isFresh(), false);
});

test("a machine that slept without its monotonic clock is stale all the same", () => {
  const { clock, freshness } = rig();
  freshness.prove(clock.nowMs());
  clock.stepWall(60_000);
  assert.equal(freshness.isFresh(), false);
});

test("a wall clock that is set back does not make old state young", () => {
  const { clock, freshness } = rig();
  freshness.prove(clock.nowMs());
  clock.advance(29_000);
  clock.stepWall(-29_000);
  clock.advance(1_000);
  assert.equal(freshness.isFresh(), false);
});

test("a replayed, an ancient and a far-future proof prove nothing", () => {
  const { clock, freshness } = rig();
  const early = clock.nowMs();
  clock.advance(5_000);
  assert.equal(freshness.prove(clock.nowMs()), true);
  assert.equal(freshness.prove(early), false);
  assert.equal(freshness.prove(clock.nowMs() - 30_000), false);
  assert.equal(freshness.prove(clock.nowMs() + 30_000), false);
});
