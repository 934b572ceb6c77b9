// Whether the bench works at all, on a handful of calls. What it measures is for people to read.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startProcess, type TestScope, temporaryDirectory } from "@postern/testkit";
import { chooseCases } from "./cases.ts";
import { MAIN_LINES } from "./lines.ts";

const BENCH = fileURLToPath(new URL("./bench.ts", import.meta.url));

interface Result {
  readonly ratios: Record<string, number>;
  readonly at_constant_rate: Record<string, number>;
  readonly cpu_us: Record<string, number>;
  readonly windows: readonly {
    readonly workload: string;
    readonly line: string;
    readonly connections: number;
    readonly failed: number;
    readonly failure: string;
  }[];
}

const RATIOS = [
  "on_vs_bare_rps",
  "on_added_p50_ms",
  "on_added_p99_ms",
  "off_vs_bare_rps",
  "cached_vs_bare_rps",
  "disk_vs_bare_rps",
  "on_vs_direct_rps",
  "on_vs_bare_cpu",
];

async function bench(t: TestScope, ...args: string[]): Promise<string> {
  const running = await startProcess(t, { command: process.execPath, args: [BENCH, ...args] });
  const { code } = await running.exited;
  assert.equal(code, 0, running.stderr());
  return running.stdout();
}

test("the proxy bench gets the answers that it asks for and prints one line of JSON", async (t) => {
  const raw = join(temporaryDirectory(t), "raw.jsonl");
  const chosen = ["lines", "rate", "eras", "deny"].flatMap((name) => ["--workload", name]);
  const options = ["--connections", "64", "--requests", "20", "--raw", raw];
  const text = await bench(t, "proxy", "--json", ...chosen, ...options);
  assert.equal(text.trim().split("\n").length, 1);
  const { at_constant_rate, cpu_us, ratios, windows } = JSON.parse(text) as Result;
  for (const name of RATIOS) assert.equal(typeof ratios[name], "number", name);
  assert.equal(typeof at_constant_rate.on_added_p50_ms, "number");
  assert.deepEqual(Object.keys(cpu_us), [...MAIN_LINES]);
  for (const { failed, failure, line, workload } of windows)
    assert.equal(failed, 0, `${workload}, ${line}: ${failure}`);
  const taken = windows.filter(({ workload }) => workload === "lines").map(({ line }) => line);
  assert.deepEqual(taken.toSorted(), MAIN_LINES.toSorted());
  assert.equal(readFileSync(raw, "utf8").trim().split("\n").length, windows.length);
});

test("the stages bench prices every stage", async (t) => {
  const { stages } = JSON.parse(await bench(t, "stages", "--json", "--requests", "1")) as {
    stages: { title: string; us: number }[];
  };
  assert.ok(stages.length > 10);
  for (const { title, us } of stages) assert.ok(us > 0, title);
});

test("the control bench mints, tells, lists and starts, and nothing fails", async (t) => {
  const parts = ["start", "mint", "fan-out", "lists"].flatMap((name) => ["--part", name]);
  const run = JSON.parse(await bench(t, "control", "--json", "--requests", "5", ...parts)) as {
    starts: { ready_ms: number }[];
    mint: { title: string; failed: number; failure: string }[];
    fan_out: { results: { title: string; max_ms: number }[] }[];
    lists: { results: { title: string; failed: number; failure: string }[]; plans: { plan: string }[] };
  };
  assert.ok(run.starts.every(({ ready_ms }) => ready_ms > 0));
  for (const { failed, failure, title } of [...run.mint, ...run.lists.results])
    assert.equal(failed, 0, `${title}: ${failure}`);
  assert.equal(run.fan_out[0]?.results.length, 3);
  assert.ok(run.lists.plans.every(({ plan }) => plan.includes("Execution Time")));
});

test("a quick run has the main lines, and a chosen line stands beside bare passthrough", () => {
  const choice = { isQuick: true, lines: [], workloads: [], connections: [] };
  const quick = chooseCases(choice).map(({ connections, workload }) => `${workload} ${connections}`);
  assert.deepEqual(quick, ["lines 1", "lines 16", "lines 64", "rate 64"]);
  const cases = chooseCases({ ...choice, lines: ["redis-hop"], workloads: ["lines"], connections: [64] });
  assert.deepEqual(
    cases.map(({ lines, workload }) => ({ lines, workload })),
    [{ lines: ["bare", "redis-hop"], workload: "lines" }],
  );
});

test("the bench tells how it is used", async (t) => {
  assert.match(await bench(t, "--help"), /proxy.*\n.*stages.*\n.*control/);
});
