// How large an answer may be. Whoever reads it from the upstream counts its bytes, because nothing else knows them before it is parsed, and
// refuses it with what stands here.
import { type Reason, reason } from "@postern/contracts";
import type { Applied } from "./obligations.ts";

export const RESPONSE_LIMIT = "response_limit";

/** The refusal of an answer of more than `bytesMax` bytes: `output_schema.too_large`. */
export function refuseTooLarge(bytesMax: number): {
  readonly reason: Reason;
  readonly applied: readonly Applied[];
} {
  const detail = `The tool's answer is larger than the ${bytesMax} bytes that the policy allows.`;
  return {
    reason: reason("output_schema.too_large", detail),
    applied: [{ direction: "response", type: RESPONSE_LIMIT, class: "bytes", action: "block", count: 1 }],
  };
}
