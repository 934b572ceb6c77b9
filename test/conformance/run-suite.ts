// Runs one suite of the official conformance program and reads what it wrote down for each scenario. Its exit code is not looked at: it
// counts only failures, and a scenario that is known to fail directly must merely fail alike on the way through.
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { startProcess, type TestScope, temporaryDirectory } from "@postern/testkit";
import { type Check, type Findings, findingsOf } from "./checks.ts";
import type { Suite } from "./suites.ts";

/** A suite ends by itself in seconds; one that hangs is a finding and not a reason to wait for ever. */
const SUITE_TIMEOUT_MS = 240_000;

export interface SuiteTarget {
  /** server: `--url <address>` · client: `--command <command>`. */
  readonly args: readonly string[];
  /** Handed on to the client that the suite starts. */
  readonly env?: Readonly<Record<string, string>>;
}

/** @throws Error when the program wrote nothing down, or did not end. */
export async function runSuite(scope: TestScope, suite: Suite, target: SuiteTarget): Promise<Findings> {
  const found: [string, Check[]][] = [];
  for (const args of suite.runs) {
    const folder = temporaryDirectory(scope);
    const running = await startProcess(scope, {
      command: process.execPath,
      args: [suite.program, suite.side, ...target.args, ...args, "--output-dir", folder],
      env: { ...process.env, ...target.env },
    });
    await withinMs(SUITE_TIMEOUT_MS, running.exited, `${suite.name} ${args.join(" ")}`);
    const files = globSync("**/checks.json", { cwd: folder });
    if (files.length === 0)
      throw new Error(
        `${suite.name} ${args.join(" ")} found nothing:\n${running.stdout()}${running.stderr()}`,
      );
    for (const file of files) found.push([scenarioOf(file), readChecks(join(folder, file))]);
  }
  return findingsOf(found);
}

/** `server-tools-list-2026-11-22T14-19-28-825Z/checks.json` is about tools-list. */
const scenarioOf = (file: string) =>
  basename(dirname(file))
    .replace(/-\d{4}-\d{2}-\d{2}T[\dZ-]+$/, "")
    .replace(/^server-/, "");

function readChecks(file: string): Check[] {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Check[]) : [];
}

async function withinMs<T>(timeoutMs: number, work: Promise<T>, what: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what} did not end within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
