// What stops and what waits: parked calls, and kill switches.
import type { ApprovalStatus, HaltScope, JsonObject } from "@postern/contracts";
import type { Exchange, Query } from "./exchange.ts";
import type { Page } from "./replies.ts";

export interface ApprovalDecision {
  readonly by: string;
  readonly at: string;
  readonly decision: "approve" | "reject";
  readonly reason: string;
}

export interface Approval {
  readonly id: string;
  readonly tenant: string;
  readonly agent_id: string;
  readonly capability_token_id: string;
  readonly root_capability_token_id: string;
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly arguments_erased: boolean;
  readonly escalating_rule: string;
  readonly created_at: string;
  readonly digest: string;
  readonly method: string;
  readonly upstream: string;
  readonly reason: string;
  readonly intent_summary: string;
  readonly requires_step_up: boolean;
  readonly status: ApprovalStatus;
  /** Pending: until when it can be decided. Approved: until when it can be used. */
  readonly expires_at: string;
  readonly approvals_given: number;
  readonly approvals_required: number;
  readonly decisions: readonly ApprovalDecision[];
  readonly decided_by: string;
  readonly decided_at?: string;
  readonly decision_reason: string;
  readonly used_at?: string;
  readonly used_event_id: string;
  readonly policy_revision: number;
  readonly policy_sha256: string;
  readonly sidecar_id: string;
  readonly session_id: string;
  readonly request_id: string;
  readonly remote_ip: string;
}

export interface Halt {
  readonly id: string;
  readonly scope: HaltScope;
  readonly value: string;
  /** Absent for the one that stops everybody. */
  readonly tenant?: string;
  readonly reason: string;
  readonly state: "on" | "released" | "expired";
  readonly engaged_at: string;
  readonly engaged_by: string;
  /** Absent: until it is released. */
  readonly expires_at?: string;
  readonly released_at?: string;
  readonly released_by?: string;
  readonly release_reason?: string;
}

export interface HaltRequest {
  readonly scope: HaltScope;
  readonly value: string;
  readonly reason: string;
  readonly tenant?: string;
  readonly expires_at?: string;
}

export function approvalCalls({ json, act }: Exchange) {
  const at = encodeURIComponent;
  return {
    approvals: (query: Query) => json<Page<Approval>>("GET", "/approvals", { query }),
    approval: (tenant: string, id: string) =>
      json<Approval>("GET", `/approvals/${at(id)}`, { query: { tenant } }),
    decideApproval: (
      { tenant, id }: Pick<Approval, "tenant" | "id">,
      verdict: { decision: "approve" | "reject"; reason: string },
    ) => act("POST", `/approvals/${at(id)}/decide`, { query: { tenant }, body: verdict }),

    halts: (query: Query) => json<Page<Halt>>("GET", "/kill-switch", { query }),
    engageHalt: (request: HaltRequest) => json<Halt>("POST", "/kill-switch", { body: request }),
    releaseHalt: (id: string, reason: string) =>
      act("POST", `/kill-switch/${at(id)}/release`, { body: { reason } }),
  };
}
