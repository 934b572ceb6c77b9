// The control plane's figures for people and for programs.
import { printTable } from "../table.ts";
import type { CallsResult } from "./calls.ts";
import type { ControlRun } from "./control.ts";
import type { FanOutResult } from "./fan-out.ts";

/** One line of JSON. */
export function controlJson(run: ControlRun): string {
  return JSON.stringify({ ...run, ratios: ratiosOf(run) });
}

export function controlTable(run: ControlRun, options: { plans: boolean }): string {
  const { cpu, cores, node, pinned, fdatasyncMs } = run.machine;
  const parts = [
    `${cpu}, ${cores} processors, Node ${node}, ${pinned ? "one processor each" : "not pinned"}, fdatasync ${fdatasyncMs.toFixed(2)} ms`,
  ];
  if (run.starts.length > 0) parts.push(startsTable(run));
  if (run.mint.length > 0) parts.push(callsTable("minting", run.mint));
  const heard = [...run.fan_out.flatMap(({ results }) => results), ...(run.promote ? [run.promote] : [])];
  if (heard.length > 0) parts.push(heardTable(heard));
  for (const { streams, idle_cpu, rss_mib } of run.fan_out)
    parts.push(
      `${streams} streams at rest: ${(idle_cpu * 100).toFixed(1)} % of a processor, ${rss_mib.toFixed(0)} MiB`,
    );
  if (run.lists !== undefined) parts.push(callsTable("lists", run.lists.results));
  if (run.lists !== undefined && options.plans)
    parts.push(run.lists.plans.map(({ title, plan }) => `${title}\n${plan}`).join("\n\n"));
  return parts.join("\n\n");
}

/** Against what was measured beside it in the same run. */
function ratiosOf({ mint, fan_out }: ControlRun): Record<string, number> {
  const [bare, minted] = mint.slice(-2);
  const last = fan_out.at(-1)?.results;
  return {
    ...(bare !== undefined && minted !== undefined && { mint_vs_bare_insert_rps: minted.rps / bare.rps }),
    ...(last?.[0] !== undefined &&
      last[1] !== undefined && { revocation_vs_bare_p99: last[1].p99_ms / last[0].p99_ms }),
  };
}

function startsTable({ starts }: ControlRun): string {
  const rows = starts.map(({ listening_ms, ready_ms }) => [
    "a further replica",
    listening_ms.toFixed(0),
    ready_ms.toFixed(0),
  ]);
  return printTable([["start", "listening ms", "ready ms"], ...rows]);
}

function callsTable(title: string, results: readonly CallsResult[]): string {
  const rows = results.map((result) => [
    result.title,
    result.rps.toFixed(0),
    result.p50_ms.toFixed(2),
    result.p99_ms.toFixed(2),
    result.cpu_us.toFixed(0),
    result.failed === 0 ? "" : `${result.failed}: ${result.failure.slice(0, 80)}`,
  ]);
  return printTable([[title, "requests/s", "p50 ms", "p99 ms", "CPU µs", "failed"], ...rows]);
}

function heardTable(results: readonly FanOutResult[]): string {
  const rows = results.map((result) => [
    result.title,
    String(result.streams),
    result.p50_ms.toFixed(1),
    result.p99_ms.toFixed(1),
    result.max_ms.toFixed(1),
  ]);
  return printTable([["until it was heard", "streams", "p50 ms", "p99 ms", "max ms"], ...rows]);
}
