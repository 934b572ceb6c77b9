// How a parked call looks on the wire: the fields of document 001 first, ours behind them.
import { ApprovalStatus, Identifier, Sha256Hex } from "@postern/contracts";
import { z } from "zod";
import { type ApprovalInDetail, approvalsGiven, statusAt } from "../../domain/approvals/model.ts";

const text = z.string();
const count = z.int().min(0);
const instant = z.iso.datetime();

export const ApprovalView = z.strictObject({
  id: Identifier,
  tenant: text,
  agent_id: text,
  capability_token_id: text,
  tool: text,
  arguments: z.record(z.string(), z.json()).describe("As they were parked; {} once they were erased."),
  escalating_rule: text.describe('"" where the policy names none.'),
  created_at: instant,
  arguments_erased: z.boolean(),
  root_capability_token_id: text,
  digest: Sha256Hex.describe("What a decision is about: this exact call under this exact policy."),
  method: text,
  upstream: text,
  reason: text.describe("Why the policy asks for a person."),
  intent_summary: text,
  requires_step_up: z.boolean(),
  status: ApprovalStatus,
  expires_at: instant.describe("Pending: until when it can be decided. Approved: until when it can be used."),
  approvals_given: count,
  approvals_required: count.describe("Different people who must say yes."),
  decisions: z.array(
    z.strictObject({
      by: text.describe("Who decided, by credential."),
      at: instant,
      decision: z.enum(["approve", "reject"]),
      reason: text,
      claim: text.describe("Who the caller said decides."),
    }),
  ),
  decided_by: text.describe('Whose decision settled it; "" while nobody\'s has.'),
  decided_at: instant.optional(),
  decision_reason: text,
  used_at: instant.optional(),
  used_event_id: text.describe('The event of the call that used it; "" while none has.'),
  policy_revision: count,
  policy_sha256: text,
  sidecar_id: text,
  session_id: text,
  request_id: text,
  remote_ip: text,
});

export function approvalView(approval: ApprovalInDetail, nowMs: number): z.input<typeof ApprovalView> {
  const { id, tenant, agent, tool, decidedAt, usedAt } = approval;
  return {
    ...{ id, tenant, agent_id: agent, capability_token_id: approval.tokenId, tool },
    arguments: (approval.arguments ?? {}) as Record<string, z.input<ReturnType<typeof z.json>>>,
    escalating_rule: approval.escalatingRule,
    created_at: approval.createdAt.toISOString(),
    arguments_erased: approval.arguments === undefined,
    root_capability_token_id: approval.rootTokenId,
    ...{ digest: approval.digest, method: approval.method, upstream: approval.upstream },
    ...{ reason: approval.reason, intent_summary: approval.intentSummary },
    requires_step_up: approval.requiresStepUp,
    status: statusAt(approval, nowMs),
    expires_at: approval.expiresAt.toISOString(),
    approvals_given: approvalsGiven(approval),
    approvals_required: approval.approvalsRequired,
    decisions: [...approval.decisions],
    decided_by: approval.decidedBy,
    ...(decidedAt === null ? {} : { decided_at: decidedAt.toISOString() }),
    decision_reason: approval.decisionReason,
    ...(usedAt === null ? {} : { used_at: usedAt.toISOString() }),
    used_event_id: approval.usedEventId,
    ...{ policy_revision: approval.policyRevision, policy_sha256: approval.policySha256 },
    ...{ sidecar_id: approval.sidecarId, session_id: approval.sessionId, request_id: approval.requestId },
    remote_ip: approval.remoteAddress,
  };
}
