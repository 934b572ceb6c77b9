// What each stage of a call costs by itself: the real functions of the packages on the bench's own call, in one process, one after the
// other. In the running sidecar, where caches are colder, a stage costs half as much again to twice that.
import { tmpdir } from "node:os";
import { type TestScope, temporaryDirectory } from "@postern/testkit";
import { describeMachine, type Machine } from "./machine.ts";
import type { OwnTime, Stage } from "./stage.ts";
import { openStageParts } from "./stage-parts.ts";

export interface StagesRun {
  readonly machine: Machine;
  readonly stages: readonly StageCost[];
}

export interface StageCost {
  readonly stage: string;
  readonly title: string;
  /** Microseconds for one call: median and least of the batches. */
  readonly us: number;
  readonly usMin: number;
}

const BATCHES = 15;

export async function runStages(
  scope: TestScope,
  { timeMs }: { readonly timeMs: number },
  onProgress: (text: string) => void,
): Promise<StagesRun> {
  const machine = describeMachine(tmpdir());
  const parts = await openStageParts(scope, temporaryDirectory(scope));
  const stages: StageCost[] = [];
  try {
    for (const stage of parts.stages) {
      onProgress(stage.title);
      stages.push(await cost(stage, timeMs));
    }
  } finally {
    await parts.close();
  }
  return { machine, stages };
}

/** Runs a stage for about `timeMs`, of which the first part only warms up. */
async function cost({ stage, title, run, callsPerRun = 1 }: Stage, timeMs: number): Promise<StageCost> {
  const { runs } = await repeat(run, timeMs / 3);
  const perBatch = Math.max(1, Math.round((2 * runs) / BATCHES));
  const usPerCall: number[] = [];
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const startedMs = performance.now();
    let ownMs: number | undefined;
    for (let n = 0; n < perBatch; n += 1) {
      const told: unknown = await run();
      if (isOwnTime(told)) ownMs = (ownMs ?? 0) + told.tookMs;
    }
    const tookMs = ownMs ?? performance.now() - startedMs;
    usPerCall.push((tookMs * 1000) / (perBatch * callsPerRun));
  }
  usPerCall.sort((a, b) => a - b);
  const [usMin = Number.NaN] = usPerCall;
  return { stage, title, us: usPerCall[BATCHES >> 1] ?? Number.NaN, usMin };
}

const isOwnTime = (told: unknown): told is OwnTime =>
  typeof told === "object" && told !== null && "tookMs" in told;

async function repeat(run: Stage["run"], timeMs: number): Promise<{ runs: number }> {
  const endMs = performance.now() + timeMs;
  let runs = 0;
  do {
    await run();
    runs += 1;
  } while (performance.now() < endMs);
  return { runs };
}
