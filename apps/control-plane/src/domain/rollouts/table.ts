// Candidates, what sidecars counted of them, and changes that wait for a second person.
import type { RolloutSample, SidecarLabels } from "@postern/contracts";
import { boolean, integer, jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { bytes, instant, whole } from "../../database/columns.ts";
import type { CompiledText } from "../policies/model.ts";
import type { Change, Proposal, Rollout, StopWhen } from "./model.ts";

export const policyRollouts = pgTable(
  "policy_rollouts",
  {
    tenant: text().notNull(),
    id: text().notNull(),
    draftId: text("draft_id").notNull(),
    name: text().notNull(),
    regoSha256: text("rego_sha256").notNull(),
    mode: text().$type<Rollout["mode"]>().notNull(),
    percent: integer().notNull(),
    labels: jsonb().$type<SidecarLabels>().notNull(),
    stopWhen: jsonb("stop_when").$type<StopWhen>().notNull(),
    status: text().$type<Rollout["status"]>().notNull(),
    revision: whole("revision").notNull(),
    digest: text().notNull(),
    kid: text().notNull(),
    expiresAt: instant("expires_at").notNull(),
    startedAt: instant("started_at").notNull(),
    startedBy: text("started_by").notNull(),
    changedAt: instant("changed_at").notNull(),
    endedAt: instant("ended_at"),
    endedBy: text("ended_by").notNull(),
    endReason: text("end_reason").notNull(),
    compiled: jsonb().$type<CompiledText>().notNull(),
    wasm: bytes("wasm").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.id] })],
);

export const policyRolloutReports = pgTable(
  "policy_rollout_reports",
  {
    tenant: text().notNull(),
    rolloutId: text("rollout_id").notNull(),
    sidecarId: text("sidecar_id").notNull(),
    epoch: whole("epoch").notNull(),
    takesPart: boolean("takes_part").notNull(),
    loaded: boolean().notNull(),
    activeAllowed: whole("active_allowed").notNull(),
    activeBlocked: whole("active_blocked").notNull(),
    activeEscalated: whole("active_escalated").notNull(),
    candidateAllowed: whole("candidate_allowed").notNull(),
    candidateBlocked: whole("candidate_blocked").notNull(),
    candidateEscalated: whole("candidate_escalated").notNull(),
    compared: whole("compared").notNull(),
    skipped: whole("skipped").notNull(),
    allowToBlock: whole("allow_to_block").notNull(),
    allowToEscalate: whole("allow_to_escalate").notNull(),
    blockToAllow: whole("block_to_allow").notNull(),
    blockToEscalate: whole("block_to_escalate").notNull(),
    escalateToAllow: whole("escalate_to_allow").notNull(),
    escalateToBlock: whole("escalate_to_block").notNull(),
    loadFailures: whole("load_failures").notNull(),
    problem: text().notNull(),
    samples: jsonb().$type<readonly RolloutSample[]>().notNull(),
    reportedAt: instant("reported_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.rolloutId, table.sidecarId, table.epoch] })],
);

export const policyProposals = pgTable(
  "policy_proposals",
  {
    tenant: text().notNull(),
    id: text().notNull(),
    kind: text().$type<Change["kind"]>().notNull(),
    request: jsonb().$type<Change>().notNull(),
    draftId: text("draft_id"),
    name: text().notNull(),
    regoSha256: text("rego_sha256").notNull(),
    status: text().$type<Proposal["status"]>().notNull(),
    proposedBy: text("proposed_by").notNull(),
    proposedByClaim: text("proposed_by_claim").notNull(),
    proposedAt: instant("proposed_at").notNull(),
    expiresAt: instant("expires_at").notNull(),
    decidedBy: text("decided_by").notNull(),
    decidedAt: instant("decided_at"),
    decisionReason: text("decision_reason").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.id] })],
);
