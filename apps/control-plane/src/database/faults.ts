// Driver errors become Faults here and nowhere else. The query's text and values never leave: they may hold what callers must not see.
import { Fault, toFault } from "@postern/fault";

/** SQLSTATE of a driver error, looked for through the wrappers that the query builder adds. */
function sqlStateOf(caught: unknown): string | undefined {
  for (let error = caught; error instanceof Error; error = error.cause) {
    const code = "code" in error ? error.code : undefined;
    if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code)) return code;
  }
  return undefined;
}

/** Whether the same transaction may succeed if it is simply run again: serialization failure or deadlock. */
export function isTransient(caught: unknown): boolean {
  const state = sqlStateOf(caught);
  return state === "40001" || state === "40P01";
}

/** What a store or a transaction threw, as a Fault. Faults pass unchanged. */
export function databaseFault(caught: unknown): Fault {
  if (caught instanceof Fault) return caught;
  const root = rootOf(caught);
  const state = sqlStateOf(caught);
  if (isConnectionTrouble(root, state)) {
    return new Fault("unavailable", "database.unavailable", "The database cannot be reached.", {
      detail: root.message,
      cause: caught,
    });
  }
  return toFault(root);
}

function rootOf(caught: unknown): Error {
  if (!(caught instanceof Error)) return new Error(String(caught));
  return caught.cause instanceof Error ? rootOf(caught.cause) : caught;
}

// Class 08 is "connection exception", 53 "insufficient resources", 57P0x "operator intervention" (PostgreSQL, appendix A).
function isConnectionTrouble(error: Error, state: string | undefined): boolean {
  if (state !== undefined) return /^(08|53|57P0)/.test(state);
  const code = "code" in error ? String(error.code) : "";
  return /^(ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|CONNECT|CONNECTION_)/.test(code);
}
