// Postgres by URL: a pool for queries and one connection of its own for LISTEN.
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import type { Database, Executor } from "./connection.ts";
import { isTransient } from "./faults.ts";
import { boundToConnections } from "./lost-connection.ts";

const ATTEMPTS_MAX = 4;
/**
 * The driver's own wait grows with the connections that are lost, and not with the attempts that failed: a server that restarts once would be
 * waited for up to 20 s.
 */
const RECONNECT_AFTER_SECONDS = 0.25;

/**
 * Opens a pool. Connects at the first query.
 * @param options.connectionsMax largest number of connections of this process, LISTEN not counted.
 */
export function openPostgres(options: { url: string; connectionsMax: number }): Database {
  const client = postgres(options.url, {
    max: options.connectionsMax,
    connect_timeout: 10,
    backoff: () => RECONNECT_AFTER_SECONDS,
    onnotice: () => {},
    connection: { application_name: "postern-control-plane" },
  });
  const executor: Executor = drizzle(boundToConnections(client));
  return {
    kind: "postgres",
    executor,
    transaction: (work) => retried(() => executor.transaction(work)),
    listen: async (channel, hear) => {
      await client.listen(channel, hear);
    },
    close: () => client.end({ timeout: 5 }),
  };
}

async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = ATTEMPTS_MAX - 1; ; left -= 1) {
    try {
      return await attempt();
    } catch (caught) {
      if (left === 0 || !isTransient(caught)) throw caught;
    }
  }
}
