// Which calls run next, so that nothing a caller may choose stalls another caller. Each principal has a queue of its own, and whoever
// has had least time goes first: time is shared out, not calls. Nobody holds the last place, the slow together neither, and a slow
// principal holds one: so the quick wait for the quick only. A pure structure: whoever runs the calls says how long they took.

/** `tenant` and `agent` together are the principal that the call counts against: they must be nothing that callers choose. */
export interface QueuedCall {
  readonly tenant: string;
  readonly agent: string;
  readonly inputJson: string;
}

/** Calls of one principal that run one after the other in one place. */
export interface Run<Call> {
  readonly tenant: string;
  readonly agent: string;
  /** At least one. */
  readonly calls: readonly Call[];
}

export interface FairQueue<Call extends QueuedCall> {
  /**
   * Puts a call last in its principal's queue. Returns those that no room is left for: the newest of whoever waits with most,
   * so that a crowd pushes out its own calls. The call itself may be among them.
   */
  enter(call: Call): readonly Call[];
  /**
   * Takes the calls that a free place runs next; it is taken until `free`. Undefined if no waiting call may start now. At most one
   * run of each other principal starts before a newcomer's first: many of them, each in its own right, still share the places.
   */
  take(): Run<Call> | undefined;
  /** Counts time against a run's principal. Without `calls`, it says nothing of how long its calls take. */
  charge(run: Run<Call>, spentMs: number, calls: number): void;
  /** Puts calls of a run that did not get their turn before all others of their principal. */
  giveBack(calls: readonly Call[]): void;
  free(run: Run<Call>): void;
  /** False if the call does not wait. */
  remove(call: Call): boolean;
  /** Removes every waiting call. */
  drain(): readonly Call[];
}

export interface FairQueueOptions {
  /** How many runs there may be at a time; at least 2. */
  readonly places: number;
  /** A principal is slow while its calls take at least this long, the latest ones counting most. */
  readonly slowMs: number;
  /** How long a run should take; it is one call at least. */
  readonly runMs: number;
  readonly runCallsMax: number;
  /** What may wait, each call weighing its input's characters and `CALL_WEIGHT`. */
  readonly weightMax: number;
}

interface Principal<Call> {
  readonly tenant: string;
  readonly agent: string;
  readonly calls: Call[];
  weight: number;
  /** Time it has had, on the queue's own clock, which does not run while nobody is served. */
  servedMs: number;
  /** What one of its calls has taken lately. */
  recentMs: number;
}

/** What a waiting call costs in memory beside its text, in characters. */
export const CALL_WEIGHT = 16 * 1024;

/** What a run is charged at once, so that equals take turns. */
const START_MS = 0.05;

/** Weight of the latest run in what a call of its principal has taken lately. */
const LATEST_WEIGHT = 1 / 4;

/** Beyond so many, principals with nothing to run are forgotten. */
const PRINCIPALS_MAX = 4_096;

export function createFairQueue<Call extends QueuedCall>(options: FairQueueOptions): FairQueue<Call> {
  const { places, slowMs, runMs, runCallsMax, weightMax } = options;
  /** In the order in which they last were served. */
  const principals = new Map<string, Principal<Call>>();
  const waiting = new Set<Principal<Call>>();
  /** One entry for each place that is taken. */
  const running: Principal<Call>[] = [];
  let weight = 0;
  /** `servedMs` of the latest run's principal when it started: nobody saves up time by staying away, or by being held back. */
  let nowMs = 0;

  const isSlow = (principal: Principal<Call>) => principal.recentMs >= slowMs;

  function mayStart(principal: Principal<Call>): boolean {
    const held = running.filter((other) => other === principal).length;
    if (!isSlow(principal)) return held < places - 1;
    return held === 0 && running.filter(isSlow).length < places - 1;
  }

  function runLength({ recentMs }: Principal<Call>): number {
    return Math.max(1, Math.min(runCallsMax, Math.floor(runMs / recentMs)));
  }

  function principalOf({ tenant, agent }: Pick<Call, "tenant" | "agent">): Principal<Call> {
    const name = nameOf({ tenant, agent });
    const known = principals.get(name);
    if (known !== undefined) return known;
    const principal = { tenant, agent, calls: [], weight: 0, servedMs: 0, recentMs: 0 };
    principals.set(name, principal);
    return principal;
  }

  function insert(principal: Principal<Call>, index: number, calls: readonly Call[]): void {
    principal.calls.splice(index, 0, ...calls);
    weigh(principal, calls, 1);
  }

  function extract(principal: Principal<Call>, index: number, count: number): readonly Call[] {
    const calls = principal.calls.splice(index, count);
    weigh(principal, calls, -1);
    return calls;
  }

  function weigh(principal: Principal<Call>, calls: readonly Call[], sign: 1 | -1): void {
    for (const { inputJson } of calls) {
      principal.weight += sign * (inputJson.length + CALL_WEIGHT);
      weight += sign * (inputJson.length + CALL_WEIGHT);
    }
    if (principal.calls.length === 0) waiting.delete(principal);
    else waiting.add(principal);
  }

  /** A principal that is forgotten is a new one when it comes back; the one served longest ago goes first. */
  function forget(): void {
    for (const principal of principals.values()) {
      if (principals.size <= PRINCIPALS_MAX) return;
      if (!waiting.has(principal) && !running.includes(principal)) principals.delete(nameOf(principal));
    }
  }

  return {
    enter(call) {
      const principal = principalOf(call);
      if (!waiting.has(principal)) principal.servedMs = Math.max(principal.servedMs, nowMs);
      insert(principal, principal.calls.length, [call]);
      const crowded: Call[] = [];
      while (weight > weightMax) {
        const heaviest = [...waiting].reduce((most, other) => (other.weight > most.weight ? other : most));
        crowded.push(...extract(heaviest, heaviest.calls.length - 1, 1));
      }
      return crowded;
    },

    take() {
      let next: Principal<Call> | undefined;
      for (const principal of waiting) {
        const first = next === undefined || principal.servedMs < next.servedMs;
        if (first && mayStart(principal)) next = principal;
      }
      if (next === undefined) return undefined;
      nowMs = Math.max(nowMs, next.servedMs);
      next.servedMs = nowMs + START_MS;
      running.push(next);
      const { tenant, agent } = next;
      return { tenant, agent, calls: extract(next, 0, runLength(next)) };
    },

    charge(run, spentMs, calls) {
      const principal = principalOf(run);
      principal.servedMs += spentMs;
      if (calls > 0) principal.recentMs += (spentMs / calls - principal.recentMs) * LATEST_WEIGHT;
    },

    giveBack(calls) {
      for (const call of calls.toReversed()) insert(principalOf(call), 0, [call]);
    },

    free(run) {
      const principal = principalOf(run);
      running.splice(running.indexOf(principal), 1);
      principals.delete(nameOf(principal));
      principals.set(nameOf(principal), principal);
      forget();
    },

    remove(call) {
      const principal = principalOf(call);
      const index = principal.calls.indexOf(call);
      if (index >= 0) extract(principal, index, 1);
      return index >= 0;
    },

    drain: () => [...waiting].flatMap((principal) => extract(principal, 0, principal.calls.length)),
  };
}

const nameOf = ({ tenant, agent }: { readonly tenant: string; readonly agent: string }) =>
  `${tenant}\n${agent}`;
