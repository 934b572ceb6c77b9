// Every statement that a database is sent, with what came back: taken down between the query builder and the driver, so that no store can be
// forgotten. Both engines go through here, in transactions and out of them.
import { sql } from "drizzle-orm";
import { type Database, rowsOf } from "../../database/connection.ts";

export interface Statement {
  readonly text: string;
  readonly params: readonly unknown[];
  readonly rows: readonly unknown[];
}

/** Statements from now on, in order; the list may be emptied by whoever holds it. */
export function watchStatements({ executor }: Database): Statement[] {
  const seen: Statement[] = [];
  watch(Reflect.get(executor, "session"), seen);
  return seen;
}

interface Session {
  prepareQuery(query: { sql: string; params: unknown[] }, ...rest: unknown[]): Prepared;
  transaction(work: (tx: { session: Session }) => unknown, ...rest: unknown[]): unknown;
}

interface Prepared {
  execute(...values: unknown[]): Promise<unknown>;
}

function watch(session: Session, seen: Statement[]): void {
  const { prepareQuery, transaction } = session;
  session.prepareQuery = (query, ...rest) => {
    const prepared = prepareQuery.call(session, query, ...rest);
    const { execute } = prepared;
    prepared.execute = async (...values) => {
      const result = await execute.apply(prepared, values);
      const rows = Array.isArray(result) ? result : ((result as { rows?: unknown[] }).rows ?? []);
      seen.push({ text: query.sql, params: query.params, rows });
      return result;
    };
    return prepared;
  };
  session.transaction = (work, ...rest) => {
    const watched = (tx: { session: Session }) => {
      watch(tx.session, seen);
      return work(tx);
    };
    return transaction.call(session, watched, ...rest);
  };
}

/** Tables that hold something of a tenant. */
export async function tenantTables({ executor }: Database): Promise<ReadonlySet<string>> {
  const found = await rowsOf(
    executor,
    sql`select table_name as name from information_schema.columns
        where table_schema = 'public' and column_name = 'tenant' order by table_name`,
  );
  return new Set(found.map(({ name }) => String(name)));
}

/** Everything that a tenant has, as one digest for each table. */
export async function digestsOf(database: Database, tenant: string): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const table of await tenantTables(database)) {
    const [row] = await rowsOf(
      database.executor,
      sql`select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as digest
          from ${sql.identifier(table)} t where tenant = ${tenant}`,
    );
    digests[table] = String(row?.digest);
  }
  return digests;
}
