// Kill switches with their history, and how far each tenant's have come.
import type { HaltScope } from "@postern/contracts";
import { pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant, whole } from "../../database/columns.ts";

export const halts = pgTable(
  "halts",
  {
    tenant: text().notNull(),
    id: text().notNull(),
    scope: text().$type<HaltScope>().notNull(),
    value: text().notNull(),
    reason: text().notNull(),
    engagedAt: instant("engaged_at").notNull(),
    engagedBy: text("engaged_by").notNull(),
    expiresAt: instant("expires_at"),
    releasedAt: instant("released_at"),
    releasedBy: text("released_by").notNull(),
    releaseReason: text("release_reason").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.id] })],
);

export const haltVersions = pgTable("halt_versions", {
  tenant: text().primaryKey(),
  version: whole("version").notNull(),
});
