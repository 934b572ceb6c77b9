// Elevations. Whether one has expired is known by its time alone, and stored nowhere.
import { integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant } from "../../database/columns.ts";
import type { Elevation, StoredStatus } from "./model.ts";

export const elevations = pgTable(
  "elevations",
  {
    tenant: text().notNull(),
    id: text().notNull(),
    requester: text().notNull(),
    role: text().$type<Elevation["role"]>().notNull(),
    reason: text().notNull(),
    ttlSeconds: integer("ttl_seconds").notNull(),
    status: text().$type<StoredStatus>().notNull(),
    createdAt: instant("created_at").notNull(),
    expiresAt: instant("expires_at").notNull(),
    decidedAt: instant("decided_at"),
    decidedBy: text("decided_by").notNull(),
    decisionReason: text("decision_reason").notNull(),
    endedAt: instant("ended_at"),
    endedBy: text("ended_by").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.id] })],
);
