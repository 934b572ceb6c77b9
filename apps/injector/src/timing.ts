// Waiting enters the injector here, so that what waits can be tested without a clock running.
import { setTimeout as delay } from "node:timers/promises";

/** Resolves after `ms`, or as soon as the signal fires; never rejects. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

export const systemSleep: Sleep = (ms, signal) => delay(ms, undefined, signal && { signal }).catch(() => {});
