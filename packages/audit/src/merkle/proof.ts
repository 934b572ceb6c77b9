// Inclusion and consistency proofs of RFC 6962 §2.1.1 and §2.1.2, made from O(log n) stored nodes.
// A proof is planned first, as ranges of leaves, and then read in one request, so that the nodes may live in a database or in tiles.
import { Fault } from "@postern/fault";
import { joinSubtrees, nodeHash } from "./node-hash.ts";
import type { NodeId } from "./tree.ts";

/** Where finished nodes are kept. Answers in the order of the question. */
export interface NodeReader {
  read(ids: readonly NodeId[]): Promise<readonly Uint8Array[]>;
}

/** Leaves `from` up to, not including, `to`. */
type Range = readonly [from: number, to: number];

/** Proof that leaf `index` is in the tree of `size` leaves. Faults: invalid `audit.proof_range`. */
export async function inclusionProof(index: number, size: number, nodes: NodeReader): Promise<Uint8Array[]> {
  if (!isCount(index) || !isCount(size) || index >= size) throw outside();
  return await resolve(inclusionRanges(index, size), nodes);
}

/** Proof that the tree of `size` leaves begins with the tree of `oldSize` leaves. Faults: invalid `audit.proof_range`. */
export async function consistencyProof(
  oldSize: number,
  size: number,
  nodes: NodeReader,
): Promise<Uint8Array[]> {
  if (!isCount(oldSize) || !isCount(size) || oldSize > size) throw outside();
  return oldSize === 0 ? [] : await resolve(consistencyRanges(oldSize, size), nodes);
}

/** All nodes of a tree that fits in memory. */
export function memoryNodes(leafHashes: readonly Uint8Array[]): NodeReader {
  const levels = [leafHashes];
  for (let below = leafHashes; below.length > 1; ) {
    const pairs = Array.from({ length: Math.floor(below.length / 2) }, (_, at) => at);
    below = pairs.map((at) => nodeHash(present(below[2 * at]), present(below[2 * at + 1])));
    levels.push(below);
  }
  return { read: async (ids) => ids.map(({ level, index }) => present(levels[level]?.[index])) };
}

/** The siblings on the way from the root down to the leaf, given back from the leaf up. */
function inclusionRanges(index: number, size: number): Range[] {
  const ranges: Range[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitPoint(to - from);
    if (index < middle) {
      ranges.push([middle, to]);
      to = middle;
    } else {
      ranges.push([from, middle]);
      from = middle;
    }
  }
  return ranges.reverse();
}

/** SUBPROOF of RFC 6962 §2.1.2. The old tree's own root is left out when it is a whole subtree: the verifier has it. */
function consistencyRanges(oldSize: number, size: number): Range[] {
  const ranges: Range[] = [];
  let [from, to] = [0, size];
  while (oldSize !== to) {
    const middle = from + splitPoint(to - from);
    if (oldSize <= middle) {
      ranges.push([middle, to]);
      to = middle;
    } else {
      ranges.push([from, middle]);
      from = middle;
    }
  }
  if (from > 0) ranges.push([from, to]);
  return ranges.reverse();
}

async function resolve(ranges: readonly Range[], nodes: NodeReader): Promise<Uint8Array[]> {
  const parts = ranges.map(perfectSubtrees);
  const hashes = await nodes.read(parts.flat());
  let taken = 0;
  return parts.map((ids) => {
    const part = hashes.slice(taken, taken + ids.length);
    taken += ids.length;
    if (part.length !== ids.length) throw missing();
    return joinSubtrees(part);
  });
}

/** A range of leaves as the finished nodes that it is made of, largest first. */
function perfectSubtrees([from, to]: Range): NodeId[] {
  const ids: NodeId[] = [];
  for (let start = from; start < to; ) {
    let level = 0;
    let width = 1;
    while (start % (2 * width) === 0 && start + 2 * width <= to) {
      level += 1;
      width *= 2;
    }
    ids.push({ level, index: start / width });
    start += width;
  }
  return ids;
}

/** The largest power of two smaller than `count`. */
function splitPoint(count: number): number {
  let width = 1;
  while (2 * width < count) width *= 2;
  return width;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function present(hash: Uint8Array | undefined): Uint8Array {
  if (hash === undefined) throw missing();
  return hash;
}

function missing(): Fault {
  return new Fault("internal", "audit.node_missing", "A node of the tree is missing from the store.");
}

function outside(): Fault {
  return new Fault("invalid", "audit.proof_range", "The proof asked for lies outside the tree.");
}
