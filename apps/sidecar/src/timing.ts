// Waiting enters the sidecar here, so that loops above it can be tested without a clock running.
import { setTimeout as delay } from "node:timers/promises";

/** Resolves after `ms`, or as soon as the signal fires; never rejects. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

export const systemSleep: Sleep = (ms, signal) => delay(ms, undefined, signal && { signal }).catch(() => {});

/** Number in [0, 1). */
export type Random = () => number;

export const systemRandom: Random = () => Math.random();

/**
 * How long to wait before attempt `attempt` (1 = the first repetition): doubles from `firstMs` to `longestMs`, then "full jitter", so that
 * many sidecars that lost their control plane at once do not return to it at once.
 */
export function backoffMs(
  attempt: number,
  random: Random,
  { firstMs = 100, longestMs = 5_000 } = {},
): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(attempt - 1, 20));
  return Math.round(ceiling * (0.1 + 0.9 * random()));
}
