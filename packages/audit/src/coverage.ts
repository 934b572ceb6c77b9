// Which entries are proven to be the log's own. A chain of hashes says only that nobody changed it after hashing: anyone can hash a
// forged one. So with a pinned key the answer is yes only for a log whose last entry is covered by a checkpoint that this key signed;
// what stands after the last such checkpoint is uncovered, however well it is chained.
import type { ChainEntry } from "@postern/contracts";
import type { CheckpointReport } from "./checkpoint-match.ts";

/** What checkpoints tell of a log. */
export interface Covered {
  /**
   * "verified": a checkpoint that the pinned key signed holds, for the first `coveredEvents` entries read and for no others.
   * "not_checked": there is a checkpoint, but no key was pinned. "none": nothing here is signed, or not by the pinned key.
   */
  readonly signature: "verified" | "not_checked" | "none";
  /** Entries under a checkpoint that the pinned key signed; 0 without a pinned key. */
  readonly coveredEvents: number;
  /** With a pinned key: the first entry that no such checkpoint covers. */
  readonly firstUncovered?: { readonly index: number; readonly eventId: string };
  /** The checkpoint that failed, else the one that covers most. */
  readonly checkpoint?: CheckpointReport;
}

export type CoverageProblem =
  /** A checkpoint does not hold. */
  | "checkpoint"
  /** A key is pinned, and nothing is signed by it. */
  | "unsigned"
  /** A key is pinned, and entries stand after the last checkpoint that it signed. */
  | "uncovered"
  /** There is neither an entry nor a checkpoint. */
  | "empty";

export interface Coverage {
  /** Takes an entry that is sound and in its place. */
  enter(entry: ChainEntry): void;
  /** Takes a checkpoint that was compared with the log as read so far; tells whether it holds. */
  meet(checkpoint: CheckpointReport): boolean;
  covered(): Covered;
  problem(): CoverageProblem | undefined;
}

/** `from`: index of the first entry to be read. */
export function createCoverage({ from, isPinned }: { from: number; isPinned: boolean }): Coverage {
  let entries = 0;
  let failed: CheckpointReport | undefined;
  let held: CheckpointReport | undefined;
  let firstUncovered: Covered["firstUncovered"];
  return {
    enter(entry) {
      entries += 1;
      firstUncovered ??= { index: entry.index, eventId: entry.event.event_id };
    },
    meet(checkpoint) {
      if (!checkpoint.verified) {
        failed ??= checkpoint;
        return false;
      }
      // It holds for exactly what was read so far, or it would not have matched.
      held = checkpoint;
      firstUncovered = undefined;
      return true;
    },
    covered() {
      const checkpoint = failed ?? held;
      const isSigned = isPinned && held !== undefined;
      const isUnchecked = !isPinned && checkpoint !== undefined;
      return {
        signature: isSigned ? "verified" : isUnchecked ? "not_checked" : "none",
        coveredEvents: isPinned && held !== undefined ? held.size - from : 0,
        ...(isPinned && firstUncovered && { firstUncovered }),
        ...(checkpoint && { checkpoint }),
      };
    },
    problem() {
      if (failed !== undefined) return "checkpoint";
      if (entries === 0 && held === undefined) return "empty";
      if (!isPinned) return undefined;
      if (held === undefined) return "unsigned";
      return firstUncovered === undefined ? undefined : "uncovered";
    },
  };
}
