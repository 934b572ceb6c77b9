// Compares a checkpoint with a log whose root was recomputed: equal, or what exactly differs.
import { type CheckpointVerdict, inspectCheckpoint, type PinnedKey, verifyCheckpoint } from "./checkpoint.ts";
import { sameBytes } from "./hash.ts";

export type CheckpointProblem =
  | Extract<CheckpointVerdict, { ok: false }>["problem"]
  /** The checkpoint covers more entries than there are: the end of the log was cut off. */
  | "entries_missing"
  /** A checkpoint inside an export covers fewer entries than stand above it. */
  | "entries_uncovered"
  | "root_mismatch"
  /** Nothing tells the tree before the first entry, so no root can be recomputed. */
  | "root_unknown";

export interface CheckpointReport {
  readonly verified: boolean;
  /** "unchecked": no key was pinned, so only size and root hash were compared. */
  readonly signature: "valid" | "invalid" | "unchecked";
  /** What the checkpoint claims; "" and 0 when it is not to be believed. */
  readonly origin: string;
  readonly size: number;
  readonly problem?: CheckpointProblem;
  readonly detail?: string;
}

/** The log as recomputed so far: how many entries, and the root over them if it can be known. */
export interface RecomputedLog {
  readonly size: number;
  root(): Uint8Array | undefined;
}

/** Reads a checkpoint and, if a key is pinned, judges its signature. Faults: invalid `audit.pinned_key`. */
export async function judgeCheckpoint(
  note: string,
  pinned: PinnedKey | undefined,
): Promise<CheckpointVerdict> {
  return pinned === undefined ? inspectCheckpoint(note) : await verifyCheckpoint(note, pinned);
}

/** `signatureChecked` tells whether a key was pinned when the verdict was made. */
export function matchCheckpoint(
  verdict: CheckpointVerdict,
  log: RecomputedLog,
  signatureChecked: boolean,
): CheckpointReport {
  if (!verdict.ok) {
    const { problem, detail } = verdict;
    return { verified: false, signature: "invalid", origin: "", size: 0, problem, detail };
  }
  const { origin, size, rootHash } = verdict.checkpoint;
  const signature = signatureChecked ? "valid" : "unchecked";
  const fails = (problem: CheckpointProblem, detail: string): CheckpointReport => ({
    ...{ verified: false, signature, origin, size, problem, detail },
  });
  if (size > log.size) {
    return fails(
      "entries_missing",
      `the checkpoint covers ${size} entries, but the log ends after ${log.size}`,
    );
  }
  if (size < log.size) {
    return fails(
      "entries_uncovered",
      `the checkpoint covers ${size} entries, but ${log.size} stand before it`,
    );
  }
  const root = log.root();
  if (root === undefined) return fails("root_unknown", "the tree before the first entry is not known");
  if (!sameBytes(root, rootHash))
    return fails("root_mismatch", "the root hash of the entries is another one");
  return { verified: true, signature, origin, size };
}
