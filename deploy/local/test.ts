// `npm test`: the checks, the unit tests, what crosses a package, and the unit tests once more on the next Node.
// `npm test -- <part of a path>…` runs only the test files whose path holds one of the parts.
import { globSync } from "node:fs";
import { join } from "node:path";
import { check } from "./check.ts";
import { runSuite, type Suite } from "./suites.ts";
import { addSkip, addTally, emptyTally, printTally } from "./tally.ts";

const root = join(import.meta.dirname, "..", "..");
const find = (pattern: string) => globSync(pattern, { cwd: root, exclude: ["**/node_modules"] }).sort();

const units = [...find("packages/*/src/**/*.test.ts"), ...find("apps/*/src/**/*.test.ts")];
const local = find("deploy/{local,bundle}/*.test.ts");
const stories = find("test/*/**/*.test.ts").filter((file) => !file.startsWith("test/architecture/"));

const SUITES: readonly Suite[] = [
  { name: "unit", files: [...units, ...local], filesAtOnce: 0, fileTimeoutMs: 180_000 },
  // These start whole products, so one at a time.
  {
    name: "apps",
    files: find("apps/*/test/**/*.test.ts"),
    filesAtOnce: 1,
    fileTimeoutMs: 600_000,
  },
  { name: "stories", files: stories, filesAtOnce: 1, fileTimeoutMs: 900_000 },
];

const tally = emptyTally();
const wanted = process.argv.slice(2);
if (wanted.length > 0) await runChosen();
else await runAll();
printTally(tally);
process.exitCode = tally.failed === 0 ? 0 : 1;

async function runChosen(): Promise<void> {
  for (const suite of SUITES) {
    const files = suite.files.filter((file) => wanted.some((part) => file.includes(part)));
    await runSuite({ ...suite, files }, tally);
  }
}

async function runAll(): Promise<void> {
  addTally(tally, await check());
  for (const suite of SUITES) await runSuite(suite, tally);
  const node = process.env.POSTERN_NODE_26;
  if (node === undefined) addSkip(tally, "the unit tests on Node 26", "Node 26 could not be had");
  else
    await runSuite(
      { name: "unit on Node 26", files: units, filesAtOnce: 0, fileTimeoutMs: 180_000, node },
      tally,
    );
}
