// One plain sentence per caveat.
import type { ArgumentPredicate, Caveat } from "@postern/contracts";

export function explainCaveat(caveat: Caveat): string {
  switch (caveat.type) {
    case "expiry":
      return `Expires at ${caveat.at}.`;
    case "tool_allow":
      return caveat.tools.length === 0
        ? "Allows no tool."
        : `Allows only these tools: ${list(caveat.tools)}.`;
    case "tool_deny":
      return caveat.tools.length === 0 ? "Denies no tool." : `Denies these tools: ${list(caveat.tools)}.`;
    case "agent_lock":
      return `Is good for agent ${caveat.agent} only.`;
    case "max_calls":
      return `Is good for ${caveat.limit} calls.`;
    case "rate":
      return `Is good for ${caveat.per_minute} calls in each minute.`;
    case "max_cost":
      return `May cost at most ${caveat.micros / 1_000_000} in all.`;
    case "arguments":
      return `Calls of ${caveat.tool ?? "every tool"} need ${caveat.predicates.map(explainPredicate).join(" and ")}.`;
    case "upstreams":
      return caveat.names.length === 0
        ? "Covers no tool server."
        : `Covers only these tool servers: ${list(caveat.names)}.`;
    case "step_up":
      return `Its holder proved a fresh factor at ${caveat.at}.`;
    case "callee_allow":
      return caveat.agents.length === 0
        ? "Allows calling no agent."
        : `Allows calling only these agents: ${list(caveat.agents)}.`;
    default:
      return "Is unknown to this version, so it refuses every call.";
  }
}

const RELATION = {
  eq: "to be",
  ne: "to be there and not",
  lt: "to be a number below",
  lte: "to be a number of at most",
  gt: "to be a number above",
  gte: "to be a number of at least",
  glob: "to be text that matches",
  in: "to be one of",
} as const;

function explainPredicate(predicate: ArgumentPredicate): string {
  const value = predicate.op === "in" ? predicate.values : predicate.value;
  return `${predicate.path || "the arguments"} ${RELATION[predicate.op]} ${JSON.stringify(value)}`;
}

function list(names: readonly string[]): string {
  return names.join(", ");
}
