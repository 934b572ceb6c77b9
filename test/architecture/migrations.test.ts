// Migrations only add, so that the previous version of the program goes on working while the next one starts: nothing that it reads goes away, and
// nothing that it writes is refused. Whatever is none of the forms below is refused here, and must be taken apart into two releases.
import assert from "node:assert/strict";
import { test } from "node:test";
import { allFiles, read } from "./sources.ts";

const FOLDER = "apps/control-plane/src/database/migrations/";
/** The migrations before this one came out together with the first version. */
const FIRST_UPGRADE = 5;

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly statements: readonly string[];
}

const migrations: readonly Migration[] = allFiles
  .filter((path) => path.startsWith(FOLDER) && path.endsWith(".sql"))
  .map((path) => {
    const name = path.slice(FOLDER.length);
    return { version: Number(name.slice(0, 4)), name, statements: statementsOf(read(path)) };
  })
  .sort((a, b) => a.version - b.version);

/** Without comments, on one line each, in lower case. */
function statementsOf(script: string): readonly string[] {
  return script
    .replace(/--.*$/gm, "")
    .split(";")
    .map((statement) => statement.replace(/\s+/g, " ").trim().toLowerCase())
    .filter((statement) => statement !== "");
}

/** Why the previous version would stumble over a statement; undefined = it does not. `fresh`: tables that the same migration makes. */
function stumble(statement: string, fresh: ReadonlySet<string>, checks: Checks): string | undefined {
  if (/^create table [a-z_]+ \(/.test(statement)) return undefined;
  const index = /^create (unique )?index [a-z_]+ on ([a-z_]+) \(/.exec(statement);
  if (index !== null) {
    const isNarrower = index[1] !== undefined && !fresh.has(index[2] ?? "");
    return isNarrower ? "a unique index refuses rows that the previous version writes" : undefined;
  }
  const added = /^alter table [a-z_]+ add column [a-z_]+ (.*)$/.exec(statement)?.[1];
  if (added !== undefined) {
    if (/\b(unique|references|check|primary)\b/.test(added)) return "a column with a condition of its own";
    const isFilled = !/\bnot null\b/.test(added) || /\bdefault\b/.test(added);
    return isFilled ? undefined : "the previous version leaves the column out";
  }
  const check =
    /^alter table ([a-z_]+) drop constraint ([a-z_]+), add constraint \2 check \(([a-z_]+) in \(([^)]*)\)\)$/;
  const [, table = "", , column = "", values = ""] = check.exec(statement) ?? [];
  const before = checks.get(`${table}.${column}`);
  if (before === undefined) return "it is none of the forms that only add";
  const kept = new Set(wordsOf(values));
  const lost = before.filter((value) => !kept.has(value));
  return lost.length === 0 ? undefined : `${lost.join(", ")} is allowed no more`;
}

/** By table and column: which words it may hold. */
type Checks = Map<string, readonly string[]>;

function learn(statement: string, checks: Checks): void {
  const table = /^(?:create|alter) table ([a-z_]+)/.exec(statement)?.[1];
  for (const [, column = "", values = ""] of statement.matchAll(/check \(([a-z_]+) in \(([^)]*)\)\)/g))
    checks.set(`${table}.${column}`, wordsOf(values));
}

const wordsOf = (values: string) => [...values.matchAll(/'([^']*)'/g)].map(([, word = ""]) => word);

function stumbles(list: readonly Migration[]): readonly string[] {
  const checks: Checks = new Map();
  return list.flatMap(({ version, name, statements }) => {
    const fresh = new Set(statements.flatMap((each) => /^create table ([a-z_]+)/.exec(each)?.[1] ?? []));
    return statements.flatMap((statement) => {
      const why = version < FIRST_UPGRADE ? undefined : stumble(statement, fresh, checks);
      learn(statement, checks);
      return why === undefined ? [] : [`${name}: ${why}: ${statement.slice(0, 120)}`];
    });
  });
}

test("a migration only adds to what the previous version knows", () => {
  assert.ok(migrations.length >= 10);
  assert.deepEqual(stumbles(migrations), []);
});

test("what takes something away, or asks for more than before, is seen", () => {
  const first = "create table t (tenant text primary key, kind text not null check (kind in ('a', 'b')));";
  const upgrade = (script: string) =>
    stumbles([
      { version: 1, name: "first", statements: statementsOf(first) },
      { version: FIRST_UPGRADE, name: "next", statements: statementsOf(script) },
    ]).length;
  const check = (words: string) =>
    `alter table t drop constraint t_kind_check, add constraint t_kind_check check (kind in (${words}));`;
  for (const safe of [
    "create table u (tenant text primary key);\ncreate unique index u_one on u (tenant);",
    "create index t_kind on t (tenant, kind);",
    "alter table t add column n bigint;",
    "alter table t add column n bigint not null default 0;",
    check("'a', 'b', 'c'"),
  ])
    assert.equal(upgrade(safe), 0, safe);
  for (const unsafe of [
    "drop table t;",
    "drop index t_kind;",
    "alter table t drop column kind;",
    "alter table t rename to u;",
    "alter table t rename column kind to sort;",
    "alter table t alter column kind type int;",
    "alter table t alter column kind set not null;",
    "alter table t add column n bigint not null;",
    "alter table t add column n bigint check (n > 0);",
    "alter table t add constraint c check (kind <> '');",
    "create unique index t_kind on t (kind);",
    "delete from t;",
    "update t set kind = 'a';",
    check("'a', 'c'"),
  ])
    assert.equal(upgrade(unsafe), 1, unsafe);
});

test("migrations are numbered without a hole, and each number is given once", () => {
  // The second is the ledger's, whose tables belong to its package.
  const numbers = [2, ...migrations.map(({ version }) => version)].sort((a, b) => a - b);
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  );
});
