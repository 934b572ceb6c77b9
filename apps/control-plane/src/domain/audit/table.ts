// The log: one chain of events per tenant, where it stands, and the checkpoints signed over it.
import { bigint, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant, whole } from "../../database/columns.ts";

export const auditChains = pgTable("audit_chains", {
  tenant: text().primaryKey(),
  size: whole("size").notNull(),
  headHash: text("head_hash").notNull(),
  headEventId: text("head_event_id").notNull(),
  headAt: instant("head_at"),
  /** The tree's compact range, as JSON. */
  tree: text().notNull(),
});

export const auditEvents = pgTable(
  "audit_events",
  {
    tenant: text().notNull(),
    idx: whole("idx").notNull(),
    /** Order over all tenants, for lists that span them. */
    seq: bigint("seq", { mode: "number" }).generatedAlwaysAsIdentity().notNull(),
    eventId: text("event_id").notNull(),
    ts: instant("ts").notNull(),
    decision: text().notNull(),
    tool: text().notNull(),
    agentId: text("agent_id").notNull(),
    /** The canonical text that was hashed. The columns above repeat parts of it for queries; verification compares them. */
    event: text().notNull(),
    prevHash: text("prev_hash").notNull(),
    hash: text().notNull(),
    /** Beside the hashed text, so that it can be forgotten. */
    argsSalt: text("args_salt"),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.idx] })],
);

export const auditCheckpoints = pgTable(
  "audit_checkpoints",
  {
    tenant: text().notNull(),
    size: whole("size").notNull(),
    rootHash: text("root_hash").notNull(),
    kid: text().notNull(),
    note: text().notNull(),
    signedAt: instant("signed_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.size] })],
);
