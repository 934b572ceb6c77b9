import assert from "node:assert/strict";
import { test } from "node:test";
import { HaltScope } from "@postern/contracts";
import { effectOf, haltProblem, needsValue, SCOPES, targetOf } from "./halt-effect.ts";

test("every scope can be chosen and is told of", () => {
  assert.deepEqual(SCOPES.map(([scope]) => scope).sort(), [...HaltScope.options].sort());
  const told = HaltScope.options.map((scope) => effectOf({ scope, value: "x-7", tenant: "acme" }));
  assert.equal(new Set(told).size, told.length);
  for (const scope of HaltScope.options) {
    const at = { scope, value: "x-7", tenant: "acme" };
    assert.equal(effectOf(at).includes("x-7"), needsValue(scope), scope);
    assert.equal(targetOf(at).includes("x-7"), needsValue(scope), scope);
    if (scope !== "global" && scope !== "token" && scope !== "subtree") assert.match(effectOf(at), /acme/);
  }
});

test("a pattern is told of as a pattern, and a token as what it does not stop", () => {
  assert.match(effectOf({ scope: "tool", value: "drop_*", tenant: "acme" }), /whose name matches drop_\*/);
  assert.match(effectOf({ scope: "token", value: "t", tenant: "acme" }), /derived from it go on working/);
});

for (const [fields, problem] of [
  [{ scope: "agent", value: "", reason: "r" }, /Name what/],
  [{ scope: "tenant", value: "x", reason: "r" }, /takes no name/],
  [{ scope: "tool", value: "x", reason: "" }, /Say why/],
  [{ scope: "tool", value: "x", reason: "r" }, undefined],
  [{ scope: "global", value: "", reason: "r" }, undefined],
] as const)
  test(`${JSON.stringify(fields)} ${problem === undefined ? "can be sent" : "cannot"}`, () => {
    if (problem === undefined) assert.equal(haltProblem(fields), undefined);
    else assert.match(haltProblem(fields) ?? "", problem);
  });
