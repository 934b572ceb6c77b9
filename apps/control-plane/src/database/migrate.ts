// Forward-only migrations: numbered SQL files, each applied once, in order, in one transaction under a lock, so that replicas that start
// together agree. A file that was applied is never edited: its digest is kept and compared.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { budgetSchemaSql } from "@postern/budget/postgres";
import { Fault } from "@postern/fault";
import { sql } from "drizzle-orm";
import { type Database, type Executor, rowsOf } from "./connection.ts";

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly script: string;
}

/** Any number that no other program on the same database uses for its advisory lock. */
const LOCK = 7_064_537_201;

/** What this version of the program knows, in order. */
export function knownMigrations(): readonly Migration[] {
  const folder = join(import.meta.dirname, "migrations");
  const files = readdirSync(folder).filter((file) => /^\d{4}_[a-z0-9_]+\.sql$/.test(file));
  const own = files.map((file) => ({
    version: Number(file.slice(0, 4)),
    name: file.slice(5, -4),
    script: readFileSync(join(folder, file), "utf8"),
  }));
  // The ledger's tables belong to its package.
  const budget = { version: 2, name: "budget", script: budgetSchemaSql };
  return [...own, budget].sort((a, b) => a.version - b.version);
}

/**
 * Brings the database up to date and returns the versions that were applied now. A database that is ahead of this program is left alone:
 * during a rolling upgrade the previous version goes on working.
 * @throws Fault internal "database.migration_edited" when an applied migration is not the one that this program knows.
 */
export async function migrate(
  database: Database,
  migrations = knownMigrations(),
): Promise<readonly number[]> {
  return await database.transaction(async (executor) => {
    await executor.execute(sql`select pg_advisory_xact_lock(${sql.raw(String(LOCK))})`);
    await executor.execute(
      sql`create table if not exists schema_migrations (
        version int primary key, name text not null, sha256 text not null, applied_at timestamptz(3) not null default now())`,
    );
    const rows = await rowsOf(executor, sql`select version, sha256 from schema_migrations`);
    const applied = new Map(rows.map((row) => [Number(row.version), String(row.sha256)]));
    const done: number[] = [];
    for (const migration of migrations) {
      const sha256 = createHash("sha256").update(migration.script).digest("hex");
      const known = applied.get(migration.version);
      if (known !== undefined && known !== sha256) throw edited(migration);
      if (known !== undefined) continue;
      await apply(executor, migration, sha256);
      done.push(migration.version);
    }
    return done;
  });
}

async function apply(executor: Executor, migration: Migration, sha256: string): Promise<void> {
  for (const statement of statementsOf(migration.script)) await executor.execute(sql.raw(statement));
  await executor.execute(
    sql`insert into schema_migrations (version, name, sha256) values (${migration.version}, ${migration.name}, ${sha256})`,
  );
}

/** The statements of a script: each ends with a semicolon at the end of a line. */
function statementsOf(script: string): readonly string[] {
  return script.split(/;\s*(?:\n|$)/).filter((statement) => statement.replace(/--.*$/gm, "").trim() !== "");
}

function edited(migration: Migration): Fault {
  const name = `${String(migration.version).padStart(4, "0")}_${migration.name}`;
  return new Fault(
    "internal",
    "database.migration_edited",
    `Migration ${name} was applied in another form than this program's.`,
  );
}
