// Policies: drafts, dry runs, what is in force, what was, what is proposed, and rollouts.
import { absentWhenNotFound, type Exchange, type Query } from "./exchange.ts";
import type { ActivePolicy, Draft, DraftSummary, Page } from "./replies.ts";

export type Verdict = "allow" | "block" | "escalate";

export const CHANGES = [
  "allow_to_block",
  "allow_to_escalate",
  "block_to_allow",
  "block_to_escalate",
  "escalate_to_allow",
  "escalate_to_block",
] as const;
export type Change = (typeof CHANGES)[number];
type Changes = Readonly<Record<Change, number>>;

interface Affected {
  readonly name: string;
  readonly changed: number;
  readonly evaluated: number;
}

export interface JudgedCall {
  readonly input: Readonly<Record<string, unknown>>;
  readonly candidate_decision: Verdict;
  readonly actual_decision: Verdict;
  readonly rule: string;
  readonly candidate_reason: string;
  readonly actual_reason: string;
  readonly active_decision: Verdict;
  readonly event_id: string;
  readonly ts?: string;
  readonly changed: boolean;
  readonly uncertain: boolean;
  readonly failed: boolean;
  readonly missing: readonly string[];
}

export interface DryRun {
  readonly decisions: readonly JudgedCall[];
  readonly summary: Changes & {
    readonly evaluated: number;
    readonly unchanged: number;
    readonly changed: number;
    readonly uncertain: number;
    readonly failed: number;
    readonly tools: readonly Affected[];
    readonly agents: readonly Affected[];
  };
  readonly safety: readonly {
    readonly finding: string;
    readonly severity: "info" | "warning" | "critical";
    readonly message: string;
  }[];
  readonly partial: boolean;
  readonly partial_reason?: string;
  readonly rego_sha256: string;
}

export interface Activation {
  readonly revision: number;
  readonly kind: "promote" | "rollback" | "renew" | "clear";
  readonly content_revision?: number;
  readonly draft_id: string;
  readonly name: string;
  readonly rego_sha256: string;
  readonly activated_at: string;
  readonly activated_by: string;
}

interface Plan {
  readonly mode: "staged" | "shadow";
  readonly percent: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly stop_when: { readonly denials_up_percent_points: number; readonly calls_min: number };
}

export interface Proposal extends Partial<Plan> {
  readonly proposal_id: string;
  readonly tenant: string;
  readonly kind: "promote" | "rollback" | "stage" | "complete";
  readonly status: "proposed" | "approved" | "rejected" | "expired" | "void";
  readonly draft_id: string;
  readonly name: string;
  readonly rego_sha256: string;
  readonly revision?: number;
  readonly rollout_id?: string;
  readonly proposed_by: string;
  readonly proposed_at: string;
  readonly expires_at: string;
  readonly decided_by?: string;
  readonly decision_reason?: string;
}

export interface Verdicts {
  readonly allowed: number;
  readonly blocked: number;
  readonly escalated: number;
}

export interface Rollout extends Plan {
  readonly id: string;
  readonly tenant: string;
  readonly draft_id: string;
  readonly name: string;
  readonly rego_sha256: string;
  readonly status: "running" | "completed" | "stopped";
  readonly revision: number;
  readonly started_at: string;
  readonly started_by: string;
  readonly ended_at?: string;
  readonly ended_by?: string;
  readonly end_reason?: string;
  readonly figures: {
    readonly sidecars: number;
    readonly taking_part: number;
    readonly loaded: number;
    readonly active: Verdicts;
    readonly candidate: Verdicts;
    readonly compared: number;
    readonly skipped: number;
    readonly differences: Partial<Changes>;
    readonly load_failures: number;
    readonly problem?: string;
  };
}

export interface RolloutDetail extends Rollout {
  readonly samples: readonly {
    readonly difference: string;
    readonly tool: string;
    readonly agent: string;
    readonly request_id: string;
    readonly sidecar_id: string;
  }[];
}

/** What a change is answered with that may need a second person: what is in force now, what runs now, or the proposal. */
export type Outcome = ActivePolicy | Omit<Rollout, "figures"> | Proposal;

/** Whether the change was not made, but waits for a second person. */
export function isProposed(outcome: Outcome): outcome is Proposal {
  return "proposal_id" in outcome && outcome.status === "proposed";
}

export function policyCalls({ json, act }: Exchange) {
  const at = encodeURIComponent;
  return {
    activePolicy: (tenant: string) =>
      json<ActivePolicy>("GET", "/policies/active", { query: { tenant } }).catch(absentWhenNotFound),
    promote: (tenant: string, draftId: string) =>
      json<Outcome>("POST", "/policies/active", { body: { draft_id: draftId, tenant } }),
    clearPolicy: (tenant: string) => act("DELETE", "/policies/active", { query: { tenant } }),
    rollback: (tenant: string, revision?: number) =>
      json<Outcome>("POST", "/policies/rollback", { body: { tenant, revision } }),
    policyHistory: (query: Query) => json<Page<Activation>>("GET", "/policies/history", { query }),

    drafts: (tenant: string) => json<DraftSummary[]>("GET", "/policies/drafts", { query: { tenant } }),
    draft: (id: string) => json<Draft>("GET", `/policies/drafts/${at(id)}`),
    createDraft: (draft: object) => json<Draft>("POST", "/policies/drafts", { body: draft }),
    updateDraft: (id: string, change: object) =>
      json<Draft>("PUT", `/policies/drafts/${at(id)}`, { body: change }),
    deleteDraft: (id: string) => act("DELETE", `/policies/drafts/${at(id)}`),
    dryRun: (asked: object) => json<DryRun>("POST", "/policies/dry-run", { body: asked }),

    proposals: (query: Query) => json<Page<Proposal>>("GET", "/policies/proposals", { query }),
    decideProposal: (
      { tenant, proposal_id, rego_sha256 }: Proposal,
      verdict: { decision: "approve" | "reject"; reason: string },
    ) =>
      json<Outcome>("POST", `/policies/proposals/${at(proposal_id)}/decide`, {
        query: { tenant },
        body: { ...verdict, rego_sha256 },
      }),

    rollouts: (query: Query) => json<Page<Rollout>>("GET", "/policies/rollouts", { query }),
    rollout: (tenant: string, id: string) =>
      json<RolloutDetail>("GET", `/policies/rollouts/${at(id)}`, { query: { tenant } }),
    startRollout: (plan: object) => json<Outcome>("POST", "/policies/rollouts", { body: plan }),
    changeRollout: ({ tenant, id }: Rollout, percent: number) =>
      act("PATCH", `/policies/rollouts/${at(id)}`, { query: { tenant }, body: { percent } }),
    completeRollout: ({ tenant, id }: Rollout) =>
      json<Outcome>("POST", `/policies/rollouts/${at(id)}/complete`, { query: { tenant } }),
    stopRollout: ({ tenant, id }: Rollout, reason: string) =>
      act("POST", `/policies/rollouts/${at(id)}/stop`, { query: { tenant }, body: { reason } }),
  };
}
