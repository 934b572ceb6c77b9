// Names for what is read and shown the most.
import type { BodyOf, ReplyOf } from "./admin-call.ts";

/** Samples are in no list. */
export type CountedRollout = ReplyOf<"policy_rollout_list">["items"][number] &
  Partial<Pick<ReplyOf<"policy_rollout_view">, "samples">>;
export type DryRun = ReplyOf<"policy_dry_run">;
export type DryRunDecision = DryRun["decisions"][number];
export type Halt = ReplyOf<"halt_list">["items"][number];
export type Issuer = ReplyOf<"issuer_view">;
export type Operator = ReplyOf<"operator_view">;
export type Proposal = ReplyOf<"policy_proposal_view">;
/** A change of what is in force: made, or proposed where the tenant asks for two people. */
export type RolloutChange = ReplyOf<"policy_rollout_start">;
export type Tool = ReplyOf<"tool_list">["items"][number];
export type ToolDetail = ReplyOf<"tool_view">;
export type Upstream = ReplyOf<"upstream_view">;
export type UpstreamRequest = BodyOf<"upstream_replace">;
