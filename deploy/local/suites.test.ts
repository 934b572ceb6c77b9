import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";
import { repositoryRoot, temporaryDirectory } from "../../packages/testkit/src/index.ts";
import { runSuite } from "./suites.ts";
import { emptyTally } from "./tally.ts";

const HEAD = 'import { describe, test } from "node:test";\n';

/** File content → what it adds: passed, failed, skipped. */
const CASES: Readonly<Record<string, { code: string; counts: readonly [number, number, number] }>> = {
  passing: { code: 'test("a", () => {}); describe("b", () => { test("c", () => {}); });', counts: [2, 0, 0] },
  failing: { code: 'test("a", () => { throw new Error("no"); });', counts: [0, 1, 0] },
  nested: {
    code: 'test("a", async (t) => { await t.test("b", () => { throw 1; }); await t.test("c", () => {}); });',
    counts: [1, 1, 0],
  },
  skipping: {
    code: 'test("a", (t) => t.skip("no server")); test("b", { skip: true }, () => {}); test.todo("c");',
    counts: [0, 0, 3],
  },
  hanging: { code: 'test("a", () => new Promise(() => setInterval(() => {}, 1000)));', counts: [0, 1, 0] },
  leaking: { code: 'setInterval(() => {}, 1000); test("a", () => {});', counts: [1, 1, 0] },
  broken: { code: 'import "./missing.ts";', counts: [0, 1, 0] },
  quitting: { code: 'test("a", () => { process.exit(0); });', counts: [0, 1, 0] },
};

for (const [name, { code, counts }] of Object.entries(CASES)) {
  test(`a ${name} file is counted for what it is`, async (t) => {
    const file = join(temporaryDirectory(t), `${name}.test.ts`);
    writeFileSync(file, HEAD + code);
    t.mock.method(console, "log", () => {});
    const tally = emptyTally();
    const files = [relative(repositoryRoot, file)];
    await runSuite({ name: "suite", files, filesAtOnce: 1, fileTimeoutMs: 2_000 }, tally, "ignore");
    assert.deepEqual([tally.passed, tally.failed, tally.skipped], counts);
    assert.equal(tally.failures.length, tally.failed);
    if (name === "skipping") assert.ok(tally.skips.has("no server"));
  });
}
