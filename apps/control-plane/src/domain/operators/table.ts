// Who the operators are, what they sign in with, and logins that are under way.
import type { OperatorRole } from "@postern/contracts";
import { jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant } from "../../database/columns.ts";

export const operators = pgTable(
  "operators",
  {
    tenant: text().notNull(),
    id: text().notNull(),
    name: text().notNull(),
    roles: jsonb().$type<readonly OperatorRole[]>().notNull(),
    rolesFrom: text("roles_from").$type<"here" | "provider">().notNull(),
    issuer: text(),
    subject: text(),
    createdAt: instant("created_at").notNull(),
    createdBy: text("created_by").notNull(),
    updatedAt: instant("updated_at").notNull(),
    updatedBy: text("updated_by").notNull(),
    removedAt: instant("removed_at"),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.id] })],
);

export const operatorTokens = pgTable(
  "operator_tokens",
  {
    tenant: text().notNull(),
    sha256: text().notNull(),
    id: text().notNull(),
    operatorId: text("operator_id").notNull(),
    kind: text().$type<"token" | "session">().notNull(),
    label: text().notNull(),
    roles: jsonb().$type<readonly OperatorRole[]>().notNull(),
    createdAt: instant("created_at").notNull(),
    createdBy: text("created_by").notNull(),
    expiresAt: instant("expires_at"),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.sha256] })],
);

export const operatorLogins = pgTable(
  "operator_logins",
  {
    tenant: text().notNull(),
    codeSha256: text("code_sha256").notNull(),
    stateSha256: text("state_sha256").notNull(),
    operatorId: text("operator_id").notNull(),
    roles: jsonb().$type<readonly OperatorRole[]>().notNull(),
    createdAt: instant("created_at").notNull(),
    usedAt: instant("used_at"),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.codeSha256] })],
);
