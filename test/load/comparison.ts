// Windows to medians. A ratio is taken within a repetition, where both sides met the same machine.
import type { LineName } from "./lines.ts";
import type { Measured } from "./proxy.ts";

/** Windows of one case. */
export type Taken = readonly Measured[];

export interface Comparison {
  readonly rps: number;
  readonly cpu: number;
  readonly addedP50Ms: number;
  readonly addedP99Ms: number;
  readonly p99: number;
  readonly addedFirstByteMs: number;
}

/** A line against another one. */
export function compare(taken: Taken, line: LineName, base: LineName = "bare"): Comparison {
  const pairs = taken.flatMap((window) => {
    if (window.line !== line) return [];
    const other = taken.find((each) => each.line === base && each.repetition === window.repetition);
    return other === undefined ? [] : [{ window, other }];
  });
  const of = (read: (window: Measured, other: Measured) => number) =>
    median(pairs.map(({ window, other }) => read(window, other)));
  return {
    rps: of((window, other) => window.rps / other.rps),
    cpu: of((window, other) => window.cpuUs / other.cpuUs),
    addedP50Ms: of((window, other) => window.p50Ms - other.p50Ms),
    addedP99Ms: of((window, other) => window.p99Ms - other.p99Ms),
    p99: of((window, other) => window.p99Ms / other.p99Ms),
    addedFirstByteMs: of((window, other) => window.firstByteP50Ms - other.firstByteP50Ms),
  };
}

export function medianOf(taken: Taken, line: LineName, read: (window: Measured) => number): number {
  return median(taken.filter((window) => window.line === line).map(read));
}

/** The windows case by case, in the order in which the cases were first met. */
export function byCase(windows: Taken): readonly Taken[] {
  const cases = Map.groupBy(windows, ({ connections, title, workload }) =>
    JSON.stringify([workload, title, connections]),
  );
  return [...cases.values()];
}

/** NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
