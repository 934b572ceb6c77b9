// Second check: is the tool one that the user's declared intent calls for, and were the memories that the call rests on written under its own
// token? Both are asserted by the agent, so they can only narrow. Intents speak of tools, so what lies beside them is not asked for one.
import { type Capability, type Intent, reason } from "@postern/contracts";
import { matchIntent } from "@postern/intent";
import { andThen, type Eventually } from "./eventually.ts";
import type { JudgePorts } from "./ports.ts";
import { type CallRequest, type Finding, found, refused } from "./verdict.ts";

type Declared = Pick<CallRequest, "intentPrompt" | "memoryProvenance" | "method" | "tool">;

export function checkIntent(
  ports: Pick<JudgePorts, "intent" | "memory" | "rules">,
  capability: Capability,
  call: Declared,
): Eventually<Finding<Intent | undefined>> {
  return andThen(checkDeclared(ports, capability, call), (declared) =>
    declared.ok ? checkMemory(ports, capability, call, declared) : declared,
  );
}

function checkDeclared(
  ports: Pick<JudgePorts, "intent" | "rules">,
  capability: Capability,
  call: Declared,
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

/** Who cannot verify memories lets none through. */
function checkMemory<T>(
  { memory }: Pick<JudgePorts, "memory">,
  capability: Capability,
  { memoryProvenance: header, method }: Declared,
  passed: Finding<T>,
): Eventually<Finding<T>> {
  if (memory === undefined) return header === undefined ? passed : refused(reason("intent.unavailable"));
  return andThen(memory.refusalOf(capability, { header, isTool: method === "tools/call" }), (refusal) =>
    refusal === undefined ? passed : refused(refusal),
  );
}
