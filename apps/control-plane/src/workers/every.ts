// A loop that does one thing again and again, never twice at once, and survives its own failures.
import type { Logger } from "@postern/telemetry";

export interface Loop {
  /** Resolves when the turn that is running, if any, has ended; there is no further one. */
  stop(): Promise<void>;
}

/** Runs `turn` now and then every `intervalMs`; a turn that takes longer delays the next one. */
export function every(intervalMs: number, name: string, log: Logger, turn: () => Promise<void>): Loop {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let running = run();

  async function run(): Promise<void> {
    const startMs = performance.now();
    try {
      await turn();
    } catch (caught) {
      log.error("worker failed", caught, { worker: name });
    }
    if (isStopped) return;
    const waitMs = Math.max(0, intervalMs - (performance.now() - startMs));
    timer = setTimeout(() => {
      running = run();
    }, waitMs);
    timer.unref();
  }

  return {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
