// Signing keys of each tenant, and a version that rises whenever what verifiers should trust has changed.
import { pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { instant, whole } from "../../database/columns.ts";
import type { KeyState } from "./model.ts";

export const keys = pgTable(
  "keys",
  {
    tenant: text().notNull(),
    kid: text().notNull(),
    use: text("key_use").$type<KeyState["use"]>().notNull(),
    status: text().$type<KeyState["status"]>().notNull(),
    publicKey: text("public_key").notNull(),
    /** PASERK k4.secret-wrap.pie under the master key. */
    wrappedSecret: text("wrapped_secret").notNull(),
    createdAt: instant("created_at").notNull(),
    publishedAt: instant("published_at"),
    activatedAt: instant("activated_at"),
    notAfter: instant("not_after"),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.kid] })],
);

export const keyVersions = pgTable("key_versions", {
  tenant: text().primaryKey(),
  version: whole("version").notNull(),
});
