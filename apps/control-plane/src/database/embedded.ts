// PGlite in a folder: for demos, development and tests. It does not fsync, so it survives a killed process but not a power cut, and two
// processes on one folder destroy it: the lock is taken before the engine touches anything and given back after it has closed.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { Fault } from "@postern/fault";
import { drizzle } from "drizzle-orm/pglite";
import type { Database, Executor } from "./connection.ts";
import { type DirectoryLock, lockDirectory } from "./lock.ts";

/**
 * Opens (and makes, when new) the database in `<dataDirectory>/db`.
 * @throws Fault conflict "database.locked" when another live process holds it; invalid "database.folder" when the folder cannot be used.
 */
export async function openEmbedded(dataDirectory: string): Promise<Database> {
  const lock = take(dataDirectory);
  try {
    const client = await PGlite.create(join(dataDirectory, "db"));
    return embeddedDatabase(client, lock.release);
  } catch (cause) {
    lock.release();
    const message = `What is in ${join(dataDirectory, "db")} cannot be opened as a database of this version; set POSTERN_DATA_DIR to another folder.`;
    throw new Fault("invalid", "database.folder", message, { cause });
  }
}

function take(dataDirectory: string): DirectoryLock {
  try {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
    return lockDirectory(join(dataDirectory, "db.lock"));
  } catch (caught) {
    if (caught instanceof Fault || !(caught instanceof Error)) throw caught;
    const why = "code" in caught ? ` (${caught.code})` : "";
    const message = `The data folder ${dataDirectory} cannot be written${why}; set POSTERN_DATA_DIR to a folder that this process may write.`;
    throw new Fault("invalid", "database.folder", message, { cause: caught });
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
