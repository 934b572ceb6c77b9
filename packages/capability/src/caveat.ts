// What each caveat says about one call. All of them must hold, so that a further caveat can only narrow.
// Budgets (max_calls, rate, max_cost) are spent, and expiry is judged, elsewhere.
import { type Caveat, type JsonObject, type Reason, reason } from "@postern/contracts";
import { satisfies } from "./argument-predicate.ts";
import { matchAny, matchGlob } from "./glob.ts";

export interface CapabilityCall {
  readonly tool: string;
  readonly args: JsonObject;
  /** Name of the tool server that the call goes to. */
  readonly upstream: string;
  readonly nowMs: number;
  /** "list" asks whether the tool may be shown: conditions on arguments are left out, because there are none yet. */
  readonly mode: "call" | "list";
}

const AGENT_TOOL = "agent:";

/** Why `caveat` refuses `call` by `agent`; undefined when it does not. */
export function judgeCaveat(caveat: Caveat, agent: string, call: CapabilityCall): Reason | undefined {
  switch (caveat.type) {
    case "tool_allow":
      return matchAny(caveat.tools, call.tool) ? undefined : reason("capability.tool");
    case "tool_deny":
      return matchAny(caveat.tools, call.tool) ? reason("capability.tool") : undefined;
    case "agent_lock":
      return caveat.agent === agent ? undefined : reason("capability.agent");
    case "arguments":
      return judgeArguments(caveat, call);
    case "upstreams":
      return caveat.names.includes(call.upstream) ? undefined : reason("capability.upstream");
    case "callee_allow":
      if (!call.tool.startsWith(AGENT_TOOL)) return undefined;
      return matchAny(caveat.agents, call.tool.slice(AGENT_TOOL.length))
        ? undefined
        : reason("capability.callee");
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
