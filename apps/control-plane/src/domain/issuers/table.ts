// Which identity providers a tenant trusts.
import type { IssuerTrust } from "@postern/contracts";
import { jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant } from "../../database/columns.ts";

export const trustedIssuers = pgTable(
  "trusted_issuers",
  {
    tenant: text().notNull(),
    id: text().notNull(),
    issuer: text().notNull(),
    trust: jsonb().$type<IssuerTrust>().notNull(),
    createdAt: instant("created_at").notNull(),
    createdBy: text("created_by").notNull(),
    updatedAt: instant("updated_at").notNull(),
    updatedBy: text("updated_by").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.id] })],
);
