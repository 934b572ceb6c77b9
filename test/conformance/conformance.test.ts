// The official suites, on every way: whatever a check says directly, it says through the sidecar.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startProcess, type TestScope } from "@postern/testkit";
import type { SuiteReport } from "./run.ts";
import { SUITES } from "./suites.ts";

const PROGRAM = new URL("./conformance.ts", import.meta.url).pathname;

async function conformance(t: TestScope, ...args: string[]) {
  const running = await startProcess(t, { command: process.execPath, args: [PROGRAM, ...args] });
  const { code } = await running.exited;
  return { code, stdout: running.stdout(), stderr: running.stderr() };
}

test("no check of the official suites tells the sidecar from the tool server behind it", {
  timeout: 800_000,
}, async (t) => {
  const { code, stdout, stderr } = await conformance(t, "--json");
  assert.equal(stdout.trim().split("\n").length, 1, stderr);
  const told = JSON.parse(stdout) as { checks: number; differing: number; suites: SuiteReport[] };
  const differing = told.suites.flatMap(({ suite, ways }) =>
    ways.flatMap(({ way, differing }) => differing.map((each) => ({ suite, way, ...each }))),
  );
  assert.deepEqual(differing, []);
  assert.equal(told.differing, 0);
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    told.suites.map(({ suite }) => suite),
    SUITES.map(({ name }) => name),
  );
  const failing = told.suites.flatMap(({ ways }) => ways.flatMap(({ failing }) => failing));
  assert.deepEqual(
    failing,
    [],
    "the fixture server passes every check, so that each of them can tell a difference",
  );
  assert.ok(told.checks > 1_000, `${told.checks} checks were compared`);
});

test("the command tells how it is used, and that a suite does not exist", async (t) => {
  assert.match((await conformance(t, "--help")).stdout, /--only SUITE/);
  const { code, stderr } = await conformance(t, "--only", "no such suite");
  assert.equal(code, 2);
  assert.match(stderr, /2026-07-28/);
});
