import assert from "node:assert/strict";
import { test } from "node:test";
import type { Intent, ReasonCode } from "@postern/contracts";
import fc from "fast-check";
import { matchIntent } from "./match-intent.ts";

const intent: Intent = { summary: "", allowed_tools: ["read"], forbidden_tools: [], confidence: 0.8 };

const rows: readonly [
  name: string,
  change: Partial<Intent>,
  tool: string,
  confidenceMin: number,
  want: ReasonCode | undefined,
][] = [
  ["an allowed tool", {}, "read", 0.5, undefined],
  ["a tool that is not listed", {}, "write", 0.5, "intent.not_allowed"],
  ["any tool when the list is empty", { allowed_tools: [] }, "read", 0, "intent.not_allowed"],
  ["a forbidden tool that is also allowed", { forbidden_tools: ["read"] }, "read", 0.5, "intent.forbidden"],
  [
    "a forbidden tool at low confidence",
    { forbidden_tools: ["read"], confidence: 0 },
    "read",
    0.5,
    "intent.forbidden",
  ],
  ["an allowed tool below the threshold", { confidence: 0.49 }, "read", 0.5, "intent.low_confidence"],
  ["an allowed tool on the threshold", { confidence: 0.5 }, "read", 0.5, undefined],
  ["a confidence that is no number", { confidence: Number.NaN }, "read", 0, "intent.low_confidence"],
  ["a name of other case", {}, "Read", 0.5, "intent.not_allowed"],
  ["a name with a space after it", {}, "read ", 0.5, "intent.not_allowed"],
  ["a star, which is no pattern here", { allowed_tools: ["*"] }, "read", 0.5, "intent.not_allowed"],
];
for (const [name, change, tool, confidenceMin, want] of rows) {
  test(`${name} is ${want === undefined ? "allowed" : `refused as ${want}`}`, () => {
    assert.equal(matchIntent({ ...intent, ...change }, tool, { confidenceMin })?.code, want);
  });
}

test("only a listed tool that is not forbidden is ever allowed", () => {
  const tools = fc.array(fc.constantFrom("a", "b", "c"));
  fc.assert(
    fc.property(tools, tools, fc.constantFrom("a", "b", "c"), (allowed, forbidden, tool) => {
      const subject = { ...intent, allowed_tools: allowed, forbidden_tools: forbidden };
      const isAllowed = matchIntent(subject, tool, { confidenceMin: 0.5 }) === undefined;
      assert.equal(isAllowed, allowed.includes(tool) && !forbidden.includes(tool));
    }),
  );
});
