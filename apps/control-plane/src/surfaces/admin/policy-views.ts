// How the history, rollouts and proposals look on the wire.
import {
  Identifier,
  RolloutDifference,
  RolloutSample,
  RolloutVerdicts,
  Sha256Hex,
  SidecarLabels,
} from "@postern/contracts";
import { z } from "zod";
import type { Activation } from "../../domain/policies/model.ts";
import type { Figures, Sample } from "../../domain/rollouts/figures.ts";
import type { Plan, Rollout } from "../../domain/rollouts/model.ts";
import type { StandingProposal } from "../../domain/rollouts/proposals.ts";

const text = z.string();
const count = z.int().min(0);
const instant = z.iso.datetime();

export const ActivationView = z.strictObject({
  tenant: text,
  revision: z.int().min(1),
  kind: z
    .enum(["promote", "rollback", "renew", "clear"])
    .describe("renew = the same, signed anew; clear = nothing is in force."),
  content_revision: count.optional().describe("The promotion whose content this is. Absent for a clearing."),
  draft_id: text,
  name: text,
  rego_sha256: text,
  digest: text.optional().describe("SHA-256 of the signed bundle."),
  activated_at: instant,
  activated_by: text,
  claimed_by: text.describe("Who the caller said does it."),
});

export function activationView(activation: Activation): z.input<typeof ActivationView> {
  const { tenant, revision, kind, name, contentRevision, digest } = activation;
  return {
    ...{ tenant, revision, kind, name },
    ...(contentRevision === null ? {} : { content_revision: contentRevision }),
    draft_id: activation.draftId ?? "",
    rego_sha256: activation.regoSha256,
    ...(digest === null ? {} : { digest }),
    activated_at: activation.activatedAt.toISOString(),
    activated_by: activation.activatedBy,
    claimed_by: activation.activatedByClaim,
  };
}

export const Percent = z.int().min(0).max(100);

export const StopWhen = z.strictObject({
  denials_up_percent_points: z
    .int()
    .min(1)
    .max(100)
    .default(10)
    .describe("By how much the share of calls that are not allowed may rise."),
  calls_min: z.int().min(1).max(1_000_000).default(100).describe("Fewer calls prove nothing."),
});

const FiguresView = z.strictObject({
  sidecars: count.describe("Sidecars that have reported."),
  taking_part: count,
  loaded: count.describe("Of those, how many have the candidate ready."),
  active: RolloutVerdicts.describe("What the active policy said."),
  candidate: RolloutVerdicts.describe("What the candidate said."),
  compared: count.describe("Calls of which both were asked."),
  skipped: count.describe("Calls that were not compared, because too many waited for it."),
  differences: z.record(RolloutDifference, count),
  load_failures: count,
  problem: text.optional(),
});

function figuresView(figures: Figures): z.input<typeof FiguresView> {
  const { sidecars, loaded, active, candidate, compared, skipped, differences } = figures;
  return {
    ...{ sidecars, taking_part: figures.takingPart, loaded, active, candidate, compared, skipped },
    differences: { ...differences },
    load_failures: figures.loadFailures,
    ...(figures.problem === "" ? {} : { problem: figures.problem }),
  };
}

const plan = {
  mode: z.enum(["staged", "shadow"]),
  percent: Percent,
  labels: SidecarLabels,
  stop_when: StopWhen,
};

export const RolloutView = z.strictObject({
  id: text,
  tenant: text,
  draft_id: text,
  name: text,
  rego_sha256: text,
  ...plan,
  status: z.enum(["running", "completed", "stopped"]),
  revision: z.int().min(1).describe("The candidate's; its decisions are told under it."),
  digest: text,
  started_at: instant,
  started_by: text,
  changed_at: instant,
  ended_at: instant.optional(),
  ended_by: text.optional(),
  end_reason: text.optional(),
});

export function rolloutView(rollout: Rollout): z.input<typeof RolloutView> {
  const { id, tenant, name, status, revision, digest, endedAt } = rollout;
  return {
    ...{ id, tenant, draft_id: rollout.draftId, name, rego_sha256: rollout.regoSha256 },
    ...planView(rollout),
    ...{ status, revision, digest },
    started_at: rollout.startedAt.toISOString(),
    started_by: rollout.startedBy,
    changed_at: rollout.changedAt.toISOString(),
    ...(endedAt === null
      ? {}
      : { ended_at: endedAt.toISOString(), ended_by: rollout.endedBy, end_reason: rollout.endReason }),
  };
}

function planView({ mode, percent, labels, stopWhen }: Plan) {
  return {
    ...{ mode, percent, labels: { ...labels } },
    stop_when: {
      denials_up_percent_points: stopWhen.denialsUpPercentPoints,
      calls_min: stopWhen.callsMin,
    },
  };
}

export const CountedRolloutView = RolloutView.extend({ figures: FiguresView });

export function countedRolloutView(found: {
  rollout: Rollout;
  figures: Figures;
}): z.input<typeof CountedRolloutView> {
  return { ...rolloutView(found.rollout), figures: figuresView(found.figures) };
}

export const RolloutDetailView = CountedRolloutView.extend({
  samples: z
    .array(RolloutSample.extend({ sidecar_id: text }))
    .describe(
      "A few calls of which the policies say different things. `request_id` leads to the call's audit event.",
    ),
});

export function rolloutDetailView(found: {
  rollout: Rollout;
  figures: Figures;
  samples: readonly Sample[];
}): z.input<typeof RolloutDetailView> {
  const samples = found.samples.map(({ sidecarId, ...sample }) => ({ ...sample, sidecar_id: sidecarId }));
  return { ...countedRolloutView(found), samples };
}

export const ProposalView = z.strictObject({
  proposal_id: Identifier,
  tenant: text,
  kind: z
    .enum(["promote", "rollback", "stage", "complete"])
    .describe("What is to be done once somebody agrees."),
  status: z
    .enum(["proposed", "approved", "rejected", "expired", "void"])
    .describe("void = the draft was changed, or the rollout is over."),
  draft_id: text,
  name: text,
  rego_sha256: Sha256Hex.describe("What exactly is agreed to."),
  revision: z.int().min(1).optional().describe("For a rollback: the revision whose content comes back."),
  rollout_id: text.optional().describe("For a completion."),
  ...{ mode: plan.mode.optional(), percent: Percent.optional(), labels: SidecarLabels.optional() },
  stop_when: StopWhen.optional().describe("With mode, percent and labels: for a staged rollout."),
  proposed_by: text,
  claimed_by: text.describe("Who the caller said proposes it."),
  proposed_at: instant,
  expires_at: instant,
  decided_by: text.optional(),
  decided_at: instant.optional(),
  decision_reason: text.optional(),
});

export function proposalView(proposal: StandingProposal): z.input<typeof ProposalView> {
  const { tenant, kind, name, standing, request, decidedAt } = proposal;
  return {
    ...{ proposal_id: proposal.id, tenant, kind, status: standing === "open" ? "proposed" : standing, name },
    draft_id: proposal.draftId ?? "",
    rego_sha256: proposal.regoSha256,
    ...(request.kind === "rollback" && request.revision !== undefined ? { revision: request.revision } : {}),
    ...(request.kind === "complete" ? { rollout_id: request.rolloutId } : {}),
    ...(request.kind === "stage" ? planView(request.plan) : {}),
    proposed_by: proposal.proposedBy,
    claimed_by: proposal.proposedByClaim,
    proposed_at: proposal.proposedAt.toISOString(),
    expires_at: proposal.expiresAt.toISOString(),
    ...(decidedAt === null
      ? {}
      : {
          ...{ decided_by: proposal.decidedBy, decided_at: decidedAt.toISOString() },
          decision_reason: proposal.decisionReason,
        }),
  };
}
