// Whether the sidecar should be given calls, and if not, why: each line says what is missing in words that an operator can act on.
import type { Spool } from "@postern/audit/spool";
import type { Journal } from "./journal.ts";
import type { ControlState } from "./sync/control-state.ts";

export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

export function readinessOf(reasons: readonly string[]): Readiness {
  return { ready: reasons.length === 0, reasons };
}

export interface Judged {
  readonly state: Pick<ControlState, "problems">;
  readonly spool: Pick<Spool, "failure" | "usage">;
  readonly journal: Pick<Journal, "owed">;
}

/** What keeps a registered sidecar from being ready; [] = nothing. */
export function problemsOf({ state, spool, journal }: Judged): string[] {
  const failure = spool.failure();
  const { bytes, bytesMax, level } = spool.usage();
  return [
    ...state.problems(),
    ...(failure === undefined ? [] : [`the audit spool has failed: ${failure.message}`]),
    ...(level !== "full" ? [] : [`the audit spool is full (${bytes} of ${bytesMax} bytes)`]),
    ...(journal.owed() === 0 ? [] : [`${journal.owed()} outcomes wait to be written to the audit spool`]),
  ];
}
