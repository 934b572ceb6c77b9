// Which sidecars may connect, and each boot of theirs.
import { pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant, whole } from "../../database/columns.ts";

export const sidecars = pgTable(
  "sidecars",
  {
    tenant: text().notNull(),
    id: text().notNull(),
    name: text().notNull(),
    credentialSha256: text("credential_sha256").notNull(),
    createdAt: instant("created_at").notNull(),
    createdBy: text("created_by").notNull(),
    /** Epoch of the latest boot; 0 = never registered. */
    epoch: whole("epoch").notNull(),
    removedAt: instant("removed_at"),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.id] })],
);

export const sidecarEpochs = pgTable(
  "sidecar_epochs",
  {
    tenant: text().notNull(),
    sidecarId: text("sidecar_id").notNull(),
    epoch: whole("epoch").notNull(),
    version: text().notNull(),
    hostname: text().notNull(),
    registeredAt: instant("registered_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.sidecarId, table.epoch] })],
);
