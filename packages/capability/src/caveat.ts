// What each caveat says about messages, as a rule that is made once for a token. All rules must hold, so that a further caveat can only narrow.
// A caveat speaks either of every message (who sends it, where it goes) or of tools alone; budgets (max_calls, rate, max_cost) are spent, and
// expiry is judged, elsewhere.
import { type Caveat, type JsonObject, type Reason, reason } from "@postern/contracts";
import { conditionOf } from "./argument-predicate.ts";
import { anyOf } from "./glob.ts";

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

/** What a caveat says of a message: why it is refused, or undefined. */
export type MessageRule = (message: CapabilityMessage) => Reason | undefined;
/** The same for a call. */
export type ToolRule = (call: CapabilityCall) => Reason | undefined;

/** What `caveat` says of every message of `agent`, tool call or not; undefined when it says nothing of it. */
export function messageRule(caveat: Caveat, agent: string): MessageRule | undefined {
  switch (caveat.type) {
    case "agent_lock":
      return caveat.agent === agent ? undefined : () => reason("capability.agent");
    case "upstreams":
      return ({ upstream }) => (caveat.names.includes(upstream) ? undefined : reason("capability.upstream"));
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
      return () => reason("capability.caveat_unknown");
  }
}

/** What `caveat` says of the tool that a call asks for, beyond `messageRule`; undefined when it says nothing of tools. */
export function toolRule(caveat: Caveat): ToolRule | undefined {
  switch (caveat.type) {
    case "tool_allow": {
      const covers = anyOf(caveat.tools);
      return ({ tool }) => (covers(tool) ? undefined : reason("capability.tool"));
    }
    case "tool_deny": {
      const covers = anyOf(caveat.tools);
      return ({ tool }) => (covers(tool) ? reason("capability.tool") : undefined);
    }
    case "arguments":
      return argumentsRule(caveat);
    case "callee_allow": {
      const covers = anyOf(caveat.agents);
      return ({ tool }) =>
        tool.startsWith(AGENT_TOOL) && !covers(tool.slice(AGENT_TOOL.length))
          ? reason("capability.callee")
          : undefined;
    }
    default:
      return undefined;
  }
}

function argumentsRule({ tool = "*", predicates }: Extract<Caveat, { type: "arguments" }>): ToolRule {
  const speaksOf = anyOf([tool]);
  const conditions = predicates.map((predicate) => ({ path: predicate.path, holds: conditionOf(predicate) }));
  return (call) => {
    if (call.mode === "list" || !speaksOf(call.tool)) return undefined;
    for (const { path, holds } of conditions) {
      if (holds(call.args)) continue;
      const where = path === "" ? "the arguments" : path;
      return reason("capability.arguments", `The capability token does not cover this value of ${where}.`);
    }
    return undefined;
  };
}
