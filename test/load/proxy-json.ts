// The run as one line of JSON: the ratios that the targets speak of, then every raw window.
import { compare, medianOf, type Taken } from "./comparison.ts";
import { type LineName, TITLES } from "./lines.ts";
import type { ProxyRun } from "./proxy.ts";

export function proxyJson(run: ProxyRun): string {
  const { machine, windows, ...specials } = run;
  const at64 = windows.filter((window) => window.workload === "lines" && window.connections === 64);
  const atRate = windows.filter(({ workload }) => workload === "rate");
  const whole = {
    bench: "proxy",
    ratios: ratiosOf(at64),
    ...(atRate.length > 0 && { at_constant_rate: constantRateOf(atRate) }),
    cpu_us: perLine(at64, ({ cpuUs }) => cpuUs),
    rps: perLine(at64, ({ rps }) => rps),
    machine,
    ...specials,
    windows,
  };
  return JSON.stringify(whole);
}

/** In a closed loop with 64 connections and 0.4 KB; null for a line that was not measured. */
function ratiosOf(taken: Taken): Record<string, number> {
  const against = (line: LineName, base?: LineName) => compare(taken, line, base);
  const on = against("on");
  return {
    on_vs_bare_rps: round(on.rps),
    on_added_p50_ms: round(on.addedP50Ms),
    on_added_p99_ms: round(on.addedP99Ms),
    off_vs_bare_rps: round(against("off").rps),
    cached_vs_bare_rps: round(against("cached").rps),
    disk_vs_bare_rps: round(against("disk").rps),
    on_vs_direct_rps: round(against("on", "direct").rps),
    on_vs_bare_cpu: round(on.cpu),
    cached_vs_bare_cpu: round(against("cached").cpu),
    off_vs_bare_cpu: round(against("off").cpu),
  };
}

/** Added latency over bare passthrough, and how many times its p99. */
function constantRateOf(taken: Taken): Record<string, number> {
  return Object.fromEntries(
    (["off", "on", "cached", "disk"] as const).flatMap((line) => {
      const { addedP50Ms, addedP99Ms, p99 } = compare(taken, line);
      return [
        [`${line}_added_p50_ms`, round(addedP50Ms)],
        [`${line}_added_p99_ms`, round(addedP99Ms)],
        [`${line}_vs_bare_p99`, round(p99)],
      ];
    }),
  );
}

function perLine(taken: Taken, read: (window: Taken[number]) => number): Record<string, number> {
  const names = Object.keys(TITLES).filter((name): name is LineName =>
    taken.some(({ line }) => line === name),
  );
  return Object.fromEntries(names.map((name) => [name, round(medianOf(taken, name, read))]));
}

const round = (value: number): number => Number(value.toFixed(3));
