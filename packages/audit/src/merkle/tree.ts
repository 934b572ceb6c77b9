// A growing RFC 6962 tree in O(log n) memory: it keeps the roots of the perfect subtrees that its size is made of, largest
// first (a "compact range"). Invariant: hashes.length is the number of one-bits of size.
import { Fault } from "@postern/fault";
import { isHashText, toHex } from "../hash.ts";
import { joinSubtrees, nodeHash } from "./node-hash.ts";

/** What a tree needs to go on growing later; plain JSON. */
export interface TreeState {
  readonly size: number;
  /** Hexadecimal roots of the perfect subtrees, largest first. */
  readonly hashes: readonly string[];
}

/** The perfect subtree over the leaves `index`·2^`level` up to, not including, (`index` + 1)·2^`level`. Level 0 is a leaf. */
export interface NodeId {
  readonly level: number;
  readonly index: number;
}

export interface Tree {
  readonly size: number;
  /** Adds a leaf; `completed` hears of each node that this makes final, lowest first: what a log server stores. */
  append(leafHash: Uint8Array, completed?: (id: NodeId, hash: Uint8Array) => void): void;
  root(): Uint8Array;
  state(): TreeState;
}

/** An empty tree, or the one that `state` describes. Faults: invalid `audit.tree_state`. */
export function createTree(state: TreeState = { size: 0, hashes: [] }): Tree {
  const hashes = readState(state);
  let size = state.size;
  return {
    get size() {
      return size;
    },
    append(leafHash, completed) {
      let hash = leafHash;
      let id: NodeId = { level: 0, index: size };
      completed?.(id, hash);
      // As in binary addition: each subtree that finds a twin of its size is joined with it and carried one level up.
      while (id.index % 2 === 1) {
        hash = nodeHash(hashes.pop() ?? hash, hash);
        id = { level: id.level + 1, index: (id.index - 1) / 2 };
        completed?.(id, hash);
      }
      hashes.push(hash);
      size += 1;
    },
    root: () => joinSubtrees(hashes),
    state: () => ({ size, hashes: hashes.map(toHex) }),
  };
}

/** Root over all of `leafHashes`. */
export function rootOf(leafHashes: Iterable<Uint8Array>): Uint8Array {
  const tree = createTree();
  for (const hash of leafHashes) tree.append(hash);
  return tree.root();
}

function readState(state: TreeState): Uint8Array[] {
  const { size, hashes } = state;
  const whole = Number.isSafeInteger(size) && size >= 0 && hashes.length === oneBits(size);
  if (!whole || !hashes.every(isHashText)) {
    throw new Fault("invalid", "audit.tree_state", "The tree's state does not describe a tree.");
  }
  return hashes.map((text) => Buffer.from(text, "hex"));
}

function oneBits(value: number): number {
  return value.toString(2).replaceAll("0", "").length;
}
