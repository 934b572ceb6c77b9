import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  createEvaluationPool,
  type PoolAnswer,
  type PoolBundle,
  type PoolOptions,
} from "./evaluation-pool.ts";
import type { EvaluationThread, ThreadAnswer } from "./evaluation-thread.ts";

const RESULT: ThreadAnswer = { kind: "result", text: "[]" };
const LOADED: ThreadAnswer = { kind: "loaded", trials: [] };
const OVERRUN: ThreadAnswer = { kind: "overrun" };

/** A thread that answers when the test says so. */
interface MemoryThread extends EvaluationThread {
  /** What it was asked and has not answered: an input, or "load <slot>". */
  question(): string | undefined;
  answer(answer: ThreadAnswer): void;
  readonly slots: Set<number>;
}

function memoryThread(loadsAtOnce: () => boolean): MemoryThread {
  const slots = new Set<number>();
  let open: { readonly question: string; resolve(answer: ThreadAnswer): void } | undefined;
  const thread: MemoryThread = {
    slots,
    question: () => open?.question,
    answer(answer) {
      const asked = open;
      open = undefined;
      asked?.resolve(answer);
    },
    ask(request) {
      assert.equal(open, undefined, "a thread is asked one thing at a time");
      const { kind, slot } = request;
      if (kind === "load") slots.add(slot);
      assert.ok(slots.has(slot), "a thread evaluates only what it has loaded");
      const asked = new Promise<ThreadAnswer>((resolve) => {
        open = { question: kind === "load" ? `load ${slot}` : request.inputJson, resolve };
      });
      if (kind === "load" && loadsAtOnce()) thread.answer(LOADED);
      return asked;
    },
    drop: (slot) => void slots.delete(slot),
    close: async () => thread.answer({ kind: "lost", detail: "closed" }),
  };
  return thread;
}

function laboratory(options: Partial<PoolOptions> = {}) {
  const threads: MemoryThread[] = [];
  const answers = new Map<string, PoolAnswer["kind"]>();
  const judges = new Map<string, number>();
  const state = { loadsAtOnce: true };
  const pool = createEvaluationPool<PoolBundle>({
    threads: 2,
    deadlineMs: 50,
    loadDeadlineMs: 1_000,
    waitingMs: 60_000,
    waitingCallsMax: 100,
    waitingCharsMax: 10_000,
    ...options,
    openThread() {
      const thread = memoryThread(() => state.loadsAtOnce);
      threads.push(thread);
      return thread;
    },
  });
  const bundleOf = (slot: number, tenant: string): PoolBundle => {
    return { slot, tenant, module: {} as WebAssembly.Module, dataJson: "{}" };
  };
  return {
    pool,
    threads,
    /** Answers by input. */
    answers,
    /** Slot of the policy that answered, by input. */
    judges,
    state,
    bundleOf,
    /** Asks for these inputs; an input's lane is its first letter. */
    async call(bundle: PoolBundle, ...inputs: readonly string[]) {
      for (const inputJson of inputs) {
        void pool.evaluate({ bundle, lane: inputJson.charAt(0), inputJson }).then((told) => {
          answers.set(inputJson, told.answer.kind);
          judges.set(inputJson, told.bundle.slot);
        });
      }
      await turn();
    },
    running: () => threads.flatMap((thread) => thread.question() ?? []).sort(),
    async settle(question: string, answer = RESULT) {
      const thread = threads.find((candidate) => candidate.question() === question);
      assert.ok(thread !== undefined, `${question} is not running`);
      thread.answer(answer);
      await turn();
    },
    async resident(slot: number, tenant: string) {
      const bundle = bundleOf(slot, tenant);
      assert.equal((await pool.install(bundle, [])).kind, "loaded");
      pool.swap(undefined, bundle);
      return bundle;
    },
  };
}

test("calls of different lanes run side by side, one per thread, and the others wait their turn", async () => {
  const { pool, call, running, settle, resident, answers } = laboratory();
  await call(await resident(1, "acme"), "a", "b", "c");
  assert.deepEqual(running(), ["a", "b"]);
  await settle("b");
  assert.deepEqual(running(), ["a", "c"]);
  await settle("a");
  await settle("c");
  assert.deepEqual([...answers.values()], ["result", "result", "result"]);
  await pool.close();
});

test("a lane holds one thread at most, and those behind it are not kept waiting", async () => {
  const { pool, call, running, settle, resident } = laboratory();
  await call(await resident(1, "acme"), "x1", "x2", "x3", "y1", "z1");
  assert.deepEqual(running(), ["x1", "y1"]);
  await settle("y1");
  assert.deepEqual(running(), ["x1", "z1"]);
  await settle("z1");
  assert.deepEqual(running(), ["x1"], "a thread is free, but not for this lane");
  await settle("x1");
  assert.deepEqual(running(), ["x2"]);
  await pool.close();
});

test("a tenant never holds the last thread while another one has a policy", async () => {
  const { pool, call, running, settle, resident } = laboratory({ threads: 3 });
  const mine = await resident(1, "acme");
  await call(mine, "a", "b", "c");
  assert.deepEqual(running(), ["a", "b", "c"], "alone, it may use every thread");
  for (const name of ["a", "b", "c"]) await settle(name);
  const theirs = await resident(2, "other");
  await call(mine, "a", "b", "c");
  assert.deepEqual(running(), ["a", "b"]);
  await call(theirs, "t");
  assert.deepEqual(running(), ["a", "b", "t"]);
  await pool.close();
});

test("a thread that had to be ended counts as its culprit's until its successor is ready", async () => {
  const { pool, call, running, settle, resident, answers, threads, state } = laboratory();
  const bundle = await resident(1, "acme");
  await call(bundle, "x1", "x2");
  state.loadsAtOnce = false;
  await settle("x1", OVERRUN);
  assert.equal(answers.get("x1"), "overrun");
  assert.equal(threads.length, 3);
  assert.deepEqual(running(), ["load 1"], "x2 waits, although a thread is free");
  await call(bundle, "y1");
  assert.deepEqual(running(), ["load 1", "y1"]);
  await settle("load 1", LOADED);
  assert.deepEqual(running(), ["x2", "y1"]);
  await pool.close();
});

test("a successor that lacks a policy loads it before it evaluates", async () => {
  const { pool, call, running, settle, resident, state } = laboratory();
  const bundle = await resident(1, "acme");
  await call(bundle, "x1");
  state.loadsAtOnce = false;
  await settle("x1", OVERRUN);
  await settle("load 1", { kind: "failure", detail: "out of luck" });
  await call(bundle, "x2", "y1");
  assert.deepEqual(running(), ["load 1", "y1"]);
  await settle("load 1", LOADED);
  assert.deepEqual(running(), ["x2", "y1"]);
  await pool.close();
});

test("what cannot be waited for is refused: too many calls, too much text, too long", async () => {
  const crowd = laboratory({ waitingCallsMax: 2, waitingCharsMax: 12 });
  const bundle = await crowd.resident(1, "acme");
  await crowd.call(bundle, "x1", "x2", "x3", "x4");
  assert.deepEqual([...crowd.answers], [["x4", "crowded"]]);
  await crowd.settle("x1");
  await crowd.call(bundle, "x56789012345");
  assert.equal(crowd.answers.get("x56789012345"), "crowded");
  await crowd.pool.close();

  const hasty = laboratory({ waitingMs: 1 });
  const { pool } = hasty;
  const slow = await hasty.resident(1, "acme");
  await hasty.call(slow, "x1");
  const { answer } = await pool.evaluate({ bundle: slow, lane: "x", inputJson: "x2" });
  assert.equal(answer.kind, "crowded");
  await hasty.settle("x1");
  assert.deepEqual(hasty.running(), [], "a call that gave up does not run later");
  await pool.close();
});

test("a policy that does not load holds one thread only, and the others never see it", async () => {
  const { pool, call, running, settle, resident, bundleOf, state, threads } = laboratory();
  const bundle = await resident(1, "acme");
  state.loadsAtOnce = false;
  const installed = pool.install(bundleOf(2, "acme"), []);
  await call(bundle, "a");
  assert.deepEqual(running(), ["a", "load 2"]);
  await settle("load 2", OVERRUN);
  assert.equal((await installed).kind, "overrun");
  await settle("load 1", LOADED);
  pool.swap(bundleOf(2, "acme"), undefined);
  await settle("a");
  assert.deepEqual(threads.map(({ slots }) => [...slots]).slice(1), [[1], [1]]);
  await pool.close();
});

test("a thread goes from a call straight to the policy that waits for it", async () => {
  const { pool, call, running, settle, resident, bundleOf, state } = laboratory();
  const bundle = await resident(1, "acme");
  await call(bundle, "a", "b", "c");
  state.loadsAtOnce = false;
  const installed = pool.install(bundleOf(2, "acme"), []);
  await settle("a");
  assert.deepEqual(running(), ["b", "load 2"], "c does not slip in");
  await settle("load 2", LOADED);
  assert.deepEqual(running(), ["b", "c"]);
  await settle("b");
  await settle("load 2", LOADED);
  assert.equal((await installed).kind, "loaded");
  await pool.close();
});

test("a call that waited is judged by the policy in force when its turn comes", async () => {
  const { pool, call, settle, resident, bundleOf, judges, threads } = laboratory();
  const old = await resident(1, "acme");
  const next = bundleOf(2, "acme");
  await pool.install(next, []);
  await call(old, "x1", "x2");
  pool.swap(old, next);
  await settle("x1");
  await settle("x2");
  assert.deepEqual(
    [...judges],
    [
      ["x1", 1],
      ["x2", 2],
    ],
  );
  assert.deepEqual(
    threads.map(({ slots }) => [...slots]),
    [[2], [2]],
    "the old policy is freed everywhere",
  );
  await pool.close();
});

test("calls that wait for a policy that is taken away are dropped", async () => {
  const { pool, call, settle, resident, answers } = laboratory();
  const bundle = await resident(1, "acme");
  await call(bundle, "x1", "x2");
  pool.swap(bundle, undefined);
  await settle("x1");
  assert.deepEqual(
    [...answers],
    [
      ["x2", "dropped"],
      ["x1", "result"],
    ],
  );
  await pool.close();
});

test("closing answers every open call, and later ones at once", async () => {
  const { pool, call, resident, answers, threads } = laboratory();
  const bundle = await resident(1, "acme");
  await call(bundle, "x1", "x2");
  await pool.close();
  await call(bundle, "x3");
  assert.deepEqual([...answers.values()], ["lost", "lost", "lost"]);
  assert.equal(threads.length, 2, "no successor is started");
});
