// Whether a statement can only be about certain tenants, read from its text: each table that holds something of tenants must be tied to one of
// them, by a condition with its name, by a join with a table that is tied, or by the value that is written.
import type { Statement } from "./statements.fixture.ts";

/** What is wrong with the statement, in a few words; undefined = nothing. `mayName` says which tenants may be named for a table. */
export function looseEnd(
  { text, params }: Pick<Statement, "text" | "params">,
  tables: ReadonlySet<string>,
  mayName: (table: string, tenant: unknown) => boolean,
): string | undefined {
  const plain = plainly(text);
  const mentions = mentionsIn(plain).filter(({ table }) => tables.has(table));
  const ties = tiesIn(withoutAlternatives(plain), params, mentions[0]?.name);
  const found = mentions.filter(({ written }) => written === undefined);
  for (const { table, name } of found) {
    // A table that is mentioned twice under one name must be tied twice.
    const needed = found.filter((each) => each.name === name).length;
    if (ties.filter((tie) => tie.name === name).length < needed) return `${table} is tied to no tenant`;
  }
  const named = [
    ...ties.flatMap(({ name, tenants }) => tenants.map((tenant) => ({ name, tenant }))),
    ...mentions.flatMap(({ name, written }) => (written?.(params) ?? []).map((tenant) => ({ name, tenant }))),
  ];
  const tableOf = new Map(mentions.map(({ name, table }) => [name, table]));
  const wrong = named.find(({ name, tenant }) => !mayName(tableOf.get(name) ?? name, tenant));
  return wrong === undefined ? undefined : `${wrong.name} is tied to ${String(wrong.tenant)}`;
}

function plainly(text: string): string {
  return text.replaceAll('"', "").replace(/\s+/g, " ").toLowerCase();
}

/** What is one of several alternatives holds nothing: groups with an "or" are left out. */
function withoutAlternatives(plain: string): string {
  const groups: string[] = [];
  const isAlternative = (text: string) => /\bor\b/.test(text);
  let folded = plain;
  for (let before = ""; before !== folded; ) {
    before = folded;
    folded = folded.replace(/\(([^()]*)\)/g, (_, inner: string) => {
      groups.push(isAlternative(inner) ? "()" : `(${inner})`);
      return `#${groups.length - 1}#`;
    });
  }
  if (isAlternative(folded)) return "";
  while (/#\d+#/.test(folded)) folded = folded.replace(/#(\d+)#/g, (_, at) => groups[Number(at)] ?? "");
  return folded;
}

interface Mention {
  readonly table: string;
  /** By which the statement calls it. */
  readonly name: string;
  /** Tenants of the rows that are inserted; undefined = rows are found. */
  readonly written: ((params: readonly unknown[]) => readonly unknown[]) | undefined;
}

const AFTER_A_TABLE: ReadonlySet<string> = new Set(
  "where on set inner left cross join order limit for group values select returning as using".split(" "),
);

function mentionsIn(plain: string): readonly Mention[] {
  return [...plain.matchAll(/\b(from|join|update|into) ([a-z_]+)(?: (?:as )?([a-z_]+))?/g)].map((found) => {
    const [, verb, table = "", word = ""] = found;
    const name = word === "" || AFTER_A_TABLE.has(word) ? table : word;
    return { table, name, written: verb === "into" ? writtenTenants(plain.slice(found.index)) : undefined };
  });
}

/** The tenant is the first column of every table, so it is the first value of each row. */
function writtenTenants(insert: string): Mention["written"] {
  const into =
    /^into [a-z_]+ \(tenant\b[^)]*\) (?:values (.*?)(?: on conflict| returning|$)|select \$(\d+),)/.exec(
      insert,
    );
  const [, rows = "", selected] = into ?? [];
  const places =
    selected === undefined ? [...rows.matchAll(/(?:^|\), )\((\$\d+)?/g)] : [["", `$${selected}`]];
  return (params) => (into === null ? [undefined] : places.map(([, place]) => valueAt(params, place)));
}

interface Tie {
  readonly name: string;
  readonly tenants: readonly unknown[];
}

/** What is set is no condition. */
const CONDITION = /(?<![.\w]|set |, )(?:([a-z_]+)\.)?tenant (?:= |in \()(\$\d+(?:, \$\d+)*)/g;
const JOIN = /\b([a-z_]+)\.tenant = ([a-z_]+)\.tenant\b/g;

const CONDITION_OR_JOIN =
  /(?<![.\w]|set |, )(?:[a-z_]+\.)?tenant (?:= (?:\$\d+|[a-z_]+\.tenant\b)|in \([^)]*\))/g;

/** `only`: the table that is meant where none is named. */
function tiesIn(plain: string, params: readonly unknown[], only: string | undefined): readonly Tie[] {
  const ties: Tie[] = [...plain.matchAll(CONDITION)].map(([, name = only ?? "", places = ""]) => ({
    name,
    tenants: places.split(", ").map((place) => valueAt(params, place)),
  }));
  const open = new Set([...plain.matchAll(JOIN)].map(([, a = "", b = ""]) => [a, b] as const));
  for (let grew = true; grew; ) {
    grew = false;
    for (const join of open) {
      const [a, b] = join;
      const tied = ties.find(({ name }) => name === a || name === b);
      if (tied === undefined) continue;
      ties.push({ name: tied.name === a ? b : a, tenants: [] });
      open.delete(join);
      grew = true;
    }
  }
  return ties;
}

function valueAt(params: readonly unknown[], place: string | undefined): unknown {
  return params[Number(place?.slice(1)) - 1];
}

/** The statement as a store would have written it that forgets its tenant, once for each place where it can. */
export function* forgetful({ text }: Pick<Statement, "text">): Generator<string> {
  const plain = withoutAlternatives(plainly(text));
  for (const { 0: condition, index } of plain.matchAll(CONDITION_OR_JOIN))
    yield `${plain.slice(0, index)}true${plain.slice(index + condition.length)}`;
}
