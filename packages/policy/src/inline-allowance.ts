// Who may be evaluated on the caller's own thread. Whoever made that thread work long stays away from it a thousand times as long as it
// worked, so that nobody can hold it up again and again; and when many have, everybody does, since then it is the policy that is dear.
import type { Clock } from "@postern/fault";

export interface InlineAllowance {
  isAllowed(agent: string): boolean;
  /** `spent` is what the evaluation took of the longest that there is: 0 to 1. */
  charge(agent: string, spent: number): void;
}

/** Less than this is work like any other of a call. */
const FREE = 1 / 4;

/** For an evaluation of the longest, which is about a millisecond. */
const ABSENCE_MS = 1_000;

/** So many may be away at a time; each costs the caller's thread a thousandth of its time. */
const AGENTS_MAX = 64;

export function createInlineAllowance(clock: Pick<Clock, "monotonicMs">): InlineAllowance {
  /** Until when an agent stays away, in the order in which they were sent away. */
  const away = new Map<string, number>();
  return {
    isAllowed(agent) {
      if (away.size === 0) return true;
      const nowMs = clock.monotonicMs();
      const untilMs = away.get(agent);
      if (untilMs !== undefined && nowMs < untilMs) return false;
      for (const [other, otherUntilMs] of away) if (otherUntilMs <= nowMs) away.delete(other);
      return away.size < AGENTS_MAX;
    },
    charge(agent, spent) {
      if (spent > FREE) away.set(agent, clock.monotonicMs() + spent * ABSENCE_MS);
    },
  };
}
