// Parked calls, and how far each tenant's decisions have come.
import type { ApprovalStatus } from "@postern/contracts";
import { boolean, integer, jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant, whole } from "../../database/columns.ts";
import type { Decision } from "./model.ts";

export const approvalRegisters = pgTable("approval_registers", {
  tenant: text().primaryKey(),
  version: whole("version").notNull(),
});

export const approvals = pgTable(
  "approvals",
  {
    tenant: text().notNull(),
    id: text().notNull(),
    digest: text().notNull(),
    agent: text().notNull(),
    tokenId: text("token_id").notNull(),
    rootTokenId: text("root_token_id").notNull(),
    method: text().notNull(),
    tool: text().notNull(),
    upstream: text().notNull(),
    argumentsText: text("arguments"),
    argumentsBytes: integer("arguments_bytes").notNull(),
    intentSummary: text("intent_summary").notNull(),
    reason: text().notNull(),
    escalatingRule: text("escalating_rule").notNull(),
    requiresStepUp: boolean("requires_step_up").notNull(),
    policyRevision: whole("policy_revision").notNull(),
    policySha256: text("policy_sha256").notNull(),
    sidecarId: text("sidecar_id").notNull(),
    sessionId: text("session_id").notNull(),
    requestId: text("request_id").notNull(),
    remoteAddress: text("remote_address").notNull(),
    createdAt: instant("created_at").notNull(),
    expiresAt: instant("expires_at").notNull(),
    status: text().$type<ApprovalStatus>().notNull(),
    approvalsRequired: integer("approvals_required").notNull(),
    decisions: jsonb().$type<readonly Decision[]>().notNull(),
    decidedBy: text("decided_by").notNull(),
    decidedAt: instant("decided_at"),
    decisionReason: text("decision_reason").notNull(),
    usedAt: instant("used_at"),
    usedEventId: text("used_event_id").notNull(),
    version: whole("version").notNull(),
    changedAt: instant("changed_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.id] })],
);
