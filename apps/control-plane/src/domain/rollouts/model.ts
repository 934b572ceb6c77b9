// A rollout is a candidate beside what is in force: tried by some sidecars, counted by all of them, and ended in one of two ways. A proposal
// is a change that somebody asked for and another person must agree to.
import type { PolicyRollout, SidecarLabels } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { CompiledPolicy } from "@postern/policy/compile";

/** When a staged candidate is taken back by itself. */
export interface StopWhen {
  /** By how much the share of calls that are not allowed may rise, in percentage points. */
  readonly denialsUpPercentPoints: number;
  /** Fewer calls than this prove nothing. */
  readonly callsMin: number;
}

/** Whom a candidate reaches, and how. */
export interface Plan {
  readonly mode: PolicyRollout["mode"];
  readonly percent: number;
  readonly labels: SidecarLabels;
  readonly stopWhen: StopWhen;
}

export interface Rollout extends Plan {
  readonly tenant: string;
  readonly id: string;
  readonly draftId: string;
  readonly name: string;
  readonly regoSha256: string;
  readonly status: "running" | "completed" | "stopped";
  readonly revision: number;
  readonly digest: string;
  readonly kid: string;
  readonly expiresAt: Date;
  readonly startedAt: Date;
  readonly startedBy: string;
  readonly changedAt: Date;
  readonly endedAt: Date | null;
  /** "" while it runs. */
  readonly endedBy: string;
  readonly endReason: string;
}

/** A rollout with what it takes to sign its policy again. */
export interface CompiledRollout extends Rollout {
  readonly compiled: Omit<CompiledPolicy, "wasm">;
  readonly wasm: Uint8Array;
}

export interface RolloutKey {
  readonly tenant: string;
  readonly id: string;
}

/** What may need two people. */
export type Change =
  | { readonly kind: "promote"; readonly draftId: string }
  | { readonly kind: "rollback"; readonly revision?: number | undefined }
  | { readonly kind: "stage"; readonly draftId: string; readonly plan: Plan }
  | { readonly kind: "complete"; readonly rolloutId: string };

export interface Proposal {
  readonly tenant: string;
  readonly id: string;
  readonly kind: Change["kind"];
  readonly request: Change;
  readonly draftId: string | null;
  readonly name: string;
  /** What exactly is agreed to. */
  readonly regoSha256: string;
  readonly status: "open" | "approved" | "rejected";
  readonly proposedBy: string;
  readonly proposedByClaim: string;
  readonly proposedAt: Date;
  readonly expiresAt: Date;
  /** "" while nobody has decided. */
  readonly decidedBy: string;
  readonly decidedAt: Date | null;
  readonly decisionReason: string;
}

/** void: what it was about is not there any more as it was. */
export type ProposalStanding = Proposal["status"] | "expired" | "void";

export const PROPOSAL_LIFETIME_MS = 86_400_000;
/** Open proposals of one tenant. */
export const PROPOSALS_MAX = 50;

/** What sidecars are told of a rollout. */
export function toldOf({ id, mode, percent, labels, ...rollout }: Rollout): PolicyRollout {
  const { revision, digest, kid, expiresAt } = rollout;
  const candidate = { revision, digest, kid, expires_at: expiresAt.toISOString() };
  return { id, mode, percent, labels, candidate };
}

export const unknownRollout = (): Fault =>
  new Fault("not_found", "rollouts.unknown", "There is no such rollout.");

export const unknownProposal = (): Fault =>
  new Fault("not_found", "proposals.unknown", "There is no such proposal.");
