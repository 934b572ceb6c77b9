// The run as tables, one for each case.
import { byCase, compare, median, medianOf, type Taken } from "./comparison.ts";
import { type LineName, TITLES } from "./lines.ts";
import type { MemorySample } from "./memory.ts";
import type { Measured, ProxyRun } from "./proxy.ts";
import { printTable } from "./table.ts";

/** What stands in a column for one line of a case. */
interface Column {
  readonly head: string;
  readonly cell: (taken: Taken, line: LineName) => string;
}

const of =
  (digits: number, read: (window: Measured) => number): Column["cell"] =>
  (taken, line) =>
    medianOf(taken, line, read).toFixed(digits);

const RATE: readonly Column[] = [
  { head: "req/s", cell: of(0, ({ rps }) => rps) },
  { head: "of bare", cell: (taken, line) => known(compare(taken, line).rps, 2) },
];
const LATENCY: readonly Column[] = [
  { head: "p50 ms", cell: of(2, ({ p50Ms }) => p50Ms) },
  { head: "p99 ms", cell: of(2, ({ p99Ms }) => p99Ms) },
  { head: "+p50", cell: (taken, line) => signed(compare(taken, line).addedP50Ms) },
  { head: "+p99", cell: (taken, line) => signed(compare(taken, line).addedP99Ms) },
];
const FIRST_BYTE: readonly Column[] = [
  { head: "1st byte ms", cell: of(2, ({ firstByteP50Ms }) => firstByteP50Ms) },
  { head: "+1st byte", cell: (taken, line) => signed(compare(taken, line).addedFirstByteMs) },
];
const PROCESSOR: readonly Column[] = [
  { head: "CPU µs", cell: of(0, ({ cpuUs }) => cpuUs) },
  { head: "main", cell: of(0, ({ mainCpuUs }) => mainCpuUs) },
  { head: "of bare", cell: (taken, line) => known(compare(taken, line).cpu, 2) },
  {
    head: "busy",
    cell: (taken, line) => `${(100 * medianOf(taken, line, ({ busy }) => busy)).toFixed(0)} %`,
  },
];
const MEMORY: readonly Column[] = [
  { head: "RSS MiB", cell: of(0, ({ rssPeakMib }) => rssPeakMib) },
  { head: "extra MiB", cell: of(0, ({ rssMib, rssPeakMib }) => rssPeakMib - rssMib) },
];
const FLOOD: readonly Column[] = [
  { head: "flood/s", cell: of(0, ({ flooded, requests, rps }) => (flooded * rps) / requests) },
];

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  "first-byte": [...FIRST_BYTE, ...LATENCY, ...PROCESSOR],
  big: [...RATE, ...PROCESSOR, ...MEMORY],
  flood: [...RATE, ...LATENCY.slice(0, 2), ...FLOOD, ...PROCESSOR],
};
const USUAL: readonly Column[] = [...RATE, ...LATENCY, ...PROCESSOR, ...MEMORY.slice(0, 1)];

export function proxyTable(run: ProxyRun): string {
  const { windows } = run;
  return [
    ...about(run),
    ...byCase(windows).map(caseTable),
    ...floodLine(windows),
    ...specials(run),
    ...failures(windows),
  ].join("\n\n");
}

function about({ machine }: ProxyRun): readonly string[] {
  const { cpu, cores, memoryGib, system, node, pinned, fdatasyncMs } = machine;
  return [
    `${cpu}, ${cores} processors, ${memoryGib} GiB, ${system}, Node ${node}, fdatasync ${fdatasyncMs.toFixed(2)} ms`,
    pinned
      ? "proxy on processor 1; load generator, tool server and control plane on processor 0"
      : "not pinned: proxy and load share processors",
  ];
}

function caseTable(taken: Taken): string {
  const [first] = taken;
  if (first === undefined) return "";
  const columns = COLUMNS[first.workload] ?? USUAL;
  const names = Object.keys(TITLES).filter((name): name is LineName =>
    taken.some(({ line }) => line === name),
  );
  const rows = names.map((name) => [TITLES[name], ...columns.map(({ cell }) => cell(taken, name))]);
  const title = `${first.workload}: ${first.title}, connections: ${first.connections}`;
  return `${title}\n${printTable([["", ...columns.map(({ head }) => head)], ...rows])}`;
}

/** The p99 of valid callers beside each flood, over that beside none. */
function floodLine(windows: Taken): readonly string[] {
  const [calm, ...flooded] = byCase(windows.filter(({ workload }) => workload === "flood"));
  if (calm === undefined || flooded.length === 0) return [];
  const p99 = (taken: Taken) => median(taken.map(({ p99Ms }) => p99Ms));
  const told = flooded.map((taken) => `${taken[0]?.title}: ${(p99(taken) / p99(calm)).toFixed(2)} times`);
  return [`p99 of valid callers, of what it is without a flood: ${told.join("; ")}`];
}

function specials({ idleStreams = [], memory = [], start = [] }: ProxyRun): readonly string[] {
  const later = start.filter(({ isFirst }) => !isFirst);
  const told: string[] = [];
  if (start.length > 0) {
    const ready = `ready after ${start[0]?.readyMs.toFixed(0)} ms the first time, then ${median(later.map(({ readyMs }) => readyMs)).toFixed(0)} ms`;
    told.push(`start: ${ready}; idle RSS ${median(start.map(({ rssMib }) => rssMib)).toFixed(0)} MiB`);
  }
  for (const { line, rssBeforeMib, rssMib, streams } of idleStreams)
    told.push(
      `idle streams: ${TITLES[line]}, ${streams} open: RSS ${rssMib.toFixed(0)} MiB (${signed(rssMib - rssBeforeMib)})`,
    );
  if (memory.length > 0) told.push(memoryTable(memory));
  return told;
}

function memoryTable(samples: readonly MemorySample[]): string {
  const rows = samples.map(({ calls, externalMib, heapMib, rssMib }) => [
    String(calls),
    rssMib.toFixed(0),
    heapMib.toFixed(1),
    externalMib.toFixed(1),
  ]);
  return printTable([["memory, calls", "RSS MiB", "live heap MiB", "external MiB"], ...rows]);
}

function failures(windows: Taken): readonly string[] {
  const failing = windows.filter(({ failed }) => failed > 0);
  if (failing.length === 0) return [];
  const failed = failing.reduce((sum, window) => sum + window.failed, 0);
  return [`${failed} calls failed, the first with: ${failing[0]?.failure}`];
}

const known = (value: number, digits: number) => (Number.isNaN(value) ? "" : value.toFixed(digits));
const signed = (value: number) => (Number.isNaN(value) ? "" : `${value < 0 ? "" : "+"}${value.toFixed(2)}`);
