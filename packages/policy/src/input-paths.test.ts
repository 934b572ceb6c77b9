import assert from "node:assert/strict";
import { test } from "node:test";
import { compileRego } from "./compile.ts";
import { inputPathsOf } from "./input-paths.ts";
import { opaFor } from "./opa.fixture.ts";
import { policyText } from "./policy.fixture.ts";

const reference = (...steps: readonly unknown[]) => ({
  type: "ref",
  value: [{ type: "var", value: "input" }, ...steps],
});
const step = (value: string) => ({ type: "string", value });

test("a path ends before a step that a dotted path cannot show", () => {
  const cases: [readonly unknown[], readonly string[]][] = [
    [[step("args"), step("amount")], ["args.amount"]],
    [[step("args"), step("a.b")], ["args"]],
    [[step("args"), step("")], ["args"]],
    [[step("args"), step("naïve")], ["args"]],
    [[step("args"), { type: "number", value: 0 }, step("x")], ["args"]],
    [[step("args"), { type: "var", value: "k" }, step("x")], ["args"]],
    [[step("args"), step("x".repeat(300))], ["args"]],
    [[step("*")], ["*"]],
    [[], ["*"]],
  ];
  for (const [steps, expected] of cases) assert.deepEqual(inputPathsOf([reference(...steps)]), expected);
});

test("paths are sorted, and one that another covers is left out", () => {
  const tree = [
    reference(step("tool")),
    reference(step("args"), step("b"), step("c")),
    reference(step("args"), step("b")),
    reference(step("args"), step("a")),
    reference(step("args"), step("bb")),
  ];
  assert.deepEqual(inputPathsOf([tree]), ["args.a", "args.b", "args.bb", "tool"]);
});

test("a policy of very many paths reads everything", () => {
  const tree = Array.from({ length: 1025 }, (_, index) => reference(step("args"), step(`a${index}`)));
  assert.deepEqual(inputPathsOf([tree]), ["*"]);
});

const sources: Readonly<Record<string, { lines: readonly string[]; paths: readonly string[] }>> = {
  "nothing is read": { lines: [`decision := {"allow": true}`], paths: [] },
  "plain references": {
    lines: [
      `decision := {"allow": true} if { input.tool == "a"; input["args"].amount > 1; input.time["hour"] > 3 }`,
    ],
    paths: ["args.amount", "time.hour", "tool"],
  },
  "an alias of everything": { lines: [`decision := {"allow": x.tool == "a"} if x := input`], paths: ["*"] },
  "an alias of a part": {
    lines: [`decision := {"allow": x.amount == 1} if x := input.args`],
    paths: ["args"],
  },
  "an unknown key": {
    lines: [`decision := {"allow": true} if { some k; input.args[k] == "x" }`],
    paths: ["args"],
  },
  "an unknown key of everything": {
    lines: [`decision := {"allow": true} if { some k; input[k] == "x" }`],
    paths: ["*"],
  },
  "a key that is read elsewhere": {
    lines: [`decision := {"allow": true} if input.args[input.tool] == 1`],
    paths: ["args", "tool"],
  },
  "everything into a function": {
    lines: [`decision := {"allow": good(input)}`, `good(x) if x.tool == "a"`],
    paths: ["*"],
  },
  "a part into a function": {
    lines: [`decision := {"allow": good(input.args)}`, `good(x) if x.amount < 5`],
    paths: ["args"],
  },
  "a comprehension": {
    lines: [
      `decision := {"allow": count([v | some v in input.args.list; v > input.budget.calls_remaining]) > 0}`,
    ],
    paths: ["args.list", "budget.calls_remaining"],
  },
  "every, not, else and default": {
    lines: [
      `default decision := {"allow": false}`,
      `decision := {"allow": true} if { every v in input.args.v { v != input.tool } } else := {"allow": false} if { not input.intent.summary }`,
    ],
    paths: ["args.v", "intent.summary", "tool"],
  },
  "rule heads and values": {
    lines: [
      `decision := {"allow": true, "rule": names[input.tool]}`,
      `names[input.upstream] := input.agent_id`,
    ],
    paths: ["agent_id", "tool", "upstream"],
  },
  "an import": {
    lines: [`import input.capability as cap`, `decision := {"allow": cap.caveat_count == 1}`],
    paths: ["capability"],
  },
  "an import of everything": {
    lines: [`import input as call`, `decision := {"allow": call.tool == "a"}`],
    paths: ["*"],
  },
  "an interpolated text": {
    lines: [`decision := {"allow": true, "reason": $"for {input.agent_id} at {input.time.now}"}`],
    paths: ["agent_id", "time.now"],
  },
  "a replaced input": {
    lines: [
      `decision := {"allow": x} if x := inner with input as {"tool": "a"}`,
      `inner if input.tool == "a"`,
    ],
    paths: ["*"],
  },
  "a replaced part of the input": {
    lines: [`decision := {"allow": x} if x := inner with input.tool as "a"`, `inner if input.tool == "a"`],
    paths: ["*"],
  },
  "a walk": { lines: [`decision := {"allow": true} if { walk(input, [_, "x"]) }`], paths: ["*"] },
  "the word in a text or a comment": {
    lines: [`# input.secret`, `decision := {"allow": true, "reason": "input.secret"}`],
    paths: [],
  },
};

test("no way of reading input is missed", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  for (const [name, { lines, paths }] of Object.entries(sources)) {
    const { inputPaths } = await compileRego({ source: policyText(...lines), opaPath });
    assert.deepEqual(inputPaths, paths, name);
  }
});

test("what a module below the policy's package reads counts", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const { inputPaths } = await compileRego({
    source: {
      "policy.rego": policyText("import data.intentgate.policy.money", `decision := {"allow": money.small}`),
      "money/money.rego": "package intentgate.policy.money\n\nsmall if input.args.amount < 10\n",
    },
    opaPath,
  });
  assert.deepEqual(inputPaths, ["args.amount"]);
});
