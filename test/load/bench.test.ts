// Whether the bench works at all, on a handful of calls. What it measures is for people to read.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startProcess, type TestScope } from "@postern/testkit";

const BENCH = fileURLToPath(new URL("./bench.ts", import.meta.url));

async function bench(t: TestScope, ...args: string[]): Promise<string> {
  const running = await startProcess(t, { command: process.execPath, args: [BENCH, ...args] });
  const { code } = await running.exited;
  assert.equal(code, 0, running.stderr());
  return running.stdout();
}

test("the proxy bench measures every line at every number of connections and prints one line of JSON", async (t) => {
  const text = await bench(t, "proxy", "--quick", "--json", "--requests", "50");
  assert.equal(text.trim().split("\n").length, 1);
  const { ratios, windows } = JSON.parse(text) as {
    ratios: Record<string, number>;
    windows: { line: string; connections: number; failed: number; failure: string }[];
  };
  for (const name of ["on_vs_bare_rps", "on_added_p50_ms", "on_added_p99_ms", "disk_vs_bare_rps"]) {
    assert.equal(typeof ratios[name], "number", name);
  }
  const taken = windows.map(({ line, connections }) => `${line} ${connections}`);
  const lines = ["direct", "bare", "on", "disk", "intent"];
  assert.deepEqual(
    taken,
    [1, 16, 64].flatMap((connections) => lines.map((line) => `${line} ${connections}`)),
  );
  for (const { failed, failure } of windows) assert.equal(failed, 0, failure);
});

test("the stages bench prices every stage", async (t) => {
  const { stages } = JSON.parse(await bench(t, "stages", "--json", "--requests", "1")) as {
    stages: { title: string; us: number }[];
  };
  assert.ok(stages.length > 10);
  for (const { title, us } of stages) assert.ok(us > 0, title);
});

test("the bench tells how it is used", async (t) => {
  assert.match(await bench(t, "--help"), /proxy.*\n.*stages/);
});
