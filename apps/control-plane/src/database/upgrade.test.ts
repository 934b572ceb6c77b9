// A database that was brought up to date serves the version before as well: what that version reads is there, and what it writes is taken.
import assert from "node:assert/strict";
import { test } from "node:test";
import { defer, throwawayPostgres } from "@postern/testkit";
import { type SQL, sql } from "drizzle-orm";
import { type Database, rowsOf } from "./connection.ts";
import { knownMigrations, migrate } from "./migrate.ts";
import { openPostgres } from "./postgres.ts";

/** The last one of the version before. */
const BEFORE = 4;

test("after an upgrade every table of the version before has its columns as they were, and asks for nothing more", async (t) => {
  const address = await throwawayPostgres(t);
  if (address === undefined) return;
  const database = openPostgres({ url: address.url, connectionsMax: 2 });
  defer(t, () => database.close());
  const all = knownMigrations();
  await migrate(
    database,
    all.filter(({ version }) => version <= BEFORE),
  );
  const before = await shapeOf(database);
  assert.deepEqual(
    await migrate(database),
    all.flatMap(({ version }) => (version > BEFORE ? [version] : [])),
  );
  assert.deepEqual(await migrate(database), [], "applied again it does nothing");
  const after = await shapeOf(database);

  for (const [name, column] of before.columns) assert.deepEqual(after.columns.get(name), column, name);
  const tables = new Set([...before.columns.values()].map(({ table }) => table));
  for (const [name, { table, not_null, filled }] of after.columns) {
    if (!tables.has(table) || before.columns.has(name)) continue;
    assert.ok(!not_null || filled, `${name} may be left out by who does not know it`);
  }
  const rulesOf = ({ rules }: Shape) => rules.filter(({ table }) => tables.has(table));
  assert.deepEqual(rulesOf(after), rulesOf(before));
});

interface Column {
  readonly table: string;
  readonly type: string;
  readonly not_null: boolean;
  readonly filled: boolean;
}

interface Shape {
  readonly columns: ReadonlyMap<string, Column>;
  /** Checks, references and unique indexes. */
  readonly rules: readonly { table: string; rule: string }[];
}

async function shapeOf({ executor }: Database): Promise<Shape> {
  const read = async (query: SQL) => await rowsOf(executor, query);
  const columns = await read(sql`
    select c.relname as table, c.relname || '.' || a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
      a.attnotnull as not_null, a.atthasdef or a.attidentity <> '' as filled
    from pg_attribute a join pg_class c on c.oid = a.attrelid
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped`);
  const rules = await read(sql`
    select conrelid::regclass::text as table, pg_get_constraintdef(oid) as rule from pg_constraint
    where connamespace = 'public'::regnamespace and conrelid <> 0 and contype <> 'n'
    union all
    select indrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index join pg_class c on c.oid = indexrelid
    where indisunique and c.relnamespace = 'public'::regnamespace
    order by 1, 2`);
  return {
    columns: new Map(
      columns.map(({ name, table, type, not_null, filled }) => [
        String(name),
        { table: String(table), type: String(type), not_null: not_null === true, filled: filled === true },
      ]),
    ),
    rules: rules.map(({ table, rule }) => ({ table: String(table), rule: String(rule) })),
  };
}
