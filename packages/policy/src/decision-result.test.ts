import assert from "node:assert/strict";
import { test } from "node:test";
import { readDecision } from "./decision-result.ts";

const codeOf = (resultSet: unknown) => {
  const result = readDecision(JSON.stringify(resultSet));
  return result.ok ? "decision" : result.code;
};

test("only one whole decision counts as a decision", () => {
  const cases: [unknown, string][] = [
    [[{ result: { allow: true } }], "decision"],
    [[{ result: { allow: false, reason: "no", rule: "r", escalate: true, cost_micros: 5 } }], "decision"],
    [
      [{ result: { allow: true, obligations: [{ type: "redact", parameters: { fields: ["a"] } }] } }],
      "decision",
    ],
    [[{ result: { allow: true, pii_filter: { enabled: true, patterns: ["email"] } } }], "decision"],
    [[], "policy.undefined"],
    [{}, "policy.malformed"],
    [null, "policy.malformed"],
    [true, "policy.malformed"],
    [[{ result: { allow: true } }, { result: { allow: true } }], "policy.malformed"],
    [[{ result: { allow: true }, more: 1 }], "policy.malformed"],
    [[{}], "policy.malformed"],
    [[null], "policy.malformed"],
    [[true], "policy.malformed"],
    [[{ result: true }], "policy.malformed"],
    [[{ result: null }], "policy.malformed"],
    [[{ result: [] }], "policy.malformed"],
    [[{ result: [{ allow: true }] }], "policy.malformed"],
    [[{ result: {} }], "policy.malformed"],
    [[{ result: { allow: "true" } }], "policy.malformed"],
    [[{ result: { allow: 1 } }], "policy.malformed"],
    [[{ result: { escalate: true } }], "policy.malformed"],
    [[{ result: { allow: true, alow: false } }], "policy.malformed"],
    [[{ result: { allow: true, reason: null } }], "policy.malformed"],
    [[{ result: { allow: true, reason: "x".repeat(1025) } }], "policy.malformed"],
    [[{ result: { allow: true, cost_micros: -1 } }], "policy.malformed"],
    [[{ result: { allow: true, cost_micros: 0.5 } }], "policy.malformed"],
    [[{ result: { allow: true, cost_micros: 2 ** 53 } }], "policy.malformed"],
    [[{ result: { allow: true, obligations: [{ type: "" }] } }], "policy.malformed"],
    [[{ result: { allow: true, obligations: [{ type: "a", more: 1 }] } }], "policy.malformed"],
    [[{ result: { allow: true, pii_filter: { enabled: "yes" } } }], "policy.malformed"],
  ];
  for (const [resultSet, expected] of cases) {
    assert.equal(codeOf(resultSet), expected, JSON.stringify(resultSet));
  }
});

test("a malformed decision names the field, for the policy's author", () => {
  const result = readDecision(`[{"result":{"allow":"yes","cost_micros":1}}]`);
  assert.ok(!result.ok);
  assert.match(result.detail, /^decision\.allow: /);
});
