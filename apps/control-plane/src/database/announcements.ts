// Tells every replica that a tenant's control state has changed: this process directly after the commit, the others by NOTIFY, which
// Postgres sends with the commit and not before. What is lost on the way is found by the next heartbeat's look.
import { sql } from "drizzle-orm";
import type { Announcer } from "../domain/unit.ts";
import type { Database } from "./connection.ts";

const CHANNEL = "postern_control_state";

export interface Announcements extends Announcer {
  /** Calls `hear` with each tenant that anybody announces. */
  listen(hear: (tenant: string) => void): Promise<void>;
}

/** `replica`: a name that no other process has, so that one's own announcements are not heard twice. */
export function createAnnouncements(database: Database, replica: string): Announcements {
  let hearHere: (tenant: string) => void = () => {};
  return {
    async prepare(executor, tenants) {
      if (database.kind === "embedded") return;
      for (const tenant of tenants) {
        await executor.execute(sql`select pg_notify(${CHANNEL}, ${`${replica} ${tenant}`})`);
      }
    },
    committed(tenants) {
      for (const tenant of tenants) hearHere(tenant);
    },
    async listen(hear) {
      hearHere = hear;
      await database.listen(CHANNEL, (payload) => {
        const [from, tenant] = payload.split(" ");
        if (from !== replica && tenant !== undefined) hear(tenant);
      });
    },
  };
}
