// Each row of docs/failure-matrix.md is held by a test that exists under exactly the title it names.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "@postern/testkit";

const sources = globSync("{apps,packages,test}/**/*.test.ts", {
  cwd: repositoryRoot,
  exclude: (path) => path.includes("node_modules"),
}).map((path) => readFileSync(join(repositoryRoot, path), "utf8"));

/** Titles as they are written: a template's expressions match anything. */
const titles = sources.flatMap((source) =>
  [...source.matchAll(/^\s*(?:void )?(?:test|it|[a-z]\w*Test|register)\(\s*["`]([^"`]+)["`]/gm)].map(
    ([, title = ""]) => title,
  ),
);
const patterns = titles.map(
  (title) =>
    new RegExp(
      `^${title
        .split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/)
        .map(literally)
        .join(".*")}$`,
    ),
);

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

test("every row of the failure matrix names a test that exists", () => {
  const rows = readFileSync(join(repositoryRoot, "docs", "failure-matrix.md"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| dependency"));
  assert.ok(rows.length > 25, "the matrix still has its rows");
  const missing = rows
    .map((row) => /`([^`]+)` \|$/.exec(row)?.[1] ?? `(none) ${row}`)
    .filter((title) => !patterns.some((pattern) => pattern.test(title)));
  assert.deepEqual(missing, []);
});
