// Postgres by URL: a pool for queries and one connection of its own for LISTEN.
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import type { Database, Executor } from "./connection.ts";
import { isTransient } from "./faults.ts";

const ATTEMPTS_MAX = 4;

/**
 * Opens a pool. Connects at the first query.
 * @param options.connectionsMax largest number of connections of this process, LISTEN not counted.
 */
export function openPostgres(options: { url: string; connectionsMax: number }): Database {
  const client = postgres(options.url, {
    max: options.connectionsMax,
    connect_timeout: 10,
    onnotice: () => {},
    connection: { application_name: "postern-control-plane" },
  });
  const executor: Executor = drizzle(client);
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
