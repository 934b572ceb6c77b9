// The tenant is the first column of every table and of every key, so that rows of two tenants can never be taken for one another, and never refer
// to one another. What is not so is listed here with its reason.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type SQL, sql } from "drizzle-orm";
import { ENGINES, emptyDatabase } from "../../control-plane.fixture.ts";
import { rowsOf } from "../../database/connection.ts";
import { tenantTables } from "./statements.fixture.ts";

const TABLES_OF_NOBODY: Readonly<Record<string, string>> = {
  schema_migrations: "what was done to the database as a whole",
};
const UNIQUE_IN_ALL_TENANTS: Readonly<Record<string, string>> = {
  operator_logins_by_state: "a state is random and comes back once, before it is known whose login it is",
};
/** Plain indexes that help the superadmin and the workers, who look at all tenants. */
const BEYOND_ONE_TENANT: Readonly<Record<string, string>> = {
  approvals_by_id: "the superadmin names an approval by its id alone",
  approvals_by_time: "the superadmin's list",
  approvals_unerased: "the worker that erases arguments",
  audit_events_by_seq: "the superadmin's list",
  capabilities_by_jti: "the superadmin revokes by id alone",
  halts_by_id: "the superadmin names a kill switch by its id alone",
  halts_by_time: "the superadmin's list",
  policy_drafts_by_id: "the superadmin names a draft by its id alone",
  revocations_by_time: "the superadmin's list",
  trusted_issuers_by_id: "the superadmin names an issuer by its id alone",
  webhook_deliveries_finished: "the worker that forgets deliveries",
};

for (const engine of ENGINES) {
  test(`${engine}: the tenant is the first column of every table, key, unique index and reference`, async (t) => {
    const database = await emptyDatabase(t, engine);
    if (database === undefined) return;
    const names = async (query: SQL) =>
      (await rowsOf(database.executor, query)).map(({ name }) => String(name));
    const ofPublic = sql`relnamespace = 'public'::regnamespace`;
    const tables = await names(
      sql`select relname as name from pg_class where relkind in ('r', 'p') and ${ofPublic}`,
    );
    const owned = await tenantTables(database);
    assert.ok(owned.size > 40, `${owned.size} tables`);
    assert.deepEqual(
      tables.filter((table) => !owned.has(table)),
      Object.keys(TABLES_OF_NOBODY),
    );
    assert.deepEqual(
      await names(sql`select c.relname || '.' || a.attname as name from pg_attribute a join pg_class c on c.oid = a.attrelid
        where ${ofPublic} and relkind = 'r' and attname = 'tenant' and (attnum <> 1 or not attnotnull or atttypid <> 'text'::regtype)`),
      [],
      "it is a text, stands first and is never absent",
    );
    const indexes = (isUnique: boolean) =>
      names(sql`select c.relname as name from pg_index i join pg_class c on c.oid = i.indexrelid
        join pg_class t on t.oid = i.indrelid
        left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where t.relnamespace = 'public'::regnamespace and t.relname <> 'schema_migrations'
          and i.indisunique = ${isUnique} and a.attname is distinct from 'tenant' order by 1`);
    assert.deepEqual(await indexes(true), Object.keys(UNIQUE_IN_ALL_TENANTS));
    assert.deepEqual(await indexes(false), Object.keys(BEYOND_ONE_TENANT));
    assert.deepEqual(
      await names(sql`select c.conname as name from pg_constraint c
        left join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
        left join pg_attribute b on b.attrelid = c.confrelid and b.attnum = c.confkey[1]
        where c.contype = 'f' and (a.attname is distinct from 'tenant' or b.attname is distinct from 'tenant')`),
      [],
      "nothing refers to another tenant's row",
    );
    assert.deepEqual(
      await names(sql`select t.relname as name from pg_class t where t.relkind = 'r' and t.relnamespace = 'public'::regnamespace
        and not exists (select from pg_index i where i.indrelid = t.oid and i.indisprimary)`),
      [],
      "every table has a key",
    );
  });
}
