import assert from "node:assert/strict";
import { test } from "node:test";
import { createPulse } from "./pulse.ts";

/** A page whose time passes by hand. */
function page() {
  const waiting = new Set<() => void>();
  const seen = new Set<() => void>();
  let hidden = false;
  const pulse = createPulse({
    later(_afterMs, run) {
      waiting.add(run);
      return () => waiting.delete(run);
    },
    isHidden: () => hidden,
    onSeen(run) {
      seen.add(run);
      return () => seen.delete(run);
    },
  });
  return {
    pulse,
    waiting,
    seen,
    hide: () => {
      hidden = true;
    },
    show() {
      hidden = false;
      for (const run of [...seen]) run();
    },
    async pass() {
      for (const run of [...waiting]) {
        waiting.delete(run);
        run();
      }
      await new Promise(setImmediate);
    },
  };
}

test("a run is followed by the next only after it has ended", async () => {
  const { pulse, waiting, pass } = page();
  const ends: (() => void)[] = [];
  pulse.every(5, new AbortController().signal, () => new Promise((resolve) => ends.push(resolve)));
  assert.equal(ends.length, 0, "not at once");
  await pass();
  await pass();
  assert.deepEqual([ends.length, waiting.size], [1, 0]);
  ends[0]?.();
  await pass();
  await pass();
  assert.equal(ends.length, 2);
});

test("nothing runs while the page is hidden, and what is due runs once when it is seen again", async () => {
  const { pulse, waiting, hide, show, pass } = page();
  let runs = 0;
  pulse.every(5, new AbortController().signal, () => {
    runs += 1;
  });
  show();
  assert.equal(runs, 0, "nothing is due yet");
  hide();
  await pass();
  await pass();
  assert.deepEqual([runs, waiting.size], [0, 0]);
  show();
  show();
  assert.equal(runs, 1, "at once, and once");
  await pass();
  await pass();
  assert.equal(runs, 2, "and when its time has come again");
});

test("the signal ends it, also in the middle of a run", async () => {
  const { pulse, waiting, seen, pass } = page();
  const screen = new AbortController();
  pulse.every(5, screen.signal, () => screen.abort());
  await pass();
  assert.deepEqual([waiting.size, seen.size], [0, 0]);
  pulse.every(5, screen.signal, () => assert.fail("it has ended"));
  assert.equal(waiting.size, 0);
});
