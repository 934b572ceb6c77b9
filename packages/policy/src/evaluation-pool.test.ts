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
import { CALL_WEIGHT } from "./fair-queue.ts";

const LOADED: ThreadAnswer = { kind: "loaded", trials: [], spentMs: 1 };
const OVERRUN: ThreadAnswer = { kind: "overrun", at: 0, spentMs: 50 };
const BROKEN: ThreadAnswer = { kind: "failure", detail: "out of luck", spentMs: 1 };

/** A thread that answers when the test says so. */
interface MemoryThread extends EvaluationThread {
  /** What it was asked and has not answered: inputs, or "load <slot>". */
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
        open = { question: kind === "load" ? `load ${slot}` : request.inputs.join(" "), resolve };
      });
      if (kind === "load" && loadsAtOnce()) thread.answer(LOADED);
      return asked;
    },
    drop: (slot) => void slots.delete(slot),
    close: async () => thread.answer({ kind: "lost", at: 0, spentMs: 1, detail: "closed" }),
  };
  return thread;
}

function laboratory(options: Partial<PoolOptions> = {}) {
  const threads: MemoryThread[] = [];
  const answers = new Map<string, PoolAnswer["kind"]>();
  const judges = new Map<string, number | undefined>();
  const state = { loadsAtOnce: true };
  const pool = createEvaluationPool<PoolBundle>({
    threads: 2,
    deadlineMs: 50,
    loadDeadlineMs: 1_000,
    slowMs: 5,
    waitingMs: 60_000,
    waitingWeightMax: 100 * CALL_WEIGHT,
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
    /** Asks for these inputs; an input's agent is its first letter. */
    async call({ tenant }: PoolBundle, ...inputs: readonly string[]) {
      for (const inputJson of inputs) {
        void pool.evaluate({ tenant, agent: inputJson.charAt(0), inputJson }).then((told) => {
          answers.set(inputJson, told.answer.kind);
          judges.set(inputJson, told.bundle?.slot);
        });
      }
      await turn();
    },
    running: () => threads.flatMap((thread) => thread.question() ?? []).sort(),
    /** Has a thread answer, by default with results for its first `done` inputs. */
    async settle(question: string, answer: ThreadAnswer | { done: number } = { done: 16 }) {
      const thread = threads.find((candidate) => candidate.question() === question);
      assert.ok(thread !== undefined, `${question} is not running`);
      const results = question.split(" ").map(() => ({ kind: "result", text: "[]" }) as const);
      thread.answer(
        "done" in answer
          ? { kind: "evaluated", evaluations: results.slice(0, answer.done), spentMs: 0.1 }
          : answer,
      );
      await turn();
    },
    async resident(slot: number, tenant: string) {
      const bundle = bundleOf(slot, tenant);
      assert.equal((await pool.install(bundle, [], "all")).kind, "loaded");
      pool.putInForce(bundle);
      return bundle;
    },
  };
}

test("calls of different agents run side by side, one per thread, and the others wait their turn", async () => {
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

test("an agent never holds the last thread, and what it asks meanwhile runs in one go", async () => {
  const { pool, call, running, settle, resident, answers } = laboratory();
  const bundle = await resident(1, "acme");
  await call(bundle, "x1", "x2", "x3");
  assert.deepEqual(running(), ["x1"]);
  await call(bundle, "y1");
  assert.deepEqual(running(), ["x1", "y1"]);
  await settle("x1");
  assert.deepEqual(running(), ["x2 x3", "y1"]);
  await settle("x2 x3");
  assert.deepEqual([...answers.keys()], ["x1", "x2", "x3"]);
  await pool.close();
});

test("calls that a run leaves over have the next turn of their agent", async () => {
  const { pool, call, running, settle, resident, answers } = laboratory();
  const bundle = await resident(1, "acme");
  await call(bundle, "x1", "x2", "x3", "x4");
  await settle("x1");
  await call(bundle, "x5");
  await settle("x2 x3 x4", { done: 1 });
  assert.deepEqual([...answers.keys()], ["x1", "x2"]);
  assert.deepEqual(running(), ["x3 x4 x5"]);
  await pool.close();
});

test("of a run that had to be ended only the culprit is denied; the others run again, one by one", async () => {
  const { pool, call, running, settle, resident, answers } = laboratory();
  const bundle = await resident(1, "acme");
  await call(bundle, "x1", "x2", "x3", "x4");
  await settle("x1");
  await settle("x2 x3 x4", { ...OVERRUN, at: 1 });
  assert.deepEqual(
    [...answers],
    [
      ["x1", "result"],
      ["x3", "overrun"],
    ],
  );
  assert.deepEqual(running(), ["x2"]);
  await settle("x2");
  assert.deepEqual(running(), ["x4"]);
  await pool.close();
});

test("a thread that had to be ended is its culprit's until its successor is ready", async () => {
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

test("what a successor costs is charged to the culprit", async () => {
  const { pool, call, running, settle, resident, state } = laboratory();
  const bundle = await resident(1, "acme");
  state.loadsAtOnce = false;
  for (const [agent, revivalMs] of [
    ["x", 100],
    ["y", 1],
    ["s", 1],
  ] as const) {
    await call(bundle, agent);
    await settle(agent, { ...OVERRUN, spentMs: agent === "x" ? 50 : 60 });
    await settle("load 1", { ...LOADED, spentMs: revivalMs });
  }
  await call(bundle, "s1", "x1", "y1");
  assert.deepEqual(running(), ["s1"]);
  await settle("s1");
  assert.deepEqual(running(), ["y1"]);
  await pool.close();
});

test("the slow together never hold the last thread", async () => {
  const { pool, call, running, settle, resident } = laboratory({ threads: 3 });
  const bundle = await resident(1, "acme");
  for (const agent of ["a", "b", "c"]) {
    await call(bundle, agent);
    await settle(agent, OVERRUN);
  }
  await call(bundle, "a1", "b1", "c1");
  assert.deepEqual(running(), ["a1", "b1"]);
  await call(bundle, "q");
  assert.deepEqual(running(), ["a1", "b1", "q"]);
  await settle("q");
  await settle("b1", OVERRUN);
  assert.deepEqual(running(), ["a1", "c1"]);
  await pool.close();
});

test("a successor that lacks a policy loads it before it evaluates", async () => {
  const { pool, call, running, settle, resident, state } = laboratory();
  const bundle = await resident(1, "acme");
  await call(bundle, "x1");
  state.loadsAtOnce = false;
  await settle("x1", OVERRUN);
  await settle("load 1", BROKEN);
  await call(bundle, "x2", "y1");
  assert.deepEqual(running(), ["load 1", "y1"]);
  await settle("load 1", LOADED);
  assert.deepEqual(running(), ["x2", "y1"]);
  await pool.close();
});

test("a policy that is replaced while a successor loads it is freed there too", async () => {
  const { pool, call, settle, resident, bundleOf, state, threads } = laboratory();
  const old = await resident(1, "acme");
  const next = bundleOf(2, "acme");
  await pool.install(next, [], "all");
  await call(old, "x1");
  state.loadsAtOnce = false;
  await settle("x1", OVERRUN);
  pool.putInForce(next);
  await settle("load 1", LOADED);
  assert.deepEqual(
    threads.slice(1).map(({ slots }) => [...slots]),
    [[2], []],
  );
  await pool.close();
});

test("when too much waits, whoever waits with most is refused", async () => {
  const crowd = laboratory({ waitingWeightMax: 3 * CALL_WEIGHT + 6 });
  const bundle = await crowd.resident(1, "acme");
  await crowd.call(bundle, "x1", "x2", "x3", "x4");
  assert.deepEqual([...crowd.answers], []);
  await crowd.call(bundle, "y1", "z1");
  assert.deepEqual([...crowd.answers], [["x4", "crowded"]], "whoever waits with most gives way");
  await crowd.pool.close();
});

test("a call that waits too long is refused, and one that has begun is answered", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { pool, call, running, settle, resident, answers } = laboratory({ waitingMs: 10 });
  const bundle = await resident(1, "acme");
  await call(bundle, "x1", "x2");
  t.mock.timers.tick(10);
  await settle("x1");
  assert.deepEqual(
    [...answers],
    [
      ["x2", "crowded"],
      ["x1", "result"],
    ],
  );
  assert.deepEqual(running(), [], "a call that gave up does not run later");
  await pool.close();
});

test("a call that has waited too long is not given another turn", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { pool, call, running, settle, resident, answers } = laboratory({ waitingMs: 10 });
  const bundle = await resident(1, "acme");
  await call(bundle, "x1", "x2", "x3");
  await settle("x1");
  t.mock.timers.tick(10);
  await settle("x2 x3", { done: 1 });
  assert.deepEqual(running(), []);
  assert.deepEqual([answers.get("x2"), answers.get("x3")], ["result", "crowded"]);
  await pool.close();
});

test("a policy that does not load holds one thread only, and the others never see it", async () => {
  const { pool, call, running, settle, resident, bundleOf, state, threads } = laboratory();
  const bundle = await resident(1, "acme");
  state.loadsAtOnce = false;
  const installed = pool.install(bundleOf(2, "acme"), [], "all");
  await call(bundle, "a");
  assert.deepEqual(running(), ["a", "load 2"]);
  await settle("load 2", OVERRUN);
  assert.equal((await installed).kind, "overrun");
  await settle("load 1", LOADED);
  pool.remove(bundleOf(2, "acme"));
  assert.equal(pool.resident("acme"), bundle);
  await settle("a");
  assert.deepEqual(threads.map(({ slots }) => [...slots]).slice(1), [[1], [1]]);
  await pool.close();
});

test("a thread goes from a call straight to the policy that waits for it", async () => {
  const { pool, call, running, settle, resident, bundleOf, state } = laboratory();
  const bundle = await resident(1, "acme");
  await call(bundle, "a", "b", "c");
  state.loadsAtOnce = false;
  const installed = pool.install(bundleOf(2, "acme"), [], "all");
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
  await pool.install(next, [], "all");
  await call(old, "x1", "x2");
  pool.putInForce(next);
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

test("calls whose policy is gone when their turn comes are dropped", async () => {
  const { pool, call, settle, resident, answers } = laboratory();
  const bundle = await resident(1, "acme");
  await call(bundle, "x1", "x2", "x3");
  pool.remove(bundle);
  await settle("x1");
  await turn();
  assert.deepEqual(
    [...answers],
    [
      ["x1", "result"],
      ["x2", "dropped"],
      ["x3", "dropped"],
    ],
  );
  await pool.close();
});

test("closing answers every open call, and later ones at once", async () => {
  const { pool, call, settle, resident, answers, threads } = laboratory();
  const bundle = await resident(1, "acme");
  await call(bundle, "x1", "x2", "x3");
  await settle("x1");
  await call(bundle, "x4");
  await pool.close();
  await call(bundle, "x5");
  const kinds = ["x1", "x2", "x3", "x4", "x5"].map((input) => answers.get(input));
  assert.deepEqual(kinds, ["result", "lost", "failure", "failure", "failure"]);
  assert.equal(threads.length, 2, "no successor is started");
});
