// `opa check --strict` and `opa test` as values, for the command line and for whoever saves a draft.
import type { JsonObject } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { CAPABILITIES_PATH } from "./capabilities.ts";
import { runOpa } from "./opa-process.ts";
import { isTestFile, type RegoSource, regoFiles, withRegoFolder } from "./rego-sources.ts";

export interface RegoRequest {
  readonly source: RegoSource;
  /** The document that policies read as `data`; default {}. */
  readonly data?: JsonObject;
  readonly opaPath: string;
  /** Default 20,000. */
  readonly timeoutMs?: number;
}

export interface RegoProblem {
  /** OPA's code, such as "rego_parse_error". */
  readonly code: string;
  readonly message: string;
  readonly file?: string;
  /** Counted from 1. */
  readonly row?: number;
}

export interface RegoReport {
  /** Empty = nothing to complain about. */
  readonly problems: readonly RegoProblem[];
}

export interface TestResult {
  readonly package: string;
  readonly name: string;
  readonly outcome: "pass" | "fail" | "error" | "skip";
  readonly file: string;
  readonly row: number;
  /** Of the whole test, for a case of it too. */
  readonly durationMs: number;
  /** What went wrong, for outcome "error". */
  readonly message?: string;
}

export interface TestReport {
  readonly passed: number;
  /** Failures and errors. */
  readonly failed: number;
  readonly skipped: number;
  readonly results: readonly TestResult[];
}

interface Location {
  readonly file: string;
  readonly row: number;
}

interface PrintedErrors {
  readonly errors: readonly {
    readonly code: string;
    readonly message: string;
    readonly location?: Location;
  }[];
}

/** What OPA's strict mode finds in the files that are not tests. Faults: those of the sources and of the compiler. */
export async function checkRego(request: RegoRequest): Promise<RegoReport> {
  const files = [...regoFiles(request.source)].filter(([path]) => !isTestFile(path));
  const options = ["--strict", "--format", "json", "--capabilities", CAPABILITIES_PATH];
  const { succeeded, stderr } = await inFolder(request, new Map(files), (paths) => [
    "check",
    ...options,
    ...paths,
  ]);
  if (succeeded) return { problems: [] };
  if (!stderr.startsWith("{")) throw complaint(stderr);
  const { errors } = JSON.parse(stderr) as PrintedErrors;
  return {
    problems: errors.map(({ code, message, location }) => ({
      code,
      message,
      ...(location !== undefined && { file: location.file, row: location.row }),
    })),
  };
}

/** Runs the tests of all files. Faults: invalid `policy.rego` when they do not compile; those of the sources and of the compiler. */
export async function testRego(request: RegoRequest): Promise<TestReport> {
  const { succeeded, stdout, stderr } = await inFolder(request, regoFiles(request.source), (paths) => [
    "test",
    "--format",
    "json",
    ...paths,
  ]);
  const ran = stdout.startsWith("[");
  if (!ran && !succeeded) throw complaint(`${stderr}${stdout}`);
  const printed = ran ? (JSON.parse(stdout) as PrintedTest[]) : [];
  const results = printed.flatMap(testResults);
  const count = (...outcomes: TestResult["outcome"][]) =>
    results.filter((result) => outcomes.includes(result.outcome)).length;
  return { passed: count("pass"), failed: count("fail", "error"), skipped: count("skip"), results };
}

/** A case of a test that goes through a table; cases may have cases. */
interface PrintedCase {
  readonly name: string;
  readonly fail?: boolean;
  readonly sub_results?: Readonly<Record<string, PrintedCase>>;
}

interface PrintedTest extends PrintedCase {
  readonly location: Location;
  readonly package: string;
  readonly duration: number;
  readonly skip?: boolean;
  readonly error?: { readonly message: string };
}

/** One result for a plain test, one per case for a table; a case's name is "<test>/<case>". */
function testResults(printed: PrintedTest): readonly TestResult[] {
  const { location, error, duration } = printed;
  return casesOf(printed, printed.name).map(({ name, fail }) => ({
    package: printed.package.replace(/^data\./, ""),
    name,
    outcome: error !== undefined ? "error" : printed.skip ? "skip" : fail ? "fail" : "pass",
    file: location.file,
    row: location.row,
    durationMs: duration / 1e6,
    ...(error !== undefined && { message: error.message }),
  }));
}

function casesOf(
  { fail = false, sub_results }: PrintedCase,
  name: string,
): readonly { name: string; fail: boolean }[] {
  const cases = Object.values(sub_results ?? {});
  if (cases.length === 0) return [{ name, fail }];
  return cases.flatMap((one) => casesOf(one, `${name}/${one.name}`));
}

function inFolder(
  request: RegoRequest,
  files: ReadonlyMap<string, string>,
  command: (paths: readonly string[]) => readonly string[],
) {
  const { data = {}, opaPath, timeoutMs = 20_000 } = request;
  return withRegoFolder(files, data, (folder, paths) =>
    runOpa(command(paths), { opaPath, folder, timeoutMs }),
  );
}

/** Where OPA prints plain text instead of JSON, that text is the message. */
function complaint(text: string): Fault {
  return new Fault("invalid", "policy.rego", text.trim());
}
