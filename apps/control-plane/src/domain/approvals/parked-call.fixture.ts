// A call as a sidecar parks it, with the digest that belongs to it.
import type { ApprovalRequest, JsonObject } from "@postern/contracts";
import { callDigest } from "@postern/decision";

const POLICY = "5".repeat(64);

export function parkedCall(
  change: Partial<Omit<ApprovalRequest, "arguments">> & {
    arguments?: JsonObject;
    tenant?: string;
  } = {},
): ApprovalRequest {
  const { tenant = "acme", ...changed } = change;
  const call = {
    ...{ agent_id: "robot", token_id: "token.1", root_token_id: "token", method: "tools/call", tool: "pay" },
    ...{ upstream: "bank", arguments: { to: "ada", amount: 5 }, intent_summary: "Pay Ada." },
    ...{ reason: "Payments need a person.", escalating_rule: "payments", requires_step_up: false },
    ...{ policy_revision: 1, policy_sha256: POLICY, session_id: "s", request_id: "r" },
    remote_address: "192.0.2.1",
    ...changed,
  };
  const { agent_id: agent, method, tool, upstream, arguments: args, policy_sha256: policySha256 } = call;
  const digest = callDigest({ tenant, agent, method, tool, upstream, args, policySha256 });
  return { digest, ...call } as ApprovalRequest;
}
