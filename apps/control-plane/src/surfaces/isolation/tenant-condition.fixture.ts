// Whether a statement can only be about certain tenants, read from its text: each table that holds something of tenants must be tied to one of
// them, by a condition with its name, by a join with a table that is tied, or by the value that is written.
import type { Statement } from "./statements.fixture.ts";

/** What is wrong with the statement, in a few words; undefined = nothing. `mayName` says which tenants may be named for a table. */
export function looseEnd(
  { text, params }: Pick<Statement, "text" | "params">,
  tables: ReadonlySet<string>,
  mayName: (table: string, tenant: unknown) => boolean,
): string | undefined {
  const plain = text.replaceAll('"', "").replace(/\s+/g, " ").toLowerCase();
  const references = referencesIn(plain).filter(({ table }) => tables.has(table));
  const tied = tiedNames(plain, params);
  for (const { table, name, written } of references) {
    const named = written === undefined ? tied.get(name) : written(params);
    if (named === undefined || named.length === 0) return `${table} is tied to no tenant`;
    const wrong = named.find((tenant) => !mayName(table, tenant));
    if (wrong !== undefined) return `${table} is tied to ${String(wrong)}`;
  }
  return undefined;
}

interface Reference {
  readonly table: string;
  /** By which the statement calls it. */
  readonly name: string;
  /** Tenants of the rows that are inserted; undefined = rows are found. */
  readonly written: ((params: readonly unknown[]) => readonly unknown[]) | undefined;
}

const AFTER_A_TABLE = new Set(
  "where on set inner left cross join order limit for group values select returning as using".split(" "),
);

function referencesIn(plain: string): Reference[] {
  const references: Reference[] = [];
  for (const found of plain.matchAll(/\b(?:from|join|update|into) ([a-z_]+)(?: (?:as )?([a-z_]+))?/g)) {
    const [, table = "", word = ""] = found;
    const name = word === "" || AFTER_A_TABLE.has(word) ? table : word;
    const isInsert = found[0].startsWith("into");
    const written = isInsert ? writtenTenants(plain.slice(found.index)) : undefined;
    references.push({ table, name, written });
  }
  return references;
}

/** The tenant is the first column of every table, so it is the first value of each row. */
function writtenTenants(insert: string): Reference["written"] {
  const into = /^into [a-z_]+ \(tenant, [^)]*\) (values (.*?)(?: on conflict| returning|$)|select \$(\d+),)/.exec(insert);
  if (into === null) return () => [];
  const [, , values, selected] = into;
  const places =
    selected === undefined
      ? [...(values ?? "").matchAll(/(?:^|\), )\((?:\$(\d+))?/g)].map(([, place]) => place)
      : [selected];
  return (params) => places.map((place) => params[Number(place) - 1]);
}

/** By name of a table: the tenants to which conditions and joins tie it. */
function tiedNames(plain: string, params: readonly unknown[]): ReadonlyMap<string, readonly unknown[]> {
  const tied = new Map<string, unknown[]>();
  const tie = (name: string, tenants: readonly unknown[]) =>
    tied.set(name, [...(tied.get(name) ?? []), ...tenants]);
  const [only] = referencesIn(plain);
  for (const [, name, places = ""] of plain.matchAll(
    /(?:\b([a-z_]+)\.|\b)tenant (?:= |in \()(\$\d+(?:, \$\d+)*)/g,
  )) {
    const tenants = places.split(", ").map((place) => params[Number(place.slice(1)) - 1]);
    tie(name ?? only?.name ?? "", tenants);
  }
  const joins = [...plain.matchAll(/\b([a-z_]+)\.tenant = ([a-z_]+)\.tenant\b/g)];
  for (let grew = true; grew; ) {
    grew = false;
    for (const [, a = "", b = ""] of joins) {
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        const known = tied.get(from);
        if (known === undefined || tied.has(to)) continue;
        tie(to, known);
        grew = true;
      }
    }
  }
  return tied;
}
