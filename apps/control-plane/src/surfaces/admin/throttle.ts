// Slows down guessing: each address may fail a number of times, and earns one more try every few seconds. Memory is bounded; the address
// that has been quiet for longest is forgotten first.
import type { Clock } from "@postern/fault";

export interface Throttle {
  /** How long the address must wait before it may try again; 0 = not at all. */
  waitMs(address: string): number;
  failed(address: string): void;
}

const ADDRESSES_MAX = 10_000;

export function createThrottle(options: { clock: Clock; failuresMax: number; tryEveryMs: number }): Throttle {
  const { clock, failuresMax, tryEveryMs } = options;
  /** Address → instant at which all its failures are forgiven. */
  const forgiven = new Map<string, number>();
  return {
    waitMs(address) {
      const debtMs = (forgiven.get(address) ?? 0) - clock.monotonicMs();
      return Math.max(0, debtMs - (failuresMax - 1) * tryEveryMs);
    },
    failed(address) {
      const nowMs = clock.monotonicMs();
      const until = Math.max(nowMs, forgiven.get(address) ?? 0) + tryEveryMs;
      forgiven.delete(address);
      forgiven.set(address, until);
      const [oldest] = forgiven.keys();
      if (forgiven.size > ADDRESSES_MAX && oldest !== undefined) forgiven.delete(oldest);
    },
  };
}
