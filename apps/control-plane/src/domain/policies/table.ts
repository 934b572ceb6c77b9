// Drafts, what became of them, and the signed bundles that sidecars fetch.
import { jsonb, pgTable, primaryKey, text } from "drizzle-orm/pg-core";
import { bytes, instant, whole } from "../../database/columns.ts";
import type { Activation, CompiledText } from "./model.ts";

export const policyDrafts = pgTable(
  "policy_drafts",
  {
    tenant: text().notNull(),
    id: text().notNull(),
    name: text().notNull(),
    description: text().notNull(),
    regoSource: text("rego_source").notNull(),
    regoSha256: text("rego_sha256").notNull(),
    createdBy: text("created_by").notNull(),
    createdByClaim: text("created_by_claim").notNull(),
    createdAt: instant("created_at").notNull(),
    updatedAt: instant("updated_at").notNull(),
    /** First promotion; from then on the draft cannot change. */
    promotedAt: instant("promoted_at"),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.id] })],
);

export const policyRevisions = pgTable("policy_revisions", {
  tenant: text().primaryKey(),
  /** Of what is in force, clearings included. */
  revision: whole("revision").notNull(),
  /** The highest revision that a candidate was given. */
  allocated: whole("allocated").notNull().default(0),
  /** How often something else changed in what sidecars are told. */
  changes: whole("changes").notNull().default(0),
});

export const policyActivations = pgTable(
  "policy_activations",
  {
    tenant: text().notNull(),
    revision: whole("revision").notNull(),
    kind: text().$type<Activation["kind"]>().notNull(),
    contentRevision: whole("content_revision"),
    previousContent: whole("previous_content"),
    draftId: text("draft_id"),
    name: text().notNull(),
    regoSha256: text("rego_sha256").notNull(),
    digest: text(),
    kid: text(),
    expiresAt: instant("expires_at"),
    activatedAt: instant("activated_at").notNull(),
    activatedBy: text("activated_by").notNull(),
    activatedByClaim: text("activated_by_claim").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.revision] })],
);

export const policyContents = pgTable(
  "policy_contents",
  {
    tenant: text().notNull(),
    revision: whole("revision").notNull(),
    compiled: jsonb().$type<CompiledText>().notNull(),
    wasm: bytes("wasm").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.revision] })],
);

export const policyBundles = pgTable(
  "policy_bundles",
  {
    tenant: text().notNull(),
    digest: text().notNull(),
    revision: whole("revision").notNull(),
    bytes: bytes("bytes").notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.digest] })],
);
