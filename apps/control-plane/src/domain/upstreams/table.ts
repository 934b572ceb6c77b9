// Which tool servers a tenant registered, and how far that list has come.
import type { RegisteredUpstream, UpstreamAuth } from "@postern/contracts";
import { boolean, jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant, whole } from "../../database/columns.ts";

export const upstreamRegisters = pgTable("upstream_registers", {
  tenant: text().primaryKey(),
  version: whole("version").notNull(),
});

export const upstreams = pgTable(
  "upstreams",
  {
    tenant: text().notNull(),
    name: text().notNull(),
    transport: text().$type<RegisteredUpstream["transport"]>().notNull(),
    url: text().notNull(),
    auth: jsonb().$type<UpstreamAuth>().notNull(),
    enabled: boolean().notNull(),
    createdAt: instant("created_at").notNull(),
    createdBy: text("created_by").notNull(),
    updatedAt: instant("updated_at").notNull(),
    updatedBy: text("updated_by").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.name] })],
);
