// Whether the sidecar should be given calls, and if not, why: each line says what is missing in words that an operator can act on. While the
// spool has room, calls outlast an outage of the control plane, so that records which merely wait are a warning and no reason.
import type { Spool } from "@postern/audit/spool";
import type { Journal } from "./journal.ts";
import type { Shipper } from "./ship/ship-records.ts";
import type { ControlState } from "./sync/control-state.ts";

export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
  /** What an operator should look at although calls are taken; absent: nothing. */
  readonly warnings?: readonly string[];
}

/** Records that wait longer are worth a warning. */
const WAITING_MS_MAX = 60_000;

export function readinessOf(reasons: readonly string[], warnings: readonly string[] = []): Readiness {
  return { ready: reasons.length === 0, reasons, ...(warnings.length > 0 && { warnings }) };
}

export interface Judged {
  readonly state: Pick<ControlState, "problems">;
  readonly spool: Pick<Spool, "failure" | "usage">;
  readonly journal: Pick<Journal, "owed">;
  readonly shipper: Pick<Shipper, "stuck" | "waitingMs">;
}

/** What keeps a registered sidecar from being ready; [] = nothing. */
export function problemsOf({ state, spool, journal, shipper }: Judged): string[] {
  const failure = spool.failure();
  const stuck = shipper.stuck();
  const { bytes, bytesMax, level } = spool.usage();
  const waiting = journal.owed();
  return [
    ...state.problems(),
    ...(failure === undefined ? [] : [`the audit spool has failed: ${failure.message}`]),
    ...(level !== "full" ? [] : [`the audit spool is full (${bytes} of ${bytesMax} bytes)`]),
    ...(waiting === 0 ? [] : [`${waiting} outcomes wait to be written to the audit spool`]),
    ...(stuck === undefined ? [] : [`audit records cannot be shipped (${stuck.code}): ${stuck.message}`]),
  ];
}

/** What does not keep it from being ready, and should not stay so. */
export function warningsOf({ shipper }: Pick<Judged, "shipper">): string[] {
  const waitingMs = shipper.waitingMs();
  return waitingMs <= WAITING_MS_MAX
    ? []
    : [`audit records have been waiting for ${Math.round(waitingMs / 1000)} s to be shipped`];
}
