// A parked call for tests: it waits, but for what is changed.
import type { Approval } from "./admin-approvals.ts";

export function sampleApproval(change: Partial<Approval> = {}): Approval {
  return {
    id: "a1",
    tenant: "acme",
    agent_id: "robot",
    capability_token_id: "t1",
    root_capability_token_id: "t1",
    tool: "pay",
    arguments: { amount: 5 },
    arguments_erased: false,
    escalating_rule: "large",
    created_at: "2026-01-31T09:00:00.000Z",
    digest: "d".repeat(64),
    method: "tools/call",
    upstream: "bank",
    reason: "A large amount.",
    intent_summary: "",
    requires_step_up: false,
    status: "pending",
    expires_at: "2026-01-31T10:00:00.000Z",
    approvals_given: 0,
    approvals_required: 1,
    decisions: [],
    decided_by: "",
    decision_reason: "",
    used_event_id: "",
    policy_revision: 1,
    policy_sha256: "5".repeat(64),
    sidecar_id: "s1",
    session_id: "",
    request_id: "r1",
    remote_ip: "192.0.2.1",
    ...change,
  };
}
