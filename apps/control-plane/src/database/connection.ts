// The one way to the database, whichever engine stands behind it. Stores take an `Executor`, so that the same query runs alone or
// inside a transaction. The embedded engine has a single connection: inside a transaction nothing may use any executor but its own.
import type { SQL } from "drizzle-orm";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";

/** A connection pool or an open transaction. */
export type Executor = PgDatabase<PgQueryResultHKT, Record<string, never>>;

export interface Database {
  readonly kind: "postgres" | "embedded";
  readonly executor: Executor;
  /** Runs `work` in one transaction. A deadlock or serialization failure is tried again; `work` must therefore have no other effects. */
  transaction<T>(work: (executor: Executor) => Promise<T>): Promise<T>;
  /** Calls `hear` with each payload sent on `channel` by any replica. Only Postgres has other replicas; elsewhere nothing is ever heard. */
  listen(channel: string, hear: (payload: string) => void): Promise<void>;
  close(): Promise<void>;
}

/** Rows of a hand-written query: the two drivers wrap them differently. */
export async function rowsOf(executor: Executor, query: SQL): Promise<readonly Record<string, unknown>[]> {
  const result: unknown = await executor.execute(query);
  if (Array.isArray(result)) return result;
  return (result as { rows: Record<string, unknown>[] }).rows;
}
