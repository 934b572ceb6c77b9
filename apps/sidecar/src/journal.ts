// Where the pipeline writes what it decided: the spool. An outcome that cannot be written at once stays owed and is written as soon as it
// can be; if the process dies before that, its successor writes "unknown" in its place.
import type { BodySource, Spool } from "@postern/audit/spool";
import type { SpoolBody } from "@postern/contracts";
import { isRetryable, toFault } from "@postern/fault";
import type { Logger } from "@postern/telemetry";
import type { Speaker } from "./audit-event.ts";
import { backoffMs, type Random, type Sleep } from "./timing.ts";

export interface Journal {
  readonly speaker: Speaker;
  /** Resolves once the record is durable. A body that is given as a function is made when its turn to be written comes. @throws Fault unavailable "audit.spool_full", "audit.spool_failed". */
  append(body: BodySource): Promise<{ readonly sequence: number }>;
  /** The outcome of a recorded call. Never throws. */
  appendOutcome(body: SpoolBody & { kind: "outcome" }): Promise<void>;
  /** Outcomes that wait to be written. */
  owed(): number;
  /** Gives up on what is owed. */
  stop(): void;
}

export interface JournalPorts {
  readonly speaker: Speaker;
  readonly spool: Pick<Spool, "append">;
  readonly sleep: Sleep;
  readonly random: Random;
  readonly log: Logger;
  /** A record was written. */
  readonly onAppended: () => void;
}

export function createJournal({ speaker, spool, sleep, random, log, onAppended }: JournalPorts): Journal {
  const stopping = new AbortController();
  let owed = 0;

  function append(body: BodySource): Promise<{ sequence: number }> {
    return spool.append(body).then((appended) => {
      onAppended();
      return appended;
    });
  }

  async function payLater(body: SpoolBody): Promise<void> {
    owed += 1;
    for (let attempt = 1; !stopping.signal.aborted; attempt += 1) {
      await sleep(backoffMs(attempt, random), stopping.signal);
      const fault = await append(body).then(() => undefined, toFault);
      if (fault === undefined || !isRetryable(fault)) break;
    }
    owed -= 1;
  }

  return {
    speaker,
    append,
    async appendOutcome(body) {
      try {
        await append(body);
      } catch (caught) {
        log.error("outcome not written yet", caught, { event_id: body.event_id });
        void payLater(body);
      }
    },
    owed: () => owed,
    stop: () => stopping.abort(),
  };
}
