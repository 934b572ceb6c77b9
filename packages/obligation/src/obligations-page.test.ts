// docs/obligations.md is true: its table has every class with an example that is found, and its policies ask for what can be met.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PolicyDecision } from "@postern/contracts";
import { repositoryRoot } from "@postern/testkit";
import { compileObligations, SUPPORTED_OBLIGATIONS } from "./index.ts";
import { CLASSES } from "./recognizers/built-in.ts";

const page = readFileSync(join(repositoryRoot, "docs", "obligations.md"), "utf8");

test("the page's policies attach obligations that can be met", () => {
  // An object of these examples is written the same in Rego and in JSON.
  const blocks = [...page.matchAll(/```rego\ndecision := (\{.*?\n\}) if /gs)].map((match) => match[1] ?? "");
  assert.equal(blocks.length, page.split("```rego").length - 1);
  const asked = blocks.flatMap((block) => {
    const decision = PolicyDecision.parse(JSON.parse(block));
    const compiled = compileObligations(decision);
    assert.ok(compiled.ok && compiled.obligations !== undefined, block);
    return [decision.pii_filter && "pii_filter", ...(decision.obligations ?? []).map(({ type }) => type)];
  });
  assert.deepEqual(new Set(asked.filter((type) => type !== undefined)), SUPPORTED_OBLIGATIONS);
});

test("the page lists every class, with an example in which it is found", () => {
  const rows = [...page.matchAll(/^\| `([a-z0-9_]+)` \| [^|]*\| `([^`]+)` \| /gm)];
  assert.deepEqual(new Set(rows.map((row) => row[1])), CLASSES);
  for (const [, name = "", example = ""] of rows) {
    const compiled = compileObligations({ allow: true, pii_filter: { enabled: true, patterns: [name] } });
    assert.ok(compiled.ok && compiled.obligations !== undefined);
    const { applied } = compiled.obligations.applyToRequest({ example });
    assert.deepEqual(
      applied.map((one) => [one.class, one.count]),
      [[name, 1]],
      example,
    );
  }
});
