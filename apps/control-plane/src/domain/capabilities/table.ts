// What was issued (never the tokens themselves) and what was revoked.
import type { Caveat } from "@postern/contracts";
import { boolean, jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant, whole } from "../../database/columns.ts";

export const capabilities = pgTable(
  "capabilities",
  {
    tenant: text().notNull(),
    jti: text().notNull(),
    subject: text().notNull(),
    issuer: text().notNull(),
    kid: text().notNull(),
    issuedAt: instant("issued_at").notNull(),
    expiresAt: instant("expires_at"),
    caveats: jsonb().$type<readonly Caveat[]>().notNull(),
    attenuable: boolean().notNull(),
    issuedBy: text("issued_by").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.jti] })],
);

export const revocations = pgTable(
  "revocations",
  {
    tenant: text().notNull(),
    jti: text().notNull(),
    /** Position in the tenant's list: 1, 2, 3, … without holes. */
    version: whole("version").notNull(),
    revokedAt: instant("revoked_at").notNull(),
    reason: text().notNull(),
    revokedBy: text("revoked_by").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.jti] })],
);

export const revocationVersions = pgTable("revocation_versions", {
  tenant: text().primaryKey(),
  version: whole("version").notNull(),
});
