// The inventory of tools, the definitions of each that matter, and how far the tenant's pins have come.
import type { PinMode, PinReason, ToolFlag, ToolStatus } from "@postern/contracts";
import { boolean, jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant, whole } from "../../database/columns.ts";

export const toolRegisters = pgTable("tool_registers", {
  tenant: text().primaryKey(),
  version: whole("version").notNull(),
  mode: text().$type<PinMode>().notNull(),
});

export const tools = pgTable(
  "tools",
  {
    tenant: text().notNull(),
    id: text().notNull(),
    upstream: text().notNull(),
    name: text().notNull(),
    status: text().$type<ToolStatus>().notNull(),
    reason: text().$type<PinReason>().notNull(),
    digests: jsonb().$type<readonly string[]>().notNull(),
    candidate: text(),
    flags: jsonb().$type<readonly ToolFlag[]>().notNull(),
    explicit: boolean().notNull(),
    since: whole("since").notNull(),
    version: whole("version").notNull(),
    firstSeenAt: instant("first_seen_at").notNull(),
    lastSeenAt: instant("last_seen_at").notNull(),
    seenBy: text("seen_by").notNull(),
    decidedBy: text("decided_by").notNull(),
    decidedAt: instant("decided_at"),
    decisionReason: text("decision_reason").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.id] })],
);

export const toolDefinitions = pgTable(
  "tool_definitions",
  {
    tenant: text().notNull(),
    toolId: text("tool_id").notNull(),
    digest: text().notNull(),
    definition: text(),
    flags: jsonb().$type<readonly ToolFlag[]>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.toolId, table.digest] })],
);
