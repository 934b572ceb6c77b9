// For tests: the command line as a child process, as a user runs it, with an environment that holds nothing of this machine's settings.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

const MAIN = join(import.meta.dirname, "main.ts");

/** Runs `postern` and waits for its end. */
export function postern(
  args: readonly string[],
  { env = {}, input = "" }: CliOptions = {},
): Promise<CliResult> {
  const environment = { PATH: process.env.PATH, POSTERN_DATA_DIR: "/nonexistent", ...env };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [MAIN, ...args],
      { env: environment },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

/** Runs `postern … --json`, asserts that standard output is exactly one JSON value, and returns it with the exit code. */
export async function posternJson(args: readonly string[], options?: CliOptions) {
  const { code, stdout, stderr } = await postern([...args, "--json"], options);
  assert.match(stdout, /^[^\n]+\n$/, `not one line: ${stdout}${stderr}`);
  return { code, json: JSON.parse(stdout), stderr };
}
