// History, rollouts and proposals of policies, as typed functions for administrators.
import type { SidecarLabels } from "@postern/contracts";
import { z } from "zod";
import { ActivePolicy } from "./admin-replies.ts";
import type { Exchange } from "./exchange.ts";

const text = z.string();
const count = z.int().min(0);
const counts = z.record(text, count);

const Activation = z.object({
  revision: count,
  /** promote, rollback, renew or clear. */
  kind: text,
  draft_id: text,
  name: text,
  rego_sha256: text,
  activated_at: text,
  activated_by: text,
});
const ActivationPage = z.object({ items: z.array(Activation), next_cursor: text.optional() });

const Rollout = z.object({
  id: text,
  tenant: text,
  draft_id: text,
  name: text,
  rego_sha256: text,
  mode: z.enum(["staged", "shadow"]),
  percent: count,
  labels: z.record(text, text),
  status: z.enum(["running", "completed", "stopped"]),
  revision: count,
  started_at: text.optional(),
  started_by: text.optional(),
  ended_at: text.optional(),
  ended_by: text.optional(),
  end_reason: text.optional(),
});

const CountedRollout = Rollout.extend({
  figures: z.object({
    sidecars: count,
    taking_part: count,
    loaded: count,
    active: counts,
    candidate: counts,
    compared: count,
    skipped: count,
    /** Such as "allow_to_block": first what the active policy says, then the candidate. */
    differences: counts,
    load_failures: count,
    problem: text.optional(),
  }),
  /** Absent in lists. */
  samples: z
    .array(
      z.object({ difference: text, tool: text, agent: text, request_id: text, sidecar_id: text.optional() }),
    )
    .optional(),
});
const RolloutPage = z.object({ items: z.array(CountedRollout), next_cursor: text.optional() });

const Proposal = z.object({
  proposal_id: text,
  tenant: text,
  /** promote, rollback, stage or complete. */
  kind: text,
  /** proposed, approved, rejected, expired or void. */
  status: text,
  name: text,
  rego_sha256: text,
  draft_id: text.optional(),
  proposed_by: text,
  proposed_at: text.optional(),
  expires_at: text,
  decided_by: text.optional(),
});
const ProposalPage = z.object({ items: z.array(Proposal), next_cursor: text.optional() });

/** A change of what is in force: made, or proposed where the tenant asks for two people. */
export const PolicyChange = z.union([ActivePolicy, Proposal]);
const RolloutChange = z.union([ActivePolicy, Rollout, Proposal]);

export type Activation = z.infer<typeof Activation>;
export type Rollout = z.infer<typeof Rollout>;
export type CountedRollout = z.infer<typeof CountedRollout>;
export type Proposal = z.infer<typeof Proposal>;
export type RolloutChange = z.infer<typeof RolloutChange>;

export interface RolloutRequest {
  readonly draft_id: string;
  readonly tenant?: string | undefined;
  readonly mode?: "staged" | "shadow" | undefined;
  readonly percent?: number | undefined;
  readonly labels?: SidecarLabels | undefined;
  readonly stop_when?:
    | { readonly denials_up_percent_points?: number | undefined; readonly calls_min?: number | undefined }
    | undefined;
}

export interface ProposalDecision {
  readonly decision: "approve" | "reject";
  /** The proposal's: says which source was looked at. */
  readonly rego_sha256: string;
  readonly reason?: string | undefined;
}

interface Scope {
  readonly tenant?: string | undefined;
}
interface Page extends Scope {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export function isProposal(change: RolloutChange): change is Proposal {
  return "proposal_id" in change;
}

export function rolloutCalls(exchange: Exchange) {
  const base = "/v1/admin/policies";
  const rolloutPath = (id: string) => `${base}/rollouts/${encodeURIComponent(id)}`;
  const proposalPath = (id: string) => `${base}/proposals/${encodeURIComponent(id)}`;
  const get = <S extends z.ZodType>(path: string, reply: S, query: object) =>
    exchange.json("GET", path, reply, { query: { ...query } });
  return {
    policyHistory: (page: Page = {}) => get(`${base}/history`, ActivationPage, page),

    startRollout: (request: RolloutRequest) =>
      exchange.json("POST", `${base}/rollouts`, RolloutChange, { body: request }),
    rollouts: (page: Page = {}) => get(`${base}/rollouts`, RolloutPage, page),
    rollout: (id: string, scope: Scope = {}) => get(rolloutPath(id), CountedRollout, scope),
    changeRollout: (id: string, { percent, ...scope }: Scope & { percent: number }) =>
      exchange.json("PATCH", rolloutPath(id), Rollout, { query: { ...scope }, body: { percent } }),
    completeRollout: (id: string, scope: Scope = {}) =>
      exchange.json("POST", `${rolloutPath(id)}/complete`, RolloutChange, { query: { ...scope } }),
    stopRollout: (id: string, { reason, ...scope }: Scope & { reason?: string | undefined } = {}) =>
      exchange.json("POST", `${rolloutPath(id)}/stop`, Rollout, { query: { ...scope }, body: { reason } }),

    proposals: (page: Page = {}) => get(`${base}/proposals`, ProposalPage, page),
    proposal: (id: string, scope: Scope = {}) => get(proposalPath(id), Proposal, scope),
    /** Agreeing makes the change at once. Fault forbidden "proposals.own" for who proposed it. */
    decideProposal: (id: string, decision: ProposalDecision, scope: Scope = {}) =>
      exchange.json("POST", `${proposalPath(id)}/decide`, RolloutChange, {
        query: { ...scope },
        body: decision,
      }),
  };
}
