import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { packTar, unpackTar } from "./tar.ts";

const files = fc.uniqueArray(
  fc.record({
    path: fc.stringMatching(/^[a-z0-9_][a-z0-9_.-]{0,60}(\/[a-z0-9_][a-z0-9_.-]{0,40}){0,2}$/),
    bytes: fc.uint8Array({ maxLength: 1500 }),
  }),
  { selector: (file) => file.path, maxLength: 6 },
);

test("an archive gives back its files, sorted by path", async () => {
  await fc.assert(
    fc.asyncProperty(files, async (given) => {
      const back = await unpackTar(await packTar(given));
      const sorted = given.map(({ path, bytes }) => ({ path, bytes: Buffer.from(bytes) }));
      sorted.sort((a, b) => (a.path < b.path ? -1 : 1));
      assert.deepEqual(back, sorted);
    }),
    { numRuns: 50 },
  );
});

test("the same files in any order are the same bytes", async () => {
  await fc.assert(
    fc.asyncProperty(files, async (given) => {
      assert.deepEqual(await packTar(given.toReversed()), await packTar(given));
    }),
    { numRuns: 50 },
  );
});

test("an archive that is cut short throws", async () => {
  const whole = await packTar([{ path: "a", bytes: new Uint8Array(2000) }]);
  for (const length of [100, 512, 600, 1500]) await assert.rejects(unpackTar(whole.subarray(0, length)));
});
