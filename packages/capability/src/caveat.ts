// What each caveat says about one message. All of them must hold, so that a further caveat can only narrow. A caveat speaks either of
// every message (who sends it, where it goes) or of tools alone; budgets (max_calls, rate, max_cost) are spent, and expiry is judged, elsewhere.
import { type Caveat, type JsonObject, type Reason, reason } from "@postern/contracts";
import { satisfies } from "./argument-predicate.ts";
import { matchAny, matchGlob } from "./glob.ts";

/** Any message, whatever it asks. */
export interface CapabilityMessage {
  /** Name of the tool server that the message goes to. */
  readonly upstream: string;
  readonly nowMs: number;
}

export interface CapabilityCall extends CapabilityMessage {
  readonly tool: string;
  readonly args: JsonObject;
  /** "list" asks whether the tool may be shown: conditions on arguments are left out, because there are none yet. */
  readonly mode: "call" | "list";
}

const AGENT_TOOL = "agent:";

/** Why `caveat` refuses every message of `agent` to this upstream, tool call or not; undefined when it does not. */
export function judgeMessage(
  caveat: Caveat,
  agent: string,
  { upstream }: CapabilityMessage,
): Reason | undefined {
  switch (caveat.type) {
    case "agent_lock":
      return caveat.agent === agent ? undefined : reason("capability.agent");
    case "upstreams":
      return caveat.names.includes(upstream) ? undefined : reason("capability.upstream");
    case "tool_allow":
    case "tool_deny":
    case "arguments":
    case "callee_allow":
    case "expiry":
    case "max_calls":
    case "rate":
    case "max_cost":
    case "step_up":
      return undefined;
    default:
      return reason("capability.caveat_unknown");
  }
}

/** What `caveat` says of the tool that `call` asks for, beyond `judgeMessage`; undefined when it does not refuse it. */
export function judgeTool(caveat: Caveat, call: CapabilityCall): Reason | undefined {
  switch (caveat.type) {
    case "tool_allow":
      return matchAny(caveat.tools, call.tool) ? undefined : reason("capability.tool");
    case "tool_deny":
      return matchAny(caveat.tools, call.tool) ? reason("capability.tool") : undefined;
    case "arguments":
      return judgeArguments(caveat, call);
    case "callee_allow":
      if (!call.tool.startsWith(AGENT_TOOL)) return undefined;
      return matchAny(caveat.agents, call.tool.slice(AGENT_TOOL.length))
        ? undefined
        : reason("capability.callee");
    default:
      return undefined;
  }
}

function judgeArguments(
  caveat: Extract<Caveat, { type: "arguments" }>,
  call: CapabilityCall,
): Reason | undefined {
  if (call.mode === "list" || !matchGlob(caveat.tool ?? "*", call.tool)) return undefined;
  const broken = caveat.predicates.find((predicate) => !satisfies(call.args, predicate));
  if (broken === undefined) return undefined;
  const where = broken.path === "" ? "the arguments" : broken.path;
  return reason("capability.arguments", `The capability token does not cover this value of ${where}.`);
}
