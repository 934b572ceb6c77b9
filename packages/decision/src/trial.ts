// How a check is run: it is timed, and trouble inside it is a refusal by it, whether it answers at once or later.
import { type Check, type ReasonCode, reason } from "@postern/contracts";
import type { Eventually } from "./eventually.ts";
import type { JudgePorts } from "./ports.ts";
import { type Finding, type Findings, refused } from "./verdict.ts";

export type JudgedCheck = keyof typeof TROUBLE;

/** What a caller is told when a check itself breaks. */
const TROUBLE = {
  capability: "capability.unavailable",
  intent: "intent.unavailable",
  policy: "policy.failed",
  budget: "budget.unavailable",
} as const satisfies Partial<Record<Check, ReasonCode>>;

/** A call on its way through the checks. */
export interface Trial {
  readonly ports: JudgePorts;
  /** What was learnt so far. */
  readonly findings: { -readonly [name in keyof Findings]: Findings[name] } & {
    readonly timingsMs: Partial<Record<Check, number>>;
  };
  /** When the latest check ended, on the monotonic clock: the next one begins then. */
  markMs: number;
}

export const openTrial = (ports: JudgePorts): Trial => ({
  ports,
  findings: { timingsMs: {} },
  markMs: ports.clock.monotonicMs(),
});

/** Never throws, never rejects. */
export function runCheck<T>(
  trial: Trial,
  check: JudgedCheck,
  work: () => Eventually<Finding<T>>,
): Eventually<Finding<T>> {
  try {
    const finding = work();
    if (!(finding instanceof Promise)) return timed(trial, check, finding);
    return finding.then(
      (later) => timed(trial, check, later),
      (caught: unknown) => timed(trial, check, broken(trial, check, caught)),
    );
  } catch (caught) {
    return timed(trial, check, broken(trial, check, caught));
  }
}

function timed<F>(trial: Trial, check: JudgedCheck, finding: F): F {
  const { timingsMs } = trial.findings;
  const nowMs = trial.ports.clock.monotonicMs();
  timingsMs[check] = (timingsMs[check] ?? 0) + nowMs - trial.markMs;
  trial.markMs = nowMs;
  return finding;
}

function broken({ ports }: Trial, check: JudgedCheck, caught: unknown): Finding<never> {
  ports.onTrouble?.(check, caught);
  return refused(reason(TROUBLE[check]));
}
