// The offline verifier: reads a chain once, in order, and names the first event at which it breaks. It trusts nothing in the
// data: each hash is recomputed, the tree's root comes from the recomputed hashes alone, and with a pinned key nothing is
// believed that no checkpoint of that key covers (coverage.ts).
import type { ChainEntry, JsonValue } from "@postern/contracts";
import { chainHash } from "./chain.ts";
import { type CheckpointVerdict, type PinnedKey, readPinnedKey } from "./checkpoint.ts";
import { judgeCheckpoint, matchCheckpoint, type RecomputedLog } from "./checkpoint-match.ts";
import { type Coverage, type CoverageProblem, type Covered, createCoverage } from "./coverage.ts";
import {
  type ExportItem,
  eventIdOf,
  isChainEntry,
  type Pieces,
  readExport,
  recanonicalize,
} from "./export.ts";
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
  /** Signed note text of any size up to the log's; it covers as many entries and no more. */
  readonly checkpoint?: string;
  /**
   * Key to trust, `k4.public.…` (with `origin`) or verifier key text. With it a log is verified only if a checkpoint that this key
   * signed covers its last entry. Without it no signature is checked, and "verified" means no more than free of contradictions.
   */
  readonly publicKey?: string;
  readonly origin?: string;
  /** Default true. Keeps every event id in memory (about 100 bytes each). */
  readonly eventIdsUnique?: boolean;
}

export interface BrokenEntry {
  readonly index: number;
  /** "" when none can be read. */
  readonly eventId: string;
  readonly problem: ChainProblem;
  readonly detail: string;
  /** Line of the export, from 1. */
  readonly line?: number;
}

/** Why a log is not verified. */
export type LogProblem =
  /** An entry is not what it should be: see `firstBroken`. */
  | "broken"
  /** The first line is no line of an NDJSON export at all: another format, or another file. */
  | "not_an_export"
  /** A key is pinned, but the tree before the first entry is not known, so no checkpoint can be compared with the entries. */
  | "unprovable"
  | CoverageProblem;

export interface ChainReport extends Covered {
  /** True = there is no problem. */
  readonly verified: boolean;
  readonly problem?: LogProblem;
  /** Entries that are sound and in their place. */
  readonly eventsChecked: number;
  readonly firstBroken?: BrokenEntry;
  /** After the last sound entry; `rootHash` (hexadecimal) only if the tree is known from its beginning. */
  readonly head: { readonly size: number; readonly hash: string; readonly rootHash?: string };
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
  const { publicKey, origin, from } = options;
  const pinned: PinnedKey | undefined = publicKey === undefined ? undefined : { publicKey, origin };
  // A key that is none is refused even where nothing is signed.
  if (pinned !== undefined) readPinnedKey(pinned);
  const isPinned = pinned !== undefined;
  const walk = createWalk(options);
  const coverage = createCoverage({ from: from?.index ?? 0, isPinned });
  const meet = (verdict: CheckpointVerdict) => coverage.meet(matchCheckpoint(verdict, walk, isPinned));
  let awaited =
    options.checkpoint === undefined ? undefined : await judgeCheckpoint(options.checkpoint, pinned);
  // Only while the log has exactly the checkpoint's size can its root be told.
  const meetAwaited = (isEnd: boolean) => {
    if (awaited === undefined || !(isEnd || reaches(walk, awaited))) return;
    meet(awaited);
    awaited = undefined;
  };
  meetAwaited(false);
  for await (const item of items) {
    if (item.kind === "checkpoint") {
      if (!meet(await judgeCheckpoint(item.note, pinned))) break;
      continue;
    }
    const firstBroken = item.kind === "malformed" ? malformed(walk.size, item) : walk.step(item);
    if (firstBroken !== undefined) {
      const problem = item.kind === "malformed" && item.isForeign ? "not_an_export" : "broken";
      return { ...report(walk, coverage, problem), firstBroken };
    }
    if (item.kind === "entry") coverage.enter(item.entry);
    meetAwaited(false);
  }
  meetAwaited(true);
  const isProvable = !isPinned || walk.root() !== undefined;
  return report(walk, coverage, isProvable ? coverage.problem() : "unprovable");
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

function report(walk: Walk, coverage: Coverage, problem: LogProblem | undefined): ChainReport {
  const root = walk.root();
  return {
    verified: problem === undefined,
    ...(problem && { problem }),
    eventsChecked: walk.steps,
    head: { size: walk.size, hash: walk.hash, ...(root && { rootHash: toHex(root) }) },
    ...coverage.covered(),
  };
}

function malformed(index: number, item: Extract<ExportItem, { kind: "malformed" }>): BrokenEntry {
  return broken(index, item.eventId, "malformed", item.detail, item.line);
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
      const detail = "the entry does not have the shape of a chain entry";
      yield { kind: "malformed", detail, eventId: eventIdOf(entry) ?? "", isForeign: false, line: 0 };
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
