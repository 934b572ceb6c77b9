// Each threat in docs/security.md is met by a test that exists under exactly the title it names, and every file that is said to enforce a rule
// exists too.
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "@postern/testkit";

const rows = (readFileSync(join(repositoryRoot, "docs", "security.md"), "utf8").split("## Threats")[1] ?? "")
  .split("## ")[0]
  ?.split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| threat"))
  .map((line) => line.split(" | "));

/** Titles as patterns: a template's expressions match anything. */
const titles = globSync("{apps,packages,test}/**/*.test.ts", {
  cwd: repositoryRoot,
  exclude: (path) => path.includes("node_modules"),
})
  .map((path) => readFileSync(join(repositoryRoot, path), "utf8"))
  .flatMap((source) => [...source.matchAll(/^\s*test\(\s*(["`])((?:(?!\1).)+)\1/gm)])
  .map(([, , title = ""]) => {
    const literal = title.split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/).map((part) => RegExp.escape(part));
    return new RegExp(`^${literal.join(".*")}$`);
  });

test("every threat in the security page names a test that exists", () => {
  assert.ok(rows !== undefined && rows.length > 40, "the page still has its rows");
  const missing = rows
    .map((cells) => /^`([^`]+)` \|$/.exec(cells.at(-1) ?? "")?.[1] ?? `(none) ${cells[0]}`)
    .filter((title) => !titles.some((pattern) => pattern.test(title)));
  assert.deepEqual(missing, []);
});

test("every file that the security page says enforces a rule exists", () => {
  const named = (rows ?? []).flatMap((cells) =>
    [...(cells[2] ?? "").matchAll(/`([^`]+)`/g)].map(([, path = ""]) => path),
  );
  const missing = named.filter((path) =>
    ["", "apps/sidecar/src", "packages/mcp/src"].every(
      (folder) => !existsSync(join(repositoryRoot, folder, path)),
    ),
  );
  assert.deepEqual(missing, []);
});
