// Migrations are applied once, in order, by one process at a time, and never edited.
import assert from "node:assert/strict";
import { test } from "node:test";
import { throwawayPostgres } from "@postern/testkit";
import { sql } from "drizzle-orm";
import { emptyDatabase } from "../control-plane.fixture.ts";
import { rowsOf } from "./connection.ts";
import { knownMigrations, migrate } from "./migrate.ts";
import { openPostgres } from "./postgres.ts";

test("replicas that start together agree on who migrates", async (t) => {
  const address = await throwawayPostgres(t);
  if (address === undefined) return;
  const replicas = [1, 2, 3].map(() => openPostgres({ url: address.url, connectionsMax: 2 }));
  const applied = await Promise.all(replicas.map((database) => migrate(database)));
  assert.deepEqual(
    applied.flat(),
    knownMigrations().map((migration) => migration.version),
  );
  await Promise.all(replicas.map((database) => database.close()));
});

test("a later start applies what is new, and leaves alone what it does not know", async (t) => {
  const database = await emptyDatabase(t, "embedded");
  if (database === undefined) return;
  assert.deepEqual(await migrate(database), []);
  const next = {
    version: 900,
    name: "later",
    script: "create table later (id int);\ncreate table later_too (id int);\n",
  };
  assert.deepEqual(await migrate(database, [...knownMigrations(), next]), [900]);
  assert.deepEqual(await migrate(database), []);
  assert.deepEqual(await rowsOf(database.executor, sql`select * from later_too`), []);
});

test("a migration that fails leaves nothing behind", async (t) => {
  const database = await emptyDatabase(t, "embedded");
  if (database === undefined) return;
  const broken = { version: 901, name: "broken", script: "create table half (id int);\ncreate nonsense;\n" };
  await assert.rejects(migrate(database, [...knownMigrations(), broken]));
  await assert.rejects(rowsOf(database.executor, sql`select * from half`));
});

test("an applied migration in another form is refused", async (t) => {
  const database = await emptyDatabase(t, "embedded");
  if (database === undefined) return;
  const [first, ...rest] = knownMigrations();
  assert.ok(first !== undefined);
  const edited = { ...first, script: `${first.script}\n-- edited\n` };
  await assert.rejects(migrate(database, [edited, ...rest]), { code: "database.migration_edited" });
});

test("every key of every table starts with the tenant", async (t) => {
  const database = await emptyDatabase(t, "embedded");
  if (database === undefined) return;
  const rows = await rowsOf(
    database.executor,
    sql`select c.relname as name, a.attname as first_column
        from pg_index i
        join pg_class c on c.oid = i.indrelid
        join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
        where i.indisprimary and c.relnamespace = 'public'::regnamespace`,
  );
  const others = rows.filter((row) => row.first_column !== "tenant").map((row) => row.name);
  assert.deepEqual(others, ["schema_migrations"]);
});
