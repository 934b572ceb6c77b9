// Whether a declared intent calls for a tool. Names are compared exactly; what is not called for is refused, so an intent
// that allows nothing refuses everything.
import { type Intent, type Reason, reason } from "@postern/contracts";

/** The reason to refuse `tool`, or undefined. An intent of exactly `confidenceMin` (0 to 1) is confident enough. */
export function matchIntent(
  intent: Intent,
  tool: string,
  options: { readonly confidenceMin: number },
): Reason | undefined {
  if (intent.forbidden_tools.includes(tool)) return reason("intent.forbidden");
  const isConfident = intent.confidence >= options.confidenceMin;
  if (!isConfident) return reason("intent.low_confidence");
  return intent.allowed_tools.includes(tool) ? undefined : reason("intent.not_allowed");
}
