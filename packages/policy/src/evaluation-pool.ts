// Which call runs on which thread. One call per thread at a time, and two bulkheads, so that code that runs away stalls nobody else:
// calls of one lane (one agent's calls of one tool) hold one thread at most, and one tenant never holds the last thread while
// other tenants have policies here. A thread that had to be ended counts as held by its culprit until its successor is ready.
import type { EvaluationThread, ThreadAnswer } from "./evaluation-thread.ts";

/** A policy that threads can hold. */
export interface PoolBundle {
  /** Never used twice in one pool. */
  readonly slot: number;
  readonly tenant: string;
  readonly module: WebAssembly.Module;
  readonly dataJson: string;
}

export type PoolAnswer =
  | ThreadAnswer
  /** Too many calls were waiting, or this one waited too long. */
  | { readonly kind: "crowded" }
  /** The policy was taken away while the call waited. */
  | { readonly kind: "dropped" };

export interface EvaluationPool<Bundle extends PoolBundle> {
  /** Instantiates and tries a policy on one thread after the other; the first answer that is not "loaded" ends it. */
  install(bundle: Bundle, trials: readonly string[]): Promise<ThreadAnswer>;
  /** From now on `next` serves where `old` did, waiting calls included; without `next` they are dropped. */
  swap(old: Bundle | undefined, next: Bundle | undefined): void;
  /** Answers with the policy that answered, which may be the successor of the one given. */
  evaluate(call: PoolCall<Bundle>): Promise<{ readonly answer: PoolAnswer; readonly bundle: Bundle }>;
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
  readonly waitingMs: number;
  readonly waitingCallsMax: number;
  readonly waitingCharsMax: number;
}

export interface PoolCall<Bundle> {
  readonly bundle: Bundle;
  /** Names what must not hold two threads at once. */
  readonly lane: string;
  readonly inputJson: string;
}

interface WaitingCall<Bundle> extends PoolCall<Bundle> {
  bundle: Bundle;
  timer?: NodeJS.Timeout;
  settle(answer: PoolAnswer, bundle: Bundle): void;
}

/** A place for a thread. `holder` is what runs on it, or what broke it while the next one starts. */
interface Place {
  thread: EvaluationThread;
  readonly slots: Set<number>;
  holder: { readonly tenant: string; readonly lane?: string } | undefined;
  readonly claims: (() => void)[];
}

/** Pause before another try when even a fresh thread cannot load what it must. */
const REVIVAL_PAUSE_MS = 1_000;

export function createEvaluationPool<Bundle extends PoolBundle>(
  options: PoolOptions,
): EvaluationPool<Bundle> {
  const places: readonly Place[] = Array.from({ length: Math.max(2, options.threads) }, () => ({
    thread: options.openThread(),
    slots: new Set<number>(),
    holder: undefined,
    claims: [],
  }));
  const residents = new Map<number, Bundle>();
  const waiting: WaitingCall<Bundle>[] = [];
  let waitingChars = 0;
  let closed = false;

  function mayRun({ lane, bundle: { tenant } }: WaitingCall<Bundle>): boolean {
    if (places.some((place) => place.holder?.lane === lane)) return false;
    const alone = [...residents.values()].every((resident) => resident.tenant === tenant);
    return alone || places.filter((place) => place.holder?.tenant === tenant).length < places.length - 1;
  }

  function dispatch(): void {
    for (const place of places) {
      if (place.holder !== undefined) continue;
      const call = waiting.find(mayRun);
      if (call === undefined) return;
      leave(call);
      void run(place, call);
    }
  }

  function enter(call: WaitingCall<Bundle>): void {
    waiting.push(call);
    waitingChars += call.inputJson.length;
    dispatch();
    if (waiting.includes(call)) call.timer = setTimeout(refuse, options.waitingMs, call);
  }

  function leave(call: WaitingCall<Bundle>): void {
    clearTimeout(call.timer);
    waiting.splice(waiting.indexOf(call), 1);
    waitingChars -= call.inputJson.length;
  }

  function refuse(call: WaitingCall<Bundle>): void {
    leave(call);
    call.settle({ kind: "crowded" }, call.bundle);
  }

  async function run(place: Place, { bundle, lane, inputJson, settle }: WaitingCall<Bundle>): Promise<void> {
    place.holder = { tenant: bundle.tenant, lane };
    const { slot } = bundle;
    // A successor thread may have been started without this policy.
    const ready = place.slots.has(slot) ? undefined : await load(place, bundle, []);
    const answer =
      ready === undefined || ready.kind === "loaded"
        ? await place.thread.ask({ kind: "evaluate", slot, inputJson }, options.deadlineMs)
        : ready;
    settle(answer, bundle);
    if (!residents.has(slot)) drop(place, slot);
    await release(place, answer);
  }

  async function load(place: Place, bundle: Bundle, trials: readonly string[]): Promise<ThreadAnswer> {
    const { slot, module, dataJson } = bundle;
    const request = { kind: "load", slot, module, dataJson, trials } as const;
    const answer = await place.thread.ask(request, options.loadDeadlineMs);
    if (answer.kind === "loaded") place.slots.add(slot);
    return answer;
  }

  function drop(place: Place, slot: number): void {
    if (place.slots.delete(slot)) place.thread.drop(slot);
  }

  /** Frees a place once it has a living thread again. */
  async function release(place: Place, answer: ThreadAnswer): Promise<void> {
    if (isEnd(answer)) await revive(place);
    const take = place.claims.shift();
    if (take !== undefined) return take();
    place.holder = undefined;
    dispatch();
  }

  async function revive(place: Place): Promise<void> {
    while (!closed) {
      place.thread = options.openThread();
      place.slots.clear();
      const answers = [];
      for (const bundle of residents.values()) answers.push(await load(place, bundle, []));
      if (!answers.some(isEnd)) return;
      await new Promise((resolve) => setTimeout(resolve, REVIVAL_PAUSE_MS).unref());
    }
  }

  /** Waits for a place and holds it for a tenant. The place passes from hand to hand: no call can slip in between. */
  function claim(place: Place, tenant: string): Promise<void> {
    return new Promise((resolve) => {
      const take = () => {
        place.holder = { tenant };
        resolve();
      };
      if (place.holder === undefined) take();
      else place.claims.push(take);
    });
  }

  return {
    async install(bundle, trials) {
      let answer: ThreadAnswer = { kind: "lost", detail: "there is no thread" };
      for (const place of places) {
        await claim(place, bundle.tenant);
        answer = await load(place, bundle, trials);
        void release(place, answer);
        if (answer.kind !== "loaded") break;
      }
      return answer;
    },

    swap(old, next) {
      if (next !== undefined) residents.set(next.slot, next);
      if (old === undefined) return;
      residents.delete(old.slot);
      for (const call of waiting.filter((candidate) => candidate.bundle === old)) {
        if (next !== undefined) {
          call.bundle = next;
          continue;
        }
        leave(call);
        call.settle({ kind: "dropped" }, old);
      }
      for (const place of places) drop(place, old.slot);
    },

    evaluate(call) {
      const { bundle, inputJson } = call;
      const refused = (answer: PoolAnswer) => Promise.resolve({ answer, bundle });
      if (closed) return refused({ kind: "lost", detail: "the engine is closed" });
      const full = waiting.length >= options.waitingCallsMax;
      if (full || waitingChars + inputJson.length > options.waitingCharsMax)
        return refused({ kind: "crowded" });
      return new Promise((resolve) => {
        enter({ ...call, settle: (answer, answering) => resolve({ answer, bundle: answering }) });
      });
    },

    async close() {
      closed = true;
      for (const call of [...waiting]) {
        leave(call);
        call.settle({ kind: "lost", detail: "the engine is closed" }, call.bundle);
      }
      await Promise.all(places.map((place) => place.thread.close()));
    },
  };
}

const isEnd = ({ kind }: ThreadAnswer) => kind === "overrun" || kind === "lost";
