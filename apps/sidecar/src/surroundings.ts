// What the process gives to everything inside it: time, chance, and where to tell what happened. Tests give others.
import { randomFillSync } from "node:crypto";
import { createSalts } from "@postern/audit";
import { type Clock, type NewId, randomId, systemClock } from "@postern/fault";
import type { Logger, Metrics } from "@postern/telemetry";
import { type Random, type Sleep, systemRandom, systemSleep } from "./timing.ts";

export interface Surroundings {
  readonly clock: Clock;
  readonly sleep: Sleep;
  readonly random: Random;
  readonly newId: NewId;
  /** 128 random bits as hexadecimal text. */
  readonly newSalt: () => string;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export function systemSurroundings(told: Pick<Surroundings, "log" | "metrics">): Surroundings {
  return {
    clock: systemClock,
    sleep: systemSleep,
    random: systemRandom,
    newId: randomId,
    newSalt: createSalts((block) => randomFillSync(block)),
    ...told,
  };
}
