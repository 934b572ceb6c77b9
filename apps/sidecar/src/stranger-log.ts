// What is recorded of callers who proved nothing. A token costs them nothing, so neither may what we write of them take much: each refusal is
// an event of its own while they are few, beyond that they are counted and told in one event now and then, and none of it is written into a
// spool that is more than a quarter full, so that authenticated calls never lack room (ADR 0010).
import { buildEvent } from "@postern/audit";
import type { Spool } from "@postern/audit/spool";
import type { AuditEvent, ReasonCode } from "@postern/contracts";
import { type Clock, type NewId, toFault } from "@postern/fault";
import type { Logger, Metrics } from "@postern/telemetry";
import { createAllowance } from "./allowance.ts";
import type { Journal } from "./journal.ts";
import type { Sleep } from "./timing.ts";

export interface StrangerLog {
  /** Whether the refusal was recorded by itself, as the event that `describe` gives. Never throws. */
  tell(code: ReasonCode, describe: () => AuditEvent): Promise<boolean>;
  /** Writes what was only counted, as far as there is room. */
  close(): Promise<void>;
}

export interface StrangerLogPorts {
  readonly journal: Pick<Journal, "append" | "speaker">;
  readonly spool: Pick<Spool, "usage">;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly sleep: Sleep;
  readonly metrics: Pick<Metrics, "increment">;
  readonly log: Logger;
}

/** Refusals in a row that are recorded one by one, and how many a second after that. */
export const STRANGERS_BURST = 200;
export const STRANGERS_PER_SECOND = 20;
const SUMMARY_INTERVAL_MS = 60_000;
/** Part of the spool beyond which nothing of strangers is written. */
const SPOOL_SHARE = 0.25;
/** Longer than any event that is written here. */
const EVENT_BYTES_MAX = 8_192;

export function createStrangerLog(ports: StrangerLogPorts): StrangerLog {
  const { journal, spool, clock, newId, sleep, metrics, log } = ports;
  const closing = new AbortController();
  const allowance = createAllowance({ burst: STRANGERS_BURST, perSecond: STRANGERS_PER_SECOND, clock });
  let counted = new Map<ReasonCode, number>();
  let countedSinceMs = 0;
  let summarizing: Promise<void> | undefined;

  const hasRoom = () => {
    const { bytes, bytesMax } = spool.usage();
    return bytes + EVENT_BYTES_MAX <= bytesMax * SPOOL_SHARE;
  };
  const record = (event: AuditEvent) =>
    journal.append({ kind: "event", event, args_salt: "" }).then(
      () => true,
      (caught) => {
        log.debug("refusal not recorded", { code: toFault(caught).code });
        return false;
      },
    );
  const count = (code: ReasonCode, more: number) => {
    if (counted.size === 0) countedSinceMs = clock.nowMs();
    counted.set(code, (counted.get(code) ?? 0) + more);
    summarizing ??= summarize();
  };

  /** Runs as long as something is counted that no event tells of. */
  async function summarize(): Promise<void> {
    while (counted.size > 0) {
      await sleep(SUMMARY_INTERVAL_MS, closing.signal);
      if (hasRoom()) await writeSummary();
      if (closing.signal.aborted) break;
    }
    summarizing = undefined;
  }

  async function writeSummary(): Promise<void> {
    const [told, sinceMs] = [counted, countedSinceMs];
    counted = new Map();
    if (await record(summaryOf(told, sinceMs))) return;
    for (const [code, more] of told) count(code, more);
    countedSinceMs = sinceMs;
  }

  function summaryOf(told: ReadonlyMap<ReasonCode, number>, sinceMs: number): AuditEvent {
    const { tenant, sidecarId, epoch } = journal.speaker;
    const parts = [...told].map(([code, refused]) => `${refused} × ${code}`);
    const since = new Date(sinceMs).toISOString();
    return buildEvent({
      ts: new Date(clock.nowMs()).toISOString(),
      event: "intentgate.refusals",
      decision: "block",
      check: "capability",
      reason: `Refused since ${since} without an event of their own, all of callers who proved nothing: ${parts.join(", ")}.`,
      reasons: [...told.keys()],
      tenant,
      tool: "",
      event_id: newId(),
      outcome: "none",
      sidecar_id: sidecarId,
      sidecar_epoch: epoch,
    });
  }

  return {
    async tell(code, describe) {
      const isRecorded = hasRoom() && allowance.take() && (await record(describe()));
      metrics.increment("strangersRefused", { reason: code, told: isRecorded ? "event" : "count" });
      if (!isRecorded) count(code, 1);
      return isRecorded;
    },
    async close() {
      closing.abort();
      await summarizing;
    },
  };
}
