// Where the Postgres ledger keeps its accounts and leases, once as drizzle tables and once as the DDL of a migration.
import { bigint, pgTable, primaryKey, text, timestamp } from "drizzle-orm/pg-core";

const units = (name: string) => bigint(name, { mode: "number" });

export const accounts = pgTable(
  "budget_accounts",
  {
    tenant: text("tenant").notNull(),
    account: text("account").notNull(),
    limitUnits: units("limit_units").notNull(),
    /** Spent, reserved or leased. */
    spent: units("spent").notNull(),
    /** What the latest lease took, so that the statement that takes it can also return it. */
    leasedLast: units("leased_last").notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.account] })],
);

export const leases = pgTable(
  "budget_leases",
  {
    tenant: text("tenant").notNull(),
    leaseId: text("lease_id").notNull(),
    account: text("account").notNull(),
    holder: text("holder").notNull(),
    granted: units("granted").notNull(),
    /** What came back; null = nothing yet, so all of it counts as spent. */
    unspent: units("unspent"),
    grantedAt: timestamp("granted_at", { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.leaseId] })],
);

export const budgetSchemaSql = `
CREATE TABLE budget_accounts (
  tenant text NOT NULL,
  account text NOT NULL,
  limit_units bigint NOT NULL,
  spent bigint NOT NULL,
  leased_last bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, account),
  CHECK (spent BETWEEN 0 AND limit_units)
);
CREATE TABLE budget_leases (
  tenant text NOT NULL,
  lease_id text NOT NULL,
  account text NOT NULL,
  holder text NOT NULL,
  granted bigint NOT NULL CHECK (granted > 0),
  unspent bigint CHECK (unspent BETWEEN 0 AND granted),
  granted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant, lease_id)
);
`;
