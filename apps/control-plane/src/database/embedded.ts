// PGlite in a folder: for demos, development and tests. It does not fsync, so it survives a killed process but not a power cut, and two
// processes on one folder destroy it: the lock is taken before the engine touches anything and given back after it has closed.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import type { Database, Executor } from "./connection.ts";
import { lockDirectory } from "./lock.ts";

/**
 * Opens (and makes, when new) the database in `<dataDirectory>/db`.
 * @throws Fault conflict "database.locked" when another live process holds it.
 */
export async function openEmbedded(dataDirectory: string): Promise<Database> {
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  const lock = lockDirectory(join(dataDirectory, "db.lock"));
  try {
    const client = await PGlite.create(join(dataDirectory, "db"));
    return embeddedDatabase(client, lock.release);
  } catch (caught) {
    lock.release();
    throw caught;
  }
}

/** A database over an engine that is open already; `release` is called when it has closed. */
export function embeddedDatabase(client: PGlite, release: () => void): Database {
  const executor: Executor = drizzle(client);
  let closing: Promise<void> | undefined;
  return {
    kind: "embedded",
    executor,
    transaction: (work) => executor.transaction(work),
    listen: async () => {},
    close() {
      closing ??= client.close().finally(release);
      return closing;
    },
  };
}
