// The one error class. A denial is a value, never a Fault; a Fault is trouble that somebody must hear of.
// `message` may be shown to the caller; `detail` goes to the log only.
import type { FaultKind } from "@postern/contracts";

export interface FaultOptions {
  /** For the log only: may name internals. */
  readonly detail?: string;
  readonly cause?: unknown;
}

export class Fault extends Error {
  override readonly name = "Fault";
  readonly kind: FaultKind;
  /** Stable machine-readable code, `<noun>.<what>`. */
  readonly code: string;
  readonly detail: string | undefined;

  constructor(kind: FaultKind, code: string, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.code = code;
    this.detail = options.detail;
  }
}

/** What was caught, as a Fault. Unknown trouble is internal and its text stays in `detail`. */
export function toFault(caught: unknown): Fault {
  if (caught instanceof Fault) return caught;
  const detail = caught instanceof Error ? `${caught.name}: ${caught.message}` : String(caught);
  return new Fault("internal", "internal", "Something went wrong on our side.", { detail, cause: caught });
}

/** Whether trying the same thing again later may help. */
export function isRetryable(fault: Fault): boolean {
  return fault.kind === "limited" || fault.kind === "unavailable" || fault.kind === "upstream";
}
