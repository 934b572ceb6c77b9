// Windows to medians, and medians to a table. A ratio is taken within a repetition, where both sides met the same machine.
import type { LineName } from "./lines.ts";
import { CONNECTIONS, type Connections, type Measured, type ProxyRun } from "./proxy.ts";
import { printTable } from "./table.ts";

interface ProxyRatios {
  /** Requests per second with everything on, over bare passthrough. */
  readonly on_vs_bare_rps: number;
  readonly on_added_p50_ms: number;
  readonly on_added_p99_ms: number;
  readonly disk_vs_bare_rps: number;
  readonly intent_vs_bare_rps: number;
  /** Processor time per request with everything on, over bare passthrough: the steadier figure. */
  readonly on_vs_bare_cpu: number;
}

/** At 64 connections. */
function ratiosOf({ windows }: ProxyRun): ProxyRatios {
  const at = (line: LineName) => compare(windows, line, 64);
  return {
    on_vs_bare_rps: round(at("on").rps, 3),
    on_added_p50_ms: round(at("on").addedP50Ms, 3),
    on_added_p99_ms: round(at("on").addedP99Ms, 3),
    disk_vs_bare_rps: round(at("disk").rps, 3),
    intent_vs_bare_rps: round(at("intent").rps, 3),
    on_vs_bare_cpu: round(at("on").cpu, 2),
  };
}

export function proxyJson(run: ProxyRun): string {
  return JSON.stringify({ bench: "proxy", ratios: ratiosOf(run), ...run });
}

export function proxyTable({ machine, titles, windows }: ProxyRun): string {
  const { cpu, cores, memoryGib, system, node, pinned, fdatasyncMs } = machine;
  const about = [
    `${cpu}, ${cores} processors, ${memoryGib} GiB, ${system}, Node ${node}, fdatasync ${fdatasyncMs.toFixed(2)} ms`,
    pinned
      ? "proxy on processor 1; load generator, tool server and control plane on processor 0"
      : "not pinned: proxy and load share processors",
  ];
  const failures = windows.filter(({ failed }) => failed > 0);
  const failed = failures.reduce((sum, window) => sum + window.failed, 0);
  const told = failed === 0 ? [] : [`${failed} calls failed, the first with: ${failures[0]?.failure}`];
  return [...about, ...CONNECTIONS.map((connections) => tableAt(windows, titles, connections)), ...told].join(
    "\n\n",
  );
}

function tableAt(windows: readonly Measured[], titles: ProxyRun["titles"], connections: Connections): string {
  const rows = Object.entries(titles).map(([name, title]) => {
    const taken = windows.filter((window) => window.line === name && window.connections === connections);
    const of = (read: (window: Measured) => number) => median(taken.map(read));
    const against = compare(windows, name as LineName, connections);
    return [
      title,
      of(({ rps }) => rps).toFixed(0),
      against.rps.toFixed(2),
      of(({ p50Ms }) => p50Ms).toFixed(2),
      of(({ p99Ms }) => p99Ms).toFixed(2),
      signed(against.addedP50Ms),
      signed(against.addedP99Ms),
      of(({ cpuUs }) => cpuUs).toFixed(0),
      against.cpu.toFixed(2),
      `${(100 * of(({ busy }) => busy)).toFixed(0)} %`,
      of(({ rssMib }) => rssMib).toFixed(0),
    ];
  });
  const heads = [
    "req/s",
    "of bare",
    "p50 ms",
    "p99 ms",
    "+p50",
    "+p99",
    "CPU µs",
    "of bare",
    "busy",
    "RSS MiB",
  ];
  return printTable([[`connections: ${connections}`, ...heads], ...rows]);
}

/** A line against bare passthrough: median over the repetitions of what each of them says. */
function compare(windows: readonly Measured[], line: LineName, connections: Connections) {
  const pairs = windows.flatMap((window) => {
    if (window.line !== line || window.connections !== connections) return [];
    const bare = windows.find(
      (other) =>
        other.line === "bare" && other.connections === connections && other.repetition === window.repetition,
    );
    return bare === undefined ? [] : [{ window, bare }];
  });
  return {
    rps: median(pairs.map(({ window, bare }) => window.rps / bare.rps)),
    cpu: median(pairs.map(({ window, bare }) => window.cpuUs / bare.cpuUs)),
    addedP50Ms: median(pairs.map(({ window, bare }) => window.p50Ms - bare.p50Ms)),
    addedP99Ms: median(pairs.map(({ window, bare }) => window.p99Ms - bare.p99Ms)),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

const signed = (value: number) => `${value < 0 ? "" : "+"}${value.toFixed(2)}`;
const round = (value: number, digits: number) => Number(value.toFixed(digits));
