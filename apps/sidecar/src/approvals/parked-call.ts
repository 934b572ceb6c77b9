// A call as people are shown it, and the digest that an approval of it is bound to (P8): who asks for what, with exactly which input, under which
// policy. What a call brings beside its arguments is part of what is asked, such as answers to a tool server's questions, so it is approved with
// it; only `_meta`, which is of the exchange and differs each time, is not.
import type { ApprovalRequest, JsonObject } from "@postern/contracts";
import { callDigest, type Escalated } from "@postern/decision";
import type { Authenticated, IdentifiedCall } from "../stages.ts";

type Call = Authenticated<IdentifiedCall>;

/** Stands for the method of a tools/call that brings more than arguments: they are then all that it asks with. */
const CALL_WITH_INPUT = "tools/call with input";

/** Whether a call answers questions of the tool server's own (MCP 2026-07-28, `input_required`). */
export const bringsInput = ({ message }: Call): boolean => {
  const params = message === undefined || message.kind === "response" ? undefined : message.params;
  return params?.inputResponses !== undefined || params?.requestState !== undefined;
};

/** Faults: invalid "audit.not_canonical" for input that has no canonical form. */
export function digestOf(stage: Call, policySha256: string): string {
  const { capability, tool, upstream } = stage;
  const { tenant, agent } = capability;
  return callDigest({ tenant, agent, tool, upstream, policySha256, ...askedOf(stage) });
}

export function parkedCall(stage: Call, escalated: Escalated, digest: string): ApprovalRequest {
  const { capability, intent, pointer, policy, reasons } = escalated;
  const { method, args } = askedOf(stage);
  return {
    digest,
    agent_id: capability.agent,
    token_id: capability.jti,
    root_token_id: capability.rootJti,
    method,
    tool: stage.tool,
    upstream: stage.upstream,
    arguments: args as ApprovalRequest["arguments"],
    intent_summary: fitted(intent?.summary, 2048),
    reason: fitted(reasons[0]?.detail, 1024),
    escalating_rule: fitted(policy.rule, 256),
    requires_step_up: policy.requires_step_up === true,
    policy_revision: pointer.revision,
    policy_sha256: pointer.digest,
    session_id: fitted(stage.sessionId, 256),
    request_id: fitted(stage.requestId, 128),
    remote_address: fitted(stage.remoteAddress, 64),
  };
}

/** What people are shown, and what the digest is over. */
export function askedOf(stage: Call): { readonly method: string; readonly args: JsonObject } {
  const { args, message, method } = stage;
  if (method !== "tools/call" || message === undefined || message.kind === "response")
    return { method, args };
  const { name: _name, arguments: _args, _meta, ...beside } = message.params ?? {};
  if (Object.keys(beside).length === 0) return { method, args };
  return { method: CALL_WITH_INPUT, args: { arguments: args, ...beside } };
}

const fitted = (text = "", charactersMax: number) => text.slice(0, charactersMax).toWellFormed();
