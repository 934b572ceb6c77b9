// Runs calls on threads, one run of one principal per thread at a time, in the order of the fair queue. A thread that had to be ended
// is its culprit's until its successor is ready, and the time this takes is charged to the culprit. Evaluation has no effects,
// so calls that were on a thread with the culprit just run again.
import { type EvaluationThread, INPUTS_MAX, type ThreadAnswer } from "./evaluation-thread.ts";
import type { Evaluation } from "./evaluator.ts";
import { createFairQueue, type QueuedCall, type Run } from "./fair-queue.ts";

/** A policy that threads can hold. */
export interface PoolBundle {
  /** Never used twice in one pool. */
  readonly slot: number;
  readonly tenant: string;
  readonly module: WebAssembly.Module;
  readonly dataJson: string;
}

export type PoolAnswer =
  | Evaluation
  /** The call passed its deadline, or its thread was lost with it. */
  | Extract<ThreadAnswer, { kind: "overrun" | "lost" }>
  /** Too much was waiting, or this call waited too long. */
  | { readonly kind: "crowded" }
  /** No policy was in force when the call's turn came. */
  | { readonly kind: "dropped" };

export interface EvaluationPool<Bundle extends PoolBundle> {
  /**
   * Instantiates and tries a policy on one thread after the other, be it all of them or those that are open; the first answer that
   * is not "loaded" ends it. Any other thread loads the policy when it first needs it.
   */
  install(bundle: Bundle, trials: readonly string[], threads: "all" | "open"): Promise<ThreadAnswer>;
  /** From now on `next` serves its tenant, waiting calls included. */
  putInForce(next: Bundle): void;
  /** Frees a policy everywhere, whether it was in force or only installed. */
  remove(bundle: Bundle): void;
  /** The tenant's policy in force. */
  resident(tenant: string): Bundle | undefined;
  /** Answers by the policy in force when the call's turn comes, and with it. */
  evaluate(call: QueuedCall): Promise<{ readonly answer: PoolAnswer; readonly bundle: Bundle | undefined }>;
  close(): Promise<void>;
}

export interface PoolOptions {
  readonly openThread: () => EvaluationThread;
  /** At least 2. */
  readonly threads: number;
  /** For one evaluation, from when a thread starts on it. */
  readonly deadlineMs: number;
  /** For instantiating a policy and trying it. */
  readonly loadDeadlineMs: number;
  readonly slowMs: number;
  readonly waitingMs: number;
  /** See `FairQueueOptions.weightMax`. */
  readonly waitingWeightMax: number;
}

interface OpenCall<Bundle> extends QueuedCall {
  /** Waited longer than it may. */
  expired: boolean;
  timer?: NodeJS.Timeout;
  settle(answer: PoolAnswer, bundle: Bundle | undefined): void;
}

/**
 * A place for a thread, which is opened when it is first needed. It is busy while something runs, or while a successor for a broken
 * thread starts.
 */
interface Place {
  thread: EvaluationThread | undefined;
  readonly slots: Set<number>;
  busy: boolean;
  readonly claims: (() => void)[];
}

/** A run begins with no further call once this time has passed. */
const RUN_MS = 2;

/** Pause before another try when even a fresh thread cannot load what it must. */
const REVIVAL_PAUSE_MS = 1_000;

const CLOSED = { kind: "failure", detail: "the engine is closed" } as const;
const CROWDED = { kind: "crowded" } as const;
const DROPPED = { kind: "dropped", spentMs: 0 } as const;
const NOT_NEEDED = { kind: "loaded", trials: [], spentMs: 0 } as const;

type RunAnswer = ThreadAnswer | typeof DROPPED;

export function createEvaluationPool<Bundle extends PoolBundle>(
  options: PoolOptions,
): EvaluationPool<Bundle> {
  const places: readonly Place[] = Array.from({ length: Math.max(2, options.threads) }, () => ({
    thread: undefined,
    slots: new Set<number>(),
    busy: false,
    claims: [],
  }));
  const residents = new Map<string, Bundle>();
  const queue = createFairQueue<OpenCall<Bundle>>({
    places: places.length,
    slowMs: options.slowMs,
    runMs: RUN_MS,
    runCallsMax: INPUTS_MAX,
    weightMax: options.waitingWeightMax,
  });
  let closed = false;

  function dispatch(): void {
    for (const place of places) {
      if (place.busy) continue;
      const run = queue.take();
      if (run === undefined) return;
      void start(place, run);
    }
  }

  async function start(place: Place, run: Run<OpenCall<Bundle>>): Promise<void> {
    place.busy = true;
    const bundle = residents.get(run.tenant);
    const answer = await (bundle === undefined ? DROPPED : ask(place, bundle, run.calls));
    const rest = run.calls.filter((call, index) => !settle(call, answerTo(call, index, answer), bundle));
    queue.charge(run, answer.spentMs, run.calls.length - rest.length);
    queue.giveBack(rest);
    if (bundle !== undefined) dropIfReplaced(place, bundle);
    await vacate(place, answer, run);
  }

  /** What a thread's answer says to a call of its run; undefined if the call is to have another turn. */
  function answerTo(call: OpenCall<Bundle>, index: number, answer: RunAnswer): PoolAnswer | undefined {
    if (answer.kind === "loaded") return { kind: "failure", detail: "a thread answered another question" };
    const own = answer.kind === "evaluated" ? answer.evaluations[index] : answer;
    if (own !== undefined && (!isEnd(own) || own.at === index)) return own;
    if (closed) return CLOSED;
    return call.expired ? CROWDED : undefined;
  }

  async function ask(place: Place, bundle: Bundle, calls: readonly QueuedCall[]): Promise<ThreadAnswer> {
    const { slot } = bundle;
    // A thread opens without policies, and its successor may have been started without this one.
    const ready = place.slots.has(slot) ? undefined : await load(place, bundle, []);
    if (ready !== undefined && ready.kind !== "loaded") return ready;
    const inputs = calls.map(({ inputJson }) => inputJson);
    return threadOf(place).ask({ kind: "evaluate", slot, inputs, runMs: RUN_MS }, options.deadlineMs);
  }

  function settle(
    call: OpenCall<Bundle>,
    answer: PoolAnswer | undefined,
    bundle: Bundle | undefined,
  ): boolean {
    if (answer === undefined) return false;
    clearTimeout(call.timer);
    call.settle(answer, bundle);
    return true;
  }

  /** Gives a call up if it waits. One that runs is answered, unless it comes back from its run without an answer. */
  function expire(call: OpenCall<Bundle>): void {
    call.expired = true;
    if (queue.remove(call)) settle(call, CROWDED, residents.get(call.tenant));
  }

  async function load(place: Place, bundle: Bundle, trials: readonly string[]): Promise<ThreadAnswer> {
    const { slot, module, dataJson } = bundle;
    const request = { kind: "load", slot, module, dataJson, trials } as const;
    const answer = await threadOf(place).ask(request, options.loadDeadlineMs);
    if (answer.kind === "loaded") place.slots.add(slot);
    return answer;
  }

  function threadOf(place: Place): EvaluationThread {
    place.thread ??= options.openThread();
    return place.thread;
  }

  function drop(place: Place, slot: number): void {
    if (place.slots.delete(slot)) place.thread?.drop(slot);
  }

  function dropIfReplaced(place: Place, bundle: Bundle): void {
    if (residents.get(bundle.tenant) !== bundle) drop(place, bundle.slot);
  }

  /** Puts a thread in the place of one that ended, at the expense of the run that ended it. */
  async function revive(place: Place, run?: Run<OpenCall<Bundle>>): Promise<void> {
    while (!closed) {
      place.thread = options.openThread();
      place.slots.clear();
      const answers = [];
      for (const bundle of residents.values()) {
        answers.push(await load(place, bundle, []));
        dropIfReplaced(place, bundle);
      }
      if (run !== undefined) for (const { spentMs } of answers) queue.charge(run, spentMs, 0);
      if (!answers.some(isEnd)) return;
      await new Promise((resolve) => setTimeout(resolve, REVIVAL_PAUSE_MS).unref());
    }
  }

  /** Frees a place once it has a living thread again. */
  async function vacate(place: Place, answer: RunAnswer, run?: Run<OpenCall<Bundle>>): Promise<void> {
    if (isEnd(answer)) await revive(place, run);
    if (run !== undefined) queue.free(run);
    place.busy = false;
    place.claims.shift()?.();
    dispatch();
  }

  /** Waits for a place and takes it. It passes from hand to hand: no call can slip in between. */
  function claim(place: Place): Promise<void> {
    return new Promise((resolve) => {
      const take = () => {
        place.busy = true;
        resolve();
      };
      if (place.busy) place.claims.push(take);
      else take();
    });
  }

  return {
    async install(bundle, trials, threads) {
      let answer: ThreadAnswer = NOT_NEEDED;
      for (const place of places) {
        if (threads === "open" && place.thread === undefined) continue;
        await claim(place);
        answer = await load(place, bundle, trials);
        void vacate(place, answer);
        if (answer.kind !== "loaded") break;
      }
      return answer;
    },

    putInForce(next) {
      const old = residents.get(next.tenant);
      residents.set(next.tenant, next);
      if (old !== undefined) for (const place of places) drop(place, old.slot);
    },

    remove(bundle) {
      if (residents.get(bundle.tenant) === bundle) residents.delete(bundle.tenant);
      for (const place of places) drop(place, bundle.slot);
    },

    resident: (tenant) => residents.get(tenant),

    evaluate(call) {
      if (closed) return Promise.resolve({ answer: CLOSED, bundle: residents.get(call.tenant) });
      return new Promise((resolve) => {
        const open: OpenCall<Bundle> = {
          ...call,
          expired: false,
          settle: (answer, bundle) => resolve({ answer, bundle }),
        };
        open.timer = setTimeout(expire, options.waitingMs, open);
        for (const crowded of queue.enter(open)) settle(crowded, CROWDED, residents.get(crowded.tenant));
        dispatch();
      });
    },

    async close() {
      closed = true;
      for (const call of queue.drain()) settle(call, CLOSED, residents.get(call.tenant));
      await Promise.all(places.map((place) => place.thread?.close()));
    },
  };
}

function isEnd(
  answer: RunAnswer | PoolAnswer,
): answer is Extract<ThreadAnswer, { kind: "overrun" | "lost" }> {
  return answer.kind === "overrun" || answer.kind === "lost";
}
