// How much a spool may hold. A call that was let through must be able to record its outcome, so each open intent keeps room
// for the longest outcome there is; new calls are refused before that room is touched.
import type { SpoolBody } from "@postern/contracts";
import { Fault } from "@postern/fault";

/** No outcome is longer: 2048 UTF-16 units of reason at six bytes each, and less than 1 KiB for all the rest. */
export const OUTCOME_BYTES_MAX = 13_312;
const WARN_SHARE = 0.8;

export type SpoolLevel = "ok" | "warn" | "full";

export interface Capacity {
  readonly bytes: number;
  /** "warn" from 80 % on; "full" when not even a short call is taken any more. */
  readonly level: SpoolLevel;
  /** Counts a record that is about to be written. Faults: unavailable `audit.spool_full`, and nothing was counted. */
  admit(body: SpoolBody, frameBytes: number, sequence: number): void;
  /** Counts bytes without asking whether they fit. */
  hold(bytes: number): void;
  free(bytes: number): void;
  /** Whether an intent in this range of sequences still waits for its outcome. */
  hasOpenIntent(firstSequence: number, lastSequence: number): boolean;
}

export function createCapacity(bytesMax: number): Capacity {
  /** Event id → sequence of the intents of this epoch that have no outcome yet. */
  const open = new Map<string, number>();
  let bytes = 0;
  const wouldFit = (moreBytes: number, moreIntents: number) =>
    bytes + moreBytes + (open.size + moreIntents) * OUTCOME_BYTES_MAX <= bytesMax;
  return {
    get bytes() {
      return bytes;
    },
    get level() {
      if (!wouldFit(1024, 1)) return "full";
      return bytes + open.size * OUTCOME_BYTES_MAX >= bytesMax * WARN_SHARE ? "warn" : "ok";
    },
    admit(body, frameBytes, sequence) {
      const closes = body.kind === "outcome" && open.delete(body.event_id);
      const opens = body.kind === "intent";
      if (!closes && !wouldFit(frameBytes, opens ? 1 : 0)) {
        throw new Fault("unavailable", "audit.spool_full", "The audit spool is full.");
      }
      if (opens) open.set(body.event.event_id, sequence);
      bytes += frameBytes;
    },
    hold(more) {
      bytes += more;
    },
    free(fewer) {
      bytes -= fewer;
    },
    hasOpenIntent(firstSequence, lastSequence) {
      return open.values().some((sequence) => sequence >= firstSequence && sequence <= lastSequence);
    },
  };
}
