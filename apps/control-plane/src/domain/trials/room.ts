// How many dry runs there may be at a time. Each takes threads and reads much: a tenant has one, so that none waits for another's.
import { Fault } from "@postern/fault";

const RUNNING_MAX = 3;

export interface Room {
  /** Does the work, or refuses it at once. Faults: limited "trials.busy". */
  within<T>(tenant: string, work: () => Promise<T>): Promise<T>;
}

export function createRoom(): Room {
  const running = new Set<string>();
  return {
    async within(tenant, work) {
      if (running.has(tenant)) throw busy("This tenant has a dry run under way already; try again.");
      if (running.size >= RUNNING_MAX) throw busy("Too many dry runs are under way; try again.");
      running.add(tenant);
      try {
        return await work();
      } finally {
        running.delete(tenant);
      }
    },
  };
}

const busy = (message: string) => new Fault("limited", "trials.busy", message);
