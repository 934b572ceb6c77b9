// Who is served here.
import { jsonb, pgTable, text } from "drizzle-orm/pg-core";
import { instant } from "../../database/columns.ts";

export const tenants = pgTable("tenants", {
  tenant: text().primaryKey(),
  createdAt: instant("created_at").notNull(),
  createdBy: text("created_by").notNull(),
});

export const tenantSettings = pgTable("tenant_settings", {
  tenant: text().primaryKey(),
  settings: jsonb().$type<unknown>().notNull(),
});
