// Proposals: who wants what to be in force, by the digest of its source, and who agreed to it. Decided once, by another identity than the one
// that proposed; what has run out, or is not there any more as it was, cannot be agreed to.
import { Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import type { Drafts } from "../policies/drafts.ts";
import type { Unit } from "../unit.ts";
import {
  type Change,
  PROPOSAL_LIFETIME_MS,
  PROPOSALS_MAX,
  type Proposal,
  type ProposalStanding,
  type RolloutKey,
  unknownProposal,
} from "./model.ts";
import { countOpen, insertProposal, lockProposal, selectRunning, updateProposal } from "./store.ts";

export interface StandingProposal extends Omit<Proposal, "status"> {
  readonly standing: ProposalStanding;
}

export interface Decision {
  readonly approve: boolean;
  /** What whoever decides has looked at. */
  readonly regoSha256: string;
  readonly reason: string;
  /** Who the caller says decides. */
  readonly claim: string;
}

/** What a proposal is about. */
export interface Proposed {
  readonly tenant: string;
  readonly change: Change;
  readonly draftId: string | null;
  readonly name: string;
  readonly regoSha256: string;
}

/** The tenant's policies must be locked. Faults: limited "proposals.too_many". */
export async function propose(unit: Unit, wish: Proposed, claim: string): Promise<StandingProposal> {
  const { tenant, change, draftId, name, regoSha256 } = wish;
  const now = new Date(unit.nowMs);
  if ((await countOpen(unit.executor, tenant, now)) >= PROPOSALS_MAX) {
    const message = `${PROPOSALS_MAX} proposals are open: decide on some first.`;
    throw new Fault("limited", "proposals.too_many", message);
  }
  const proposal: Proposal = {
    ...{ tenant, id: unit.newId(), kind: change.kind, request: change, draftId, name, regoSha256 },
    ...{ status: "open", proposedBy: unit.actor.name, proposedByClaim: claim, proposedAt: now },
    expiresAt: new Date(unit.nowMs + PROPOSAL_LIFETIME_MS),
    ...{ decidedBy: "", decidedAt: null, decisionReason: "" },
  };
  await insertProposal(unit.executor, proposal);
  unit.record({ tenant, name: "propose_policy", details: { ...named(proposal), claimed_by: claim } });
  return standingAs(proposal, "open");
}

/**
 * The proposal, locked until the transaction ends, if this decision may be made on it.
 * Faults: not_found "proposals.unknown" · forbidden "proposals.own" · conflict "proposals.decided", "proposals.expired", "proposals.source".
 */
export async function lockOpen(unit: Unit, key: RolloutKey, decision: Decision): Promise<Proposal> {
  const proposal = await lockProposal(unit.executor, key);
  if (proposal === undefined) throw unknownProposal();
  requireUndecided(proposal);
  if (proposal.expiresAt.getTime() <= unit.nowMs) {
    throw new Fault("conflict", "proposals.expired", "This proposal has expired: propose it again.");
  }
  if (proposal.regoSha256 !== decision.regoSha256) {
    const message = `This proposal is about another source: its rego_sha256 is ${proposal.regoSha256}.`;
    throw new Fault("conflict", "proposals.source", message);
  }
  // Whoever proposed may take it back, and nothing more.
  if (decision.approve && proposal.proposedBy === unit.actor.name) {
    throw new Fault("forbidden", "proposals.own", "Somebody else than who proposed it must agree.");
  }
  return proposal;
}

/** @throws Fault conflict "proposals.decided". */
export function requireUndecided({ status }: Proposal): void {
  if (status === "open") return;
  throw new Fault("conflict", "proposals.decided", `This proposal was ${status} already.`);
}

export async function settle(
  unit: Unit,
  proposal: Proposal,
  { approve, reason, claim }: Decision,
): Promise<StandingProposal> {
  const { tenant, proposedBy } = proposal;
  const status = approve ? "approved" : "rejected";
  const decided = { decidedBy: unit.actor.name, decidedAt: new Date(unit.nowMs), decisionReason: reason };
  await updateProposal(unit.executor, proposal, { status, ...decided });
  const name = approve ? "approve_policy" : "reject_policy";
  const details = { ...named(proposal), proposed_by: proposedBy, claimed_by: claim };
  unit.record({ tenant, name, reason, details });
  return standingAs({ ...proposal, ...decided }, status);
}

/** Where proposals of one tenant stand now. */
export async function standingsOf(
  executor: Executor,
  proposals: readonly Proposal[],
  now: { drafts: Drafts; tenant: string; nowMs: number },
): Promise<readonly StandingProposal[]> {
  const open = proposals.filter(({ status }) => status === "open");
  const draftIds = open.flatMap(({ kind, draftId }) =>
    kind === "rollback" || draftId === null ? [] : [draftId],
  );
  const digests = await now.drafts.digests(executor, now.tenant, draftIds);
  const running = await selectRunning(executor, [now.tenant]);
  return proposals.map((proposal) => {
    if (proposal.status !== "open") return standingAs(proposal, proposal.status);
    if (proposal.expiresAt.getTime() <= now.nowMs) return standingAs(proposal, "expired");
    const { request, draftId, regoSha256 } = proposal;
    const isChanged = request.kind !== "rollback" && digests.get(draftId ?? "") !== regoSha256;
    const isOver = request.kind === "complete" && !running.some(({ id }) => id === request.rolloutId);
    return standingAs(proposal, isChanged || isOver ? "void" : "open");
  });
}

function standingAs({ status: _, ...proposal }: Proposal, standing: ProposalStanding): StandingProposal {
  return { ...proposal, standing };
}

const named = ({ id, kind, draftId, name, regoSha256 }: Proposal) => ({
  ...{ proposal_id: id, change: kind, draft_id: draftId ?? "", name, rego_sha256: regoSha256 },
});
