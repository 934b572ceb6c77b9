import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "@postern/testkit";
import { OUTCOMES } from "./outcome.ts";
import { ANNOTATION_NAMES } from "./settings.ts";

const page = readFileSync(join(repositoryRoot, "docs", "injector.md"), "utf8");

test("the page lists every outcome with its sentence, and no other", () => {
  const rows = Object.entries(OUTCOMES).flatMap(([kind, reasons]) =>
    Object.entries(reasons).map(([code, sentence]) => `| \`${code}\` | ${kind} | ${sentence} |`),
  );
  const listed = page.split("\n").filter((line) => /^\| `[a-z]+\.[a-z_]+` \|/.test(line));
  assert.deepEqual(listed, rows);
});

test("the page lists every annotation, and no other", () => {
  const listed = [...page.matchAll(/^\| `postern\.dev\/([a-z-]+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(listed, [...ANNOTATION_NAMES]);
});
