// Runs the Rego compiler for whoever saves or promotes a policy. A compilation takes a second of a processor and tens of megabytes, so
// only a few run at once and only some may wait: the rest is told to come back.
import { Fault } from "@postern/fault";
import { type CompiledPolicy, compileRego } from "@postern/policy/compile";
import { type CheckedPolicy, regoDigest } from "./model.ts";

/**
 * Compiles Rego source.
 * Faults: invalid "policy.rego" with the compiler's own words; unavailable "policies.no_compiler"; limited "policies.compiler_busy".
 */
export type PolicyCompiler = (source: string) => Promise<CheckedPolicy>;

const RUNNING_MAX = 2;
const WAITING_MAX = 16;

export function createPolicyCompiler(options: { opaPath: string | undefined }): PolicyCompiler {
  const waiting: (() => void)[] = [];
  let running = 0;

  async function slot(): Promise<void> {
    if (running < RUNNING_MAX) {
      running += 1;
      return;
    }
    if (waiting.length >= WAITING_MAX) {
      throw new Fault(
        "limited",
        "policies.compiler_busy",
        "Too many policies are being compiled; try again.",
      );
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  function freeSlot(): void {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }

  return async (source) => {
    const { opaPath } = options;
    if (opaPath === undefined) throw noCompiler();
    await slot();
    try {
      const compiled: CompiledPolicy = await compileRego({ source, opaPath });
      return { source, sha256: regoDigest(source), compiled };
    } finally {
      freeSlot();
    }
  };
}

function noCompiler(): Fault {
  return new Fault(
    "unavailable",
    "policies.no_compiler",
    "The Rego compiler is not configured: put `opa` on the PATH or name it in OPA_BIN.",
  );
}
