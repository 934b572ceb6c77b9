// The `opa` executable as a function. Its time and its output are bounded and its environment is empty, so that a policy
// under compilation can neither hang the caller nor read anything of it.
import { execFile } from "node:child_process";
import { Fault } from "@postern/fault";

const OUTPUT_BYTES_MAX = 32 * 1024 * 1024;

export interface OpaOptions {
  /** Path of the executable. */
  readonly opaPath: string;
  /** Working folder; OPA names files relative to it. */
  readonly folder: string;
  readonly timeoutMs: number;
}

export interface OpaOutcome {
  readonly succeeded: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `opa` with these arguments and waits for its end.
 * Faults: limited `policy.compiler_timeout` (the process was killed), unavailable `policy.compiler`.
 */
export function runOpa(args: readonly string[], options: OpaOptions): Promise<OpaOutcome> {
  const { opaPath, folder, timeoutMs } = options;
  const limits = { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: OUTPUT_BYTES_MAX } as const;
  return new Promise((resolve, reject) => {
    execFile(opaPath, [...args], { cwd: folder, env: {}, ...limits }, (error, stdout, stderr) => {
      if (error === null) resolve({ succeeded: true, stdout, stderr });
      else if (typeof error.code === "number") resolve({ succeeded: false, stdout, stderr });
      else if (error.killed === true && typeof error.code !== "string") reject(overrun(timeoutMs));
      else reject(unusable(error));
    });
  });
}

function overrun(timeoutMs: number): Fault {
  return new Fault("limited", "policy.compiler_timeout", `OPA did not finish within ${timeoutMs} ms.`);
}

function unusable(cause: Error): Fault {
  const message = "OPA, the compiler of policies, cannot be run.";
  return new Fault("unavailable", "policy.compiler", message, { detail: cause.message, cause });
}
