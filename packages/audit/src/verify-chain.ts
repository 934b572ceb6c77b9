// The offline verifier: reads a chain once, in order, and names the first event at which it breaks. It trusts nothing in the
// data: each hash is recomputed, and the tree's root comes from the recomputed hashes alone.
import type { ChainEntry, JsonValue } from "@postern/contracts";
import { chainHash } from "./chain.ts";
import type { CheckpointVerdict, PinnedKey } from "./checkpoint.ts";
import {
  type CheckpointReport,
  judgeCheckpoint,
  matchCheckpoint,
  type RecomputedLog,
} from "./checkpoint-match.ts";
import { type ExportItem, isChainEntry, type Pieces, readExport, recanonicalize } from "./export.ts";
import { toHex, ZERO_HASH } from "./hash.ts";
import { createTree, type TreeState } from "./merkle/tree.ts";

export type ChainProblem =
  | "malformed"
  /** The entry's index is not the one that follows. */
  | "index_gap"
  /** The entry does not follow the one before it: one of the two was changed, or something between them removed. */
  | "link_broken"
  /** The event is not the one that was hashed. */
  | "hash_mismatch"
  | "duplicate_event_id"
  /** The event belongs to another tenant than those before it. */
  | "foreign_tenant";

export interface VerifyOptions {
  /** Where the entries begin, if not at index 0: the hash of the entry before and, to compare roots, the tree before. */
  readonly from?: { readonly index: number; readonly previousHash: string; readonly tree?: TreeState };
  /** Signed note text of any size up to the log's; later entries are then covered by the chain only. */
  readonly checkpoint?: string;
  /** Key to trust, `k4.public.…` (with `origin`) or verifier key text. Without it no signature is checked. */
  readonly publicKey?: string;
  readonly origin?: string;
  /** Default true. Keeps every event id in memory (about 100 bytes each). */
  readonly eventIdsUnique?: boolean;
}

export interface BrokenEntry {
  readonly index: number;
  /** "" when the entry is too malformed to name one. */
  readonly eventId: string;
  readonly problem: ChainProblem;
  readonly detail: string;
  /** Line of the export, from 1. */
  readonly line?: number;
}

export interface ChainReport {
  /** Nothing is broken, and the checkpoints met, if any, hold. */
  readonly verified: boolean;
  /** Entries that are sound and in their place. */
  readonly eventsChecked: number;
  readonly firstBroken?: BrokenEntry;
  /** After the last sound entry; `rootHash` (hexadecimal) only if the tree is known from its beginning. */
  readonly head: { readonly size: number; readonly hash: string; readonly rootHash?: string };
  /** The checkpoint that failed, else the one given in the options, else the last one in the export. */
  readonly checkpoint?: CheckpointReport;
}

/** Verifies entries as stored. Faults: invalid `audit.pinned_key`, `audit.tree_state`; what `entries` itself throws. */
export async function verifyChain(
  entries: AsyncIterable<ChainEntry> | Iterable<ChainEntry>,
  options: VerifyOptions = {},
): Promise<ChainReport> {
  return await verify(asItems(entries), options);
}

/** Verifies an NDJSON export, given in pieces of any size. Faults as `verifyChain`. */
export async function verifyExport(chunks: Pieces, options: VerifyOptions = {}): Promise<ChainReport> {
  return await verify(readExport(chunks), options);
}

async function verify(items: AsyncIterable<ExportItem>, options: VerifyOptions): Promise<ChainReport> {
  const { publicKey, origin } = options;
  const pinned: PinnedKey | undefined = publicKey === undefined ? undefined : { publicKey, origin };
  const walk = createWalk(options);
  const match = (verdict: CheckpointVerdict) => matchCheckpoint(verdict, walk, pinned !== undefined);
  const awaited =
    options.checkpoint === undefined ? undefined : await judgeCheckpoint(options.checkpoint, pinned);
  let given: CheckpointReport | undefined;
  let met: CheckpointReport | undefined;
  // Only while the log has exactly the checkpoint's size can its root be told.
  const meet = () => {
    if (given === undefined && awaited !== undefined && reaches(walk, awaited)) given = match(awaited);
  };
  meet();
  for await (const item of items) {
    if (item.kind === "checkpoint") {
      met = match(await judgeCheckpoint(item.note, pinned));
      if (!met.verified) return report(walk, met);
      continue;
    }
    const firstBroken = item.kind === "malformed" ? malformed(walk.size, item) : walk.step(item);
    if (firstBroken !== undefined) return { ...report(walk, given), verified: false, firstBroken };
    meet();
  }
  if (awaited !== undefined) given ??= match(awaited);
  return report(walk, given ?? met);
}

function reaches(walk: Walk, verdict: CheckpointVerdict): boolean {
  return !verdict.ok || verdict.checkpoint.size <= walk.size;
}

interface Walk extends RecomputedLog {
  readonly steps: number;
  readonly hash: string;
  /** Takes the next entry, or tells why it cannot be the next one. */
  step(item: EntryItem): BrokenEntry | undefined;
}

type EntryItem = Extract<ExportItem, { kind: "entry" }>;

function createWalk({ from, eventIdsUnique = true }: VerifyOptions): Walk {
  const tree = from === undefined ? createTree() : from.tree && createTree(from.tree);
  const isNew = eventIdsUnique ? createIdSet() : () => true;
  let size = from?.index ?? 0;
  let hash = from?.previousHash ?? ZERO_HASH;
  let tenant: string | undefined;
  const problemOf = ({ entry, eventJson }: EntryItem): readonly [ChainProblem, string] | undefined => {
    if (entry.index !== size)
      return ["index_gap", `the entry has index ${entry.index} where ${size} follows`];
    if (entry.prev_hash !== hash)
      return ["link_broken", "the entry does not name the hash of the one before it"];
    const recomputed = chainHash(eventJson, Buffer.from(hash, "hex"));
    if (toHex(recomputed) !== entry.hash)
      return ["hash_mismatch", "the event does not have the hash it is stored under"];
    if ((tenant ?? entry.event.tenant) !== entry.event.tenant) {
      return ["foreign_tenant", `the event is of ${entry.event.tenant} in the log of ${tenant}`];
    }
    if (!isNew(entry.event.event_id)) return ["duplicate_event_id", "an earlier event has the same id"];
    tree?.append(recomputed);
    return undefined;
  };
  return {
    get size() {
      return size;
    },
    get steps() {
      return size - (from?.index ?? 0);
    },
    get hash() {
      return hash;
    },
    root: () => tree?.root(),
    step(item) {
      const found = problemOf(item);
      if (found === undefined) {
        size += 1;
        hash = item.entry.hash;
        tenant = item.entry.event.tenant;
        return undefined;
      }
      const [problem, what] = found;
      const where = item.line > 0 ? `line ${item.line}: ` : "";
      return broken(size, item.entry.event.event_id, problem, where + what, item.line);
    },
  };
}

function report(walk: Walk, checkpoint: CheckpointReport | undefined): ChainReport {
  const root = walk.root();
  return {
    verified: checkpoint?.verified ?? true,
    eventsChecked: walk.steps,
    head: { size: walk.size, hash: walk.hash, ...(root && { rootHash: toHex(root) }) },
    ...(checkpoint && { checkpoint }),
  };
}

function malformed(index: number, item: Extract<ExportItem, { kind: "malformed" }>): BrokenEntry {
  return broken(index, "", "malformed", item.detail, item.line);
}

function broken(
  index: number,
  eventId: string,
  problem: ChainProblem,
  detail: string,
  line: number,
): BrokenEntry {
  return { index, eventId, problem, detail, ...(line > 0 && { line }) };
}

/** Entries that come from a store have no line: 0. */
async function* asItems(
  entries: AsyncIterable<ChainEntry> | Iterable<ChainEntry>,
): AsyncGenerator<ExportItem> {
  for await (const entry of entries) {
    const eventJson = isChainEntry(entry) ? recanonicalize(entry.event as JsonValue) : undefined;
    if (eventJson === undefined) {
      yield { kind: "malformed", detail: "the entry does not have the shape of a chain entry", line: 0 };
      return;
    }
    yield { kind: "entry", entry, eventJson, line: 0 };
  }
}

/** Tells whether an id is new. One Set holds at most 2^24 ids, so there are as many as it takes. */
function createIdSet(): (id: string) => boolean {
  const idsMax = 2 ** 23;
  const sets = [new Set<string>()];
  return (id) => {
    if (sets.some((set) => set.has(id))) return false;
    if ((sets.at(-1)?.size ?? idsMax) === idsMax) sets.push(new Set());
    sets.at(-1)?.add(id);
    return true;
  };
}
