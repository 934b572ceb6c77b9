// Starts one suite of test files in a process of its own and adds its report to the tally.
import { fork } from "node:child_process";
import { join } from "node:path";
import type { SuiteOptions, SuiteReport } from "./suite.ts";
import { addSkip, type Tally } from "./tally.ts";

export interface Suite extends SuiteOptions {
  readonly name: string;
  readonly files: readonly string[];
  /** The Node to run it on; default: this one. */
  readonly node?: string;
}

type Output = "inherit" | "ignore";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const root = join(import.meta.dirname, "..", "..");

/** `output` "ignore" keeps what the files themselves print from being seen. */
export async function runSuite(suite: Suite, tally: Tally, output: Output = "inherit"): Promise<void> {
  const { name, files, node = process.execPath, filesAtOnce, fileTimeoutMs } = suite;
  if (files.length === 0) return;
  const startedMs = performance.now();
  const report = await reportOf(node, { filesAtOnce, fileTimeoutMs }, files, output);
  const { passed, failed, skipped, failures } = report;
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const counts = `${passed} passed, ${failed} failed, ${skipped.length} skipped`;
  console.log(
    `${failed === 0 ? "ok    " : "FAILED"} ${name}: ${files.length} files, ${counts} (${seconds} s)`,
  );
  tally.passed += passed;
  tally.failed += failed;
  tally.failures.push(...failures.map(({ file, test }) => `${name}: ${file}: ${test}`));
  for (const { file, test, reason } of skipped) addSkip(tally, `${name}: ${file}: ${test}`, reason);
}

function reportOf(
  execPath: string,
  options: SuiteOptions,
  files: readonly string[],
  output: Output,
): Promise<SuiteReport> {
  return new Promise((resolve) => {
    const args = [JSON.stringify(options), ...files.map((file) => join(root, file))];
    // Without this a suite that a test starts would take itself for a part of that test, and run nothing.
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
    const child = fork(join(import.meta.dirname, "suite.ts"), args, {
      cwd: root,
      execPath,
      env,
      stdio: ["ignore", output, output, "ipc"],
    });
    let report: SuiteReport | undefined;
    // Whoever ends the run ends the suite first, which ends its files and what they started.
    const end = (name: NodeJS.Signals, signal: number) => {
      child.once("close", () => process.exit(128 + signal)).kill(name);
    };
    for (const name of SIGNALS) process.on(name, end);
    child.once("message", (message) => {
      // Sent by suite.ts, whose type it is.
      report = message as SuiteReport;
    });
    child.once("close", (code, signal) => {
      for (const name of SIGNALS) process.off(name, end);
      resolve(report ?? lost(`the runner ended early (${code ?? signal})`));
    });
    child.once("error", (error) => resolve(lost(String(error))));
  });
}

function lost(problem: string): SuiteReport {
  return { passed: 0, failed: 1, skipped: [], failures: [{ test: problem, file: "", problem }] };
}
