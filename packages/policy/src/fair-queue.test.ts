import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  CALL_WEIGHT,
  createFairQueue,
  type FairQueueOptions,
  type QueuedCall,
  type Run,
} from "./fair-queue.ts";

const SLOW_MS = 5;
const RUN_MS = 2;

const queueWith = (options: Partial<FairQueueOptions> = {}) =>
  createFairQueue<QueuedCall>({
    places: 2,
    slowMs: SLOW_MS,
    runMs: RUN_MS,
    runCallsMax: 4,
    weightMax: 10_000 * CALL_WEIGHT,
    ...options,
  });

/** A call of the agent that its first letter names. */
const callOf = (inputJson: string): QueuedCall => ({ tenant: "acme", agent: inputJson.charAt(0), inputJson });

const textsOf = (calls: readonly QueuedCall[] | undefined) =>
  calls?.map(({ inputJson }) => inputJson).join(" ");

function laboratory(options: Partial<FairQueueOptions> = {}) {
  const queue = queueWith(options);
  const enter = (...texts: readonly string[]) => texts.map((text) => textsOf(queue.enter(callOf(text))));
  const end = (run: Run<QueuedCall>, spentMs: number) => {
    queue.charge(run, spentMs, run.calls.length);
    queue.free(run);
  };
  const take = () => {
    const run = queue.take();
    assert.ok(run !== undefined, "nothing may start");
    return run;
  };
  return {
    queue,
    enter,
    end,
    take,
    /** Runs one call of each agent that takes this long. */
    accustom(spentMs: number, ...agents: readonly string[]) {
      for (const agent of agents) {
        enter(agent);
        end(take(), spentMs);
      }
    },
    /** Runs what waits, one run at a time; tells which. */
    runAll(spentMs: (agent: string) => number, runsMax = Number.POSITIVE_INFINITY) {
      const texts: string[] = [];
      for (let run = queue.take(); run !== undefined; run = queue.take()) {
        texts.push(...run.calls.map(({ inputJson }) => inputJson));
        end(run, spentMs(run.agent) * run.calls.length);
        if (texts.length >= runsMax) break;
      }
      return texts;
    },
  };
}

test("equals take turns, each in its own order, whoever came first and with however many", () => {
  const { enter, runAll } = laboratory({ runCallsMax: 1 });
  enter("a1", "a2", "a3", "a4", "b1", "c1", "c2");
  assert.equal(runAll(() => 1).join(" "), "a1 b1 c1 a2 c2 a3 a4");
});

test("time is shared, not calls", () => {
  const { enter, runAll } = laboratory({ runCallsMax: 1 });
  for (let call = 0; call < 100; call += 1) enter("a", "b");
  const first = runAll((agent) => (agent === "a" ? 4 : 1), 50);
  const callsOfA = first.filter((agent) => agent === "a").length;
  assert.ok(callsOfA === 10 || callsOfA === 11, `${callsOfA} of 50 calls, each four times as long`);
});

test("those who run already let equals go first, before anyone knows how long they take", () => {
  const { enter, take } = laboratory({ places: 3, runCallsMax: 1 });
  enter("a1", "a2", "b1");
  assert.deepEqual([take().agent, take().agent, take().agent], ["a", "b", "a"]);
});

test("those who owe nothing go in the order in which they came", () => {
  const { enter, take, accustom } = laboratory();
  accustom(0, "c");
  accustom(1, "a", "a");
  enter("c1", "e1");
  assert.equal(take().agent, "c");
});

test("nobody saves up time by being held back", () => {
  const { enter, take, end, accustom, runAll } = laboratory({ runCallsMax: 1 });
  accustom(50, "s", "t");
  enter("s1", "t1", "t2", "t3");
  const held = take();
  accustom(1, ..."a".repeat(200));
  end(held, 50);
  enter("a1", "a2", "a3");
  assert.equal(runAll(() => 1).join(" "), "t1 t2 a1 t3 a2 a3");
});

test("who has not come for long is forgotten, slow or not", () => {
  const { queue, enter, take, accustom } = laboratory({ places: 3, runCallsMax: 1 });
  accustom(50, "s");
  enter("s1");
  queue.free(take());
  const others = Array.from({ length: 4_096 }, (_, agent) => ({ ...callOf("x"), agent: `x${agent}` }));
  for (const other of others) {
    queue.enter(other);
    queue.free(take());
  }
  enter("s1", "s2");
  assert.deepEqual([take().agent, take().agent], ["s", "s"]);
});

test("an agent of one tenant and one of the same name of another are two", () => {
  const { queue, enter } = laboratory();
  enter("a1");
  queue.enter({ ...callOf("a2"), tenant: "other" });
  assert.deepEqual([queue.take()?.tenant, queue.take()?.tenant], ["acme", "other"]);
});

test("nobody holds the last place, and a slow one holds one", () => {
  const { queue, enter, take, accustom } = laboratory({ places: 3, runCallsMax: 1 });
  accustom(50, "s");
  enter("s1", "s2", "a1", "a2", "a3");
  const agents = [take(), take(), take()].map((run) => run.agent);
  assert.deepEqual(agents.sort(), ["a", "a", "s"]);
  assert.equal(queue.take(), undefined);
});

test("the slow together never hold the last place, however many they are", () => {
  const { queue, enter, take, accustom } = laboratory({ places: 3 });
  accustom(50, ..."stuvw");
  enter(..."stuvw");
  const slow = [take(), take()];
  assert.equal(queue.take(), undefined);
  enter("a1");
  assert.equal(take().agent, "a");
  for (const run of slow) queue.free(run);
  assert.equal(textsOf([...take().calls, ...take().calls]), "u v", "those that had their turn wait");
});

test("a slow one that becomes quick is not slow for long", () => {
  const { queue, enter, take, accustom, end } = laboratory({ places: 3, runCallsMax: 1 });
  accustom(50, "s");
  accustom(0.1, "s", "s", "s", "s");
  enter("s1", "s2");
  end(take(), 0.1);
  assert.ok(queue.take() !== undefined);
});

test("nobody saves up time by staying away, not even for 50 calls of another", () => {
  const { enter, runAll } = laboratory({ runCallsMax: 1 });
  for (let call = 0; call < 50; call += 1) enter("a");
  runAll(() => 1);
  enter("b1", "b2", "b3", "b4", "a1", "a2");
  assert.equal(runAll(() => 1).join(" "), "b1 b2 a1 b3 a2 b4");
});

test("a run is as many calls as should fit its time", () => {
  for (const [callMs, length] of [
    [0, 4],
    [0.4, 4],
    [2.1, 3],
    [4, 2],
    [50, 1],
  ] as const) {
    const { enter, take, accustom } = laboratory();
    accustom(callMs, "a");
    enter("a1", "a2", "a3", "a4", "a5");
    assert.equal(take().calls.length, length, `${callMs / 4} ms each`);
  }
});

test("what a run leaves over goes first, in order", () => {
  const { queue, enter, take, end } = laboratory();
  enter("a1", "a2", "a3");
  const run = take();
  enter("a4");
  queue.giveBack(run.calls.slice(1));
  end(run, 0.1);
  assert.equal(textsOf(take().calls), "a2 a3 a4");
});

test("when no room is left, whoever waits with most loses its newest call", () => {
  const { enter, queue } = laboratory({ weightMax: 4 * CALL_WEIGHT + 100 });
  assert.deepEqual(enter("a1", "a2", "a3", "b1", "c1", "a4"), ["", "", "", "", "a3", "a4"]);
  const long = `d${"x".repeat(2 * CALL_WEIGHT)}`;
  assert.deepEqual(enter(long), [long]);
  assert.equal(textsOf(queue.drain()), "a1 a2 b1 c1");
  assert.deepEqual(enter("a1", "a2", "a3", "a4"), ["", "", "", ""], "what is gone weighs nothing");
});

test("a call that is removed does not run, and cannot be removed twice", () => {
  const { queue, enter, take } = laboratory();
  const call = callOf("a2");
  enter("a1");
  queue.enter(call);
  assert.deepEqual([queue.remove(call), queue.remove(call)], [true, false]);
  assert.equal(textsOf(take().calls), "a1");
  assert.equal(queue.take(), undefined);
});

/** What may happen to a queue: a call of some agent comes, a free place takes a run, or the oldest run ends after some time. */
const events = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("enter" as const), agent: fc.constantFrom(..."abcdefgh") }),
    fc.record({ kind: fc.constant("take" as const) }),
    fc.record({ kind: fc.constant("end" as const), spentMs: fc.constantFrom(0, 0.1, 1, 4, 20, 50, 200) }),
  ),
  { maxLength: 200 },
);

test("whatever happens, at most one run of each other agent starts before a newcomer's first", () => {
  fc.assert(
    fc.property(events, events, fc.integer({ min: 2, max: 4 }), (before, after, places) => {
      const queue = queueWith({ places });
      const open: Run<QueuedCall>[] = [];
      let ahead: string[] | undefined;
      let started = false;
      const act = (event: (typeof before)[number]) => {
        if (event.kind === "enter") queue.enter(callOf(event.agent));
        if (event.kind === "take" && open.length < places) take();
        if (event.kind === "end") end(event.spentMs);
      };
      const take = () => {
        const run = queue.take();
        if (run === undefined) return;
        open.push(run);
        if (run.agent === "z") started = true;
        else if (!started) ahead?.push(run.agent);
        const mine = open.filter(({ agent }) => agent === run.agent);
        assert.ok(mine.length < places, "nobody holds every place");
      };
      const end = (spentMs: number) => {
        const run = open.shift();
        if (run === undefined) return;
        queue.charge(run, spentMs, run.calls.length);
        queue.free(run);
      };
      before.forEach(act);
      ahead = [];
      queue.enter(callOf("z1"));
      after.forEach(act);
      while (!started) {
        if (open.length === places) end(50);
        take();
        if (!started && open.length < places) end(50);
      }
      assert.equal(new Set(ahead).size, ahead.length, `ahead of the newcomer ran ${ahead.join(" ")}`);
    }),
    { numRuns: 500 },
  );
});

test("every call that enters and is not crowded out runs once, those of an agent in order", () => {
  fc.assert(
    fc.property(events, fc.integer({ min: 2, max: 4 }), (happened, places) => {
      const queue = queueWith({ places, weightMax: 20 * CALL_WEIGHT + 1_000 });
      const expected = new Map<string, string[]>();
      const ran = new Map<string, string[]>();
      const open: Run<QueuedCall>[] = [];
      const take = () => {
        const run = queue.take();
        if (run === undefined) return false;
        open.push(run);
        ran.set(run.agent, [...(ran.get(run.agent) ?? []), ...run.calls.map(({ inputJson }) => inputJson)]);
        return true;
      };
      const end = (spentMs: number) => {
        const run = open.shift();
        if (run === undefined) return false;
        queue.charge(run, spentMs, run.calls.length);
        queue.free(run);
        return true;
      };
      for (const [index, event] of happened.entries()) {
        if (event.kind === "take" && open.length < places) take();
        if (event.kind === "end") end(event.spentMs);
        if (event.kind !== "enter") continue;
        const text = `${event.agent}${index}`;
        expected.set(event.agent, [...(expected.get(event.agent) ?? []), text]);
        for (const { agent, inputJson } of queue.enter(callOf(text))) {
          expected.set(
            agent,
            (expected.get(agent) ?? []).filter((other) => other !== inputJson),
          );
        }
      }
      while ((open.length < places && take()) || end(1));
      for (const [agent, texts] of expected) assert.deepEqual(ran.get(agent) ?? [], texts);
    }),
    { numRuns: 500 },
  );
});
