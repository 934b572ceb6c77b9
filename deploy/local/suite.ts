// Runs test files with Node's own runner and tells its parent what came of them: `suite.ts <options as JSON> <file>…`.
// A program of its own, so that the same files can be run on another Node.
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { run } from "node:test";
import { pathToFileURL } from "node:url";

const FIXED_SEED = pathToFileURL(
  join(import.meta.dirname, "..", "..", "packages", "testkit", "src", "fixed-seed.ts"),
).href;

/** What a suite sends to its parent when it has ended. */
export interface SuiteReport {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly { readonly test: string; readonly file: string; readonly reason: string }[];
  readonly failures: readonly { readonly test: string; readonly file: string; readonly problem: string }[];
}

export interface SuiteOptions {
  /** Files at once; 0 = one per core. */
  readonly filesAtOnce: number;
  /** A file that takes longer is ended and has failed. */
  readonly fileTimeoutMs: number;
}

if (import.meta.main) await main();

async function main(): Promise<void> {
  const [, , options = "{}", ...files] = process.argv;
  const ended = new AbortController();
  process.once("disconnect", () => ended.abort());
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(name, () => ended.abort());
  const report = await runFiles(files, JSON.parse(options) as SuiteOptions, ended.signal);
  process.exitCode = report.failed === 0 ? 0 : 1;
  process.send?.(report);
  process.disconnect?.();
}

/** Each file gets a run of its own, because only a run can be ended. */
async function runFiles(
  files: readonly string[],
  options: SuiteOptions,
  ended: AbortSignal,
): Promise<SuiteReport> {
  const reports: SuiteReport[] = [];
  const queue = files.values();
  const worker = async () => {
    for (const file of queue) reports.push(await runFile(file, options.fileTimeoutMs, ended));
  };
  await Promise.all(Array.from({ length: options.filesAtOnce || availableParallelism() }, worker));
  return {
    passed: reports.reduce((sum, { passed }) => sum + passed, 0),
    failed: reports.reduce((sum, { failed }) => sum + failed, 0),
    skipped: reports.flatMap(({ skipped }) => skipped),
    failures: reports.flatMap(({ failures }) => failures),
  };
}

async function runFile(path: string, timeoutMs: number, ended: AbortSignal): Promise<SuiteReport> {
  const file = relative(process.cwd(), path);
  const skipped: SuiteReport["skipped"][number][] = [];
  const failures: SuiteReport["failures"][number][] = [];
  let passed = 0;
  const late = AbortSignal.timeout(timeoutMs);
  const fail = (test: string, problem: string) => {
    failures.push({ test, file, problem });
    process.stdout.write(`FAILED ${file}: ${test}\n${problem}\n`);
  };
  const signal = AbortSignal.any([ended, late]);
  for await (const event of run({ files: [path], signal, execArgv: ["--import", FIXED_SEED] })) {
    if (event.type === "test:pass") {
      const { name, skip, todo, details } = event.data;
      if (details.type === "suite") continue;
      // Only a file without a single test is reported as a test of its own.
      if (name === path) {
        fail("the whole file", "ran no test");
        continue;
      }
      const reason = skip ?? (todo === undefined ? undefined : "still to be written");
      if (reason === undefined) passed += 1;
      else
        skipped.push({ test: name, file, reason: typeof reason === "string" ? reason : "no reason given" });
    } else if (event.type === "test:fail") {
      const { error } = event.data.details;
      // A parent fails with its subtests; only they count.
      if (error.failureType !== "subtestsFailed") fail(event.data.name, problemOf(error.cause ?? error));
    } else if (event.type === "test:stderr") {
      process.stderr.write(event.data.message);
    }
  }
  return { passed, failed: failures.length, skipped, failures };
}

function problemOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
