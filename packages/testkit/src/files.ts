// Files around a test: folders that vanish with it, official vectors that may be absent, expected texts kept beside it.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { defer, type TestScope } from "./defer.ts";

/** Folder that holds pnpm-workspace.yaml. */
export const repositoryRoot: string = ancestor(import.meta.dirname, (folder) =>
  existsSync(join(folder, "pnpm-workspace.yaml")),
);

/** Path of the official test vectors `name`, found in `../shared/vectors` of the repository or of a folder above it. */
export function vectors(name: string): string | undefined {
  for (let folder = repositoryRoot; ; folder = dirname(folder)) {
    const candidate = join(folder, "..", "shared", "vectors", name);
    if (existsSync(candidate)) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}

/** A fresh empty folder, removed when the test ends. */
export function temporaryDirectory(scope: TestScope): string {
  const folder = mkdtempSync(join(tmpdir(), "postern-test-"));
  defer(scope, () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/**
 * Asserts that `text` is exactly what `file` holds, such as
 * `golden(new URL("./events.golden.json", import.meta.url), text)`. UPDATE_GOLDEN=1 writes the file instead.
 */
export function golden(file: string | URL, text: string): void {
  if (process.env.UPDATE_GOLDEN === "1") {
    writeFileSync(file, text);
    return;
  }
  assert.ok(existsSync(file), `${file} does not exist: run the test with UPDATE_GOLDEN=1 to write it`);
  assert.equal(text, readFileSync(file, "utf8"), `differs from ${file}; UPDATE_GOLDEN=1 rewrites it`);
}

function ancestor(start: string, found: (folder: string) => boolean): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (found(folder)) return folder;
    assert.notEqual(dirname(folder), folder, `no folder above ${start} is the one sought`);
  }
}
