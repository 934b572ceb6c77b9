import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { toHex } from "../hash.ts";
import { EMPTY_ROOT, leafHash, nodeHash } from "./node-hash.ts";
import { consistencyProof, inclusionProof, memoryNodes } from "./proof.ts";
import { createTree, type NodeId, rootOf } from "./tree.ts";
import { verifyConsistency, verifyInclusion } from "./verify-proof.ts";

const leaves = Array.from({ length: 260 }, (_, at) => leafHash(Buffer.from(`leaf ${at}`)));
const sizes = fc.integer({ min: 1, max: leaves.length });

/** The definition of RFC 6962 §2.1, word by word. */
function definedRoot(part: readonly Uint8Array[]): Uint8Array {
  const [only] = part;
  if (only === undefined) return EMPTY_ROOT;
  if (part.length === 1) return only;
  let k = 1;
  while (2 * k < part.length) k *= 2;
  return nodeHash(definedRoot(part.slice(0, k)), definedRoot(part.slice(k)));
}

test("the root is the one of the definition, at every size", () => {
  const tree = createTree();
  assert.equal(toHex(tree.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (const [at, leaf] of leaves.entries()) {
    tree.append(leaf);
    assert.deepEqual(tree.root(), definedRoot(leaves.slice(0, at + 1)));
  }
  assert.deepEqual(rootOf(leaves), tree.root());
});

test("a tree goes on from its stored state as if it had never stopped", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: leaves.length }), (size) => {
      const before = createTree();
      for (const leaf of leaves.slice(0, size)) before.append(leaf);
      const after = createTree(JSON.parse(JSON.stringify(before.state())));
      for (const leaf of leaves.slice(size)) after.append(leaf);
      assert.deepEqual(after.root(), rootOf(leaves));
    }),
  );
});

test("a state that describes no tree is refused", () => {
  const hash = "0".repeat(64);
  const states = [
    { size: 1, hashes: [] },
    { size: 2, hashes: [hash, hash] },
    { size: -1, hashes: [] },
    { size: 1.5, hashes: [hash] },
    { size: 1, hashes: [hash.slice(1)] },
    { size: 1, hashes: [hash.toUpperCase().replace("0", "F")] },
    { size: 2 ** 53, hashes: [hash] },
  ];
  for (const state of states) assert.throws(() => createTree(state), { code: "audit.tree_state" });
});

test("appending tells every node that becomes final, once", async () => {
  const told = new Map<string, Uint8Array>();
  const tree = createTree();
  for (const leaf of leaves) {
    tree.append(leaf, ({ level, index }, hash) => {
      assert.ok(!told.has(`${level}/${index}`));
      told.set(`${level}/${index}`, hash);
    });
  }
  // 260 leaves, 130 pairs, 65, 32, 16, 8, 4, 2, 1.
  assert.equal(told.size, 260 + 130 + 65 + 32 + 16 + 8 + 4 + 2 + 1);
  const stored = {
    read: async (ids: readonly NodeId[]) =>
      ids.map((id) => told.get(`${id.level}/${id.index}`) ?? EMPTY_ROOT),
  };
  assert.deepEqual(
    await inclusionProof(200, 260, stored),
    await inclusionProof(200, 260, memoryNodes(leaves)),
  );
});

test("every inclusion proof verifies for its leaf and for no other claim", async () => {
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (size, seed, other) => {
      const index = seed % size;
      const part = leaves.slice(0, size);
      const root = definedRoot(part);
      const proof = await inclusionProof(index, size, memoryNodes(part));
      assert.ok(proof.length <= Math.ceil(Math.log2(size)));
      const claim = { index, size, leafHash: part[index] ?? EMPTY_ROOT, root };
      assert.ok(verifyInclusion(claim, proof));
      const changed = proof.map((node, at) => (at === other % proof.length ? nodeHash(node, node) : node));
      if (proof.length > 0) assert.ok(!verifyInclusion(claim, changed));
      assert.ok(!verifyInclusion({ ...claim, leafHash: EMPTY_ROOT }, proof));
      assert.ok(!verifyInclusion({ ...claim, root: EMPTY_ROOT }, proof));
      if (other % size !== index) assert.ok(!verifyInclusion({ ...claim, index: other % size }, proof));
      assert.ok(!verifyInclusion(claim, [...proof, EMPTY_ROOT]));
      assert.ok(!verifyInclusion(claim, proof.slice(1)) || proof.length === 0);
    }),
  );
});

test("every consistency proof verifies for its two trees and for no others", async () => {
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), async (size, seed) => {
      const oldSize = 1 + (seed % size);
      const part = leaves.slice(0, size);
      const claim = { oldSize, size, oldRoot: definedRoot(part.slice(0, oldSize)), root: definedRoot(part) };
      const proof = await consistencyProof(oldSize, size, memoryNodes(part));
      assert.ok(verifyConsistency(claim, proof));
      assert.ok(!verifyConsistency({ ...claim, oldRoot: EMPTY_ROOT }, proof));
      assert.ok(!verifyConsistency({ ...claim, root: EMPTY_ROOT }, proof));
      assert.ok(!verifyConsistency(claim, [...proof, EMPTY_ROOT]));
      if (proof.length > 0) assert.ok(!verifyConsistency(claim, proof.slice(1)));
    }),
  );
});

test("a proof in a log of two to the 40 leaves reads few nodes, and at the right places", async () => {
  const size = 2 ** 40 + 5;
  const asked: NodeId[] = [];
  const nodes = {
    async read(ids: readonly NodeId[]) {
      asked.push(...ids);
      return ids.map(() => EMPTY_ROOT);
    },
  };
  assert.equal((await inclusionProof(2 ** 39, size, nodes)).length, 41);
  assert.ok(asked.length < 50);
  assert.ok(asked.every(({ level, index }) => (index + 1) * 2 ** level <= size));
  // 2^40 + 3 = a perfect tree, a pair and a leaf: the old tree's own last node is in the proof.
  assert.ok((await consistencyProof(2 ** 40 + 3, size, nodes)).length <= 42);
});

test("proofs outside the tree are refused, and a store that lacks a node is told", async () => {
  const nodes = memoryNodes(leaves.slice(0, 5));
  for (const [index, size] of [
    [5, 5],
    [-1, 5],
    [0, 0],
    [0.5, 5],
    [0, 2 ** 53],
  ] as const) {
    await assert.rejects(inclusionProof(index, size, nodes), { code: "audit.proof_range" });
  }
  for (const [oldSize, size] of [
    [6, 5],
    [-1, 5],
    [1.5, 5],
  ] as const) {
    await assert.rejects(consistencyProof(oldSize, size, nodes), { code: "audit.proof_range" });
  }
  await assert.rejects(inclusionProof(0, 9, nodes), { code: "audit.node_missing" });
  await assert.rejects(inclusionProof(0, 5, { read: async () => [] }), { code: "audit.node_missing" });
});

test("an empty old tree and the same tree need no proof", async () => {
  const nodes = memoryNodes(leaves.slice(0, 5));
  assert.deepEqual(await consistencyProof(0, 5, nodes), []);
  assert.deepEqual(await consistencyProof(5, 5, nodes), []);
});
