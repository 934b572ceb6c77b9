// So many at once, and so many a second after that: what keeps a flood of messages from becoming a flood of log lines and spans.
import type { Clock } from "@postern/fault";

export interface Allowance {
  /** Whether one more is allowed. */
  take(): boolean;
}

export interface AllowanceOptions {
  readonly burst: number;
  readonly perSecond: number;
  readonly clock: Pick<Clock, "monotonicMs">;
}

/** A bucket that refills with time. */
export function createAllowance({ burst, perSecond, clock }: AllowanceOptions): Allowance {
  let left = burst;
  let filledMs = clock.monotonicMs();
  return {
    take() {
      const nowMs = clock.monotonicMs();
      left = Math.min(burst, left + ((nowMs - filledMs) * perSecond) / 1_000);
      filledMs = nowMs;
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
}
