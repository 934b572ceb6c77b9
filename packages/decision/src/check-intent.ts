// Second check: is the tool one that the user's declared intent calls for? The intent is asserted by the agent, so it can only narrow.
// Intents speak of tools, so what lies beside them is not asked.
import { type Capability, type Intent, reason } from "@postern/contracts";
import { matchIntent } from "@postern/intent";
import { andThen, type Eventually } from "./eventually.ts";
import type { JudgePorts } from "./ports.ts";
import { type CallRequest, type Finding, found, refused } from "./verdict.ts";

export function checkIntent(
  ports: Pick<JudgePorts, "intent" | "rules">,
  capability: Capability,
  call: Pick<CallRequest, "intentPrompt" | "method" | "tool">,
): Eventually<Finding<Intent | undefined>> {
  if (call.method !== "tools/call") return found(undefined);
  if (call.intentPrompt === undefined) {
    return ports.rules.intentRequired ? refused(reason("intent.missing")) : found(undefined);
  }
  const { tenant, agent } = capability;
  const resolved = ports.intent.resolve({ tenant, agent, prompt: call.intentPrompt });
  return andThen(resolved, (declared) => {
    if (!declared.ok) return refused(declared.reason);
    const { intent } = declared;
    const refusal = matchIntent(intent, call.tool, { confidenceMin: ports.rules.intentConfidenceMin });
    return refusal === undefined ? found(intent) : refused(refusal);
  });
}
