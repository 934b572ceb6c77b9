import assert from "node:assert/strict";
import { test } from "node:test";
import { createSalts } from "./salts.ts";

test("each salt is sixteen bytes of the block that no other salt has, and a block serves 256 of them", () => {
  let fills = 0;
  const newSalt = createSalts((block) => {
    fills += 1;
    for (let at = 0; at < block.length; at += 2) block.writeUInt16BE((fills * 10_000 + at) % 65_536, at);
  });
  const salts = Array.from({ length: 600 }, newSalt);
  assert.equal(fills, 3);
  assert.equal(new Set(salts).size, 600);
  for (const salt of salts) assert.match(salt, /^[0-9a-f]{32}$/);
});

test("what was handed out is wiped, and what was not is as it was filled", () => {
  let held: Buffer = Buffer.alloc(0);
  const newSalt = createSalts((block) => {
    block.fill(0xab);
    held = block;
  });
  assert.deepEqual([newSalt(), newSalt()], ["ab".repeat(16), "ab".repeat(16)]);
  assert.ok(held.subarray(0, 32).every((byte) => byte === 0));
  assert.ok(held.subarray(32).every((byte) => byte === 0xab));
});
