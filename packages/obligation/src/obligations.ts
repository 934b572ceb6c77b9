// What a decision asks of whoever carries its call out, ready to be applied. Nothing here knows HTTP: values go in, and come out changed,
// unchanged (the very same object, so that the original bytes can be used) or refused.
import type { JsonObject, Reason } from "@postern/contracts";

/** What was done, for the audit event. It names classes and counts, never the text that was found. */
export interface Applied {
  readonly direction: "request" | "response";
  /** The obligation's type, as in the decision. */
  readonly type: string;
  /** What was found: a class of the filter, "path", "property", "content", "schema" or "bytes". */
  readonly class: string;
  readonly action: "redact" | "block" | "strip";
  readonly count: number;
}

export type RequestOutcome =
  | { readonly ok: true; readonly args: JsonObject; readonly applied: readonly Applied[] }
  | { readonly ok: false; readonly reason: Reason; readonly applied: readonly Applied[] };

export type ResponseOutcome =
  | { readonly ok: true; readonly message: JsonObject; readonly applied: readonly Applied[] }
  | { readonly ok: false; readonly reason: Reason; readonly applied: readonly Applied[] };

export interface Obligations {
  /** Arguments as they must be sent, or why they may not be. The same object when nothing changed. Reason: `pii.request`. */
  applyToRequest(args: JsonObject): RequestOutcome;
  /**
   * One whole JSON-RPC message on its way from the upstream: an answer, or a notification or request that belongs to the call. The same
   * object when nothing changed. Reasons: `pii.response`, `output_schema.violated`.
   */
  applyToResponse(message: JsonObject): ResponseOutcome;
  /** Whether arguments have to be looked at. */
  readonly inspectsRequest: boolean;
  /** Whether messages from the upstream have to be looked at; if not, they may stream through as bytes. */
  readonly inspectsResponse: boolean;
  /** Largest answer in bytes; what is larger is refused with `refuseTooLarge`. */
  readonly responseBytesMax: number | undefined;
}
