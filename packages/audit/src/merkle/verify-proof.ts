// Verifiers of RFC 9162 §2.1.3.2 and §2.1.4.2 (the same trees and proofs as RFC 6962). They answer true or false and never throw.
// Sizes go beyond 32 bits, so halves and parities are taken arithmetically.
import { HASH_BYTES, sameBytes } from "../hash.ts";
import { nodeHash } from "./node-hash.ts";

export interface InclusionClaim {
  readonly index: number;
  readonly size: number;
  readonly leafHash: Uint8Array;
  readonly root: Uint8Array;
}

export interface ConsistencyClaim {
  readonly oldSize: number;
  readonly size: number;
  readonly oldRoot: Uint8Array;
  readonly root: Uint8Array;
}

/** Whether `proof` shows that the leaf is at `index` in the tree of `size` leaves with this root. */
export function verifyInclusion(claim: InclusionClaim, proof: readonly Uint8Array[]): boolean {
  const { index, size, leafHash, root } = claim;
  if (!isCount(index) || !isCount(size) || index >= size) return false;
  if (![leafHash, ...proof].every(isHash)) return false;
  let at = index;
  let last = size - 1;
  let hash = leafHash;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      hash = nodeHash(sibling, hash);
      [at, last] = climbToRightChild(at, last);
    } else {
      hash = nodeHash(hash, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && sameBytes(hash, root);
}

/** Whether `proof` shows that the tree of `size` leaves begins with the tree of `oldSize` leaves. */
export function verifyConsistency(claim: ConsistencyClaim, proof: readonly Uint8Array[]): boolean {
  const { oldSize, size, oldRoot, root } = claim;
  if (!isCount(oldSize) || !isCount(size) || oldSize > size || !proof.every(isHash)) return false;
  // Every tree begins with the empty one, so that claim says nothing, and no proof makes it say more.
  if (oldSize === 0) return false;
  if (oldSize === size) return proof.length === 0 && sameBytes(oldRoot, root);
  // An old tree that is a perfect subtree is its own first node of the proof.
  const nodes = isPowerOfTwo(oldSize) ? [oldRoot, ...proof] : proof;
  const [first, ...rest] = nodes;
  if (first === undefined || proof.length === 0) return false;
  let [at, last] = [oldSize - 1, size - 1];
  while (isOdd(at)) [at, last] = [half(at), half(last)];
  let oldHash = first;
  let hash = first;
  for (const node of rest) {
    if (last === 0) return false;
    if (isOdd(at) || at === last) {
      oldHash = nodeHash(node, oldHash);
      hash = nodeHash(node, hash);
      [at, last] = climbToRightChild(at, last);
    } else {
      hash = nodeHash(hash, node);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && sameBytes(oldHash, oldRoot) && sameBytes(hash, root);
}

/** On the tree's right edge a node without a sibling moves up until it is a right child, or the root. */
function climbToRightChild(at: number, last: number): [number, number] {
  let [node, edge] = [at, last];
  while (!isOdd(node) && node !== 0) [node, edge] = [half(node), half(edge)];
  return [node, edge];
}

function isHash(value: Uint8Array): boolean {
  return value.length === HASH_BYTES;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isOdd(value: number): boolean {
  return value % 2 === 1;
}

function half(value: number): number {
  return Math.floor(value / 2);
}

function isPowerOfTwo(value: number): boolean {
  return 2 ** Math.floor(Math.log2(value)) === value;
}
