// Second check: is the tool one that the user's declared intent calls for? The intent is asserted by the agent, so it can only narrow.
import { type Capability, type Intent, reason } from "@postern/contracts";
import { matchIntent } from "@postern/intent";
import type { JudgePorts } from "./ports.ts";
import { type CallRequest, type Finding, found, refused } from "./verdict.ts";

export async function checkIntent(
  ports: Pick<JudgePorts, "intent" | "rules">,
  capability: Capability,
  call: Pick<CallRequest, "intentPrompt" | "tool">,
): Promise<Finding<Intent | undefined>> {
  if (call.intentPrompt === undefined) {
    return ports.rules.intentRequired ? refused(reason("intent.missing")) : found(undefined);
  }
  const { tenant, agent } = capability;
  const resolved = await ports.intent.resolve({ tenant, agent, prompt: call.intentPrompt });
  if (!resolved.ok) return refused(resolved.reason);
  const refusal = matchIntent(resolved.intent, call.tool, { confidenceMin: ports.rules.intentConfidenceMin });
  return refusal === undefined ? found(resolved.intent) : refused(refusal);
}
