import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleApproval } from "./approval.fixture.ts";
import { rulesTold, standing, whyNot } from "./approval-standing.ts";

const decided = {
  decided_by: "operator:ada",
  decided_at: "2026-01-31T09:05:00.000Z",
  decision_reason: "Looks right.",
};

for (const [told, change] of [
  [/^It waits for a person until 2026-01-31 10:00:00 UTC\.$/, {}],
  [
    /^It was approved by operator:ada at .*, and may run once until .* They said: Looks right\.$/,
    { ...decided, status: "approved" },
  ],
  [
    /the approval was used at 2026-01-31 09:06:00 UTC/,
    { ...decided, status: "used", used_at: "2026-01-31T09:06:00Z" },
  ],
  [/^It was rejected by operator:ada at .*\. They said: Looks right\.$/, { ...decided, status: "rejected" }],
  [/^Nobody decided in time/, { status: "expired" }],
  [/nobody used that in time/, { ...decided, status: "expired" }],
] as const)
  test(`a call is told of as ${told}`, () => assert.match(standing(sampleApproval(change)), told));

const rules = {
  four_eyes: false,
  approvers_required: 1,
  role: "approver",
  pending_seconds: 60,
  use_seconds: 60,
} as const;
const ada = { name: "operator:ada", permissions: ["read", "approve"] };
const saidYes = {
  approvals_required: 2,
  decisions: [{ by: "operator:ada", at: "2026-01-31T09:05:00Z", decision: "approve", reason: "" }],
} as const;

for (const [name, change, me, asked, told] of [
  ["an approver decides", {}, ada, rules, undefined],
  ["unknown rules stop nobody here", {}, ada, undefined, undefined],
  ["a viewer does not", {}, { ...ada, permissions: ["read"] }, rules, /needs an approver/],
  [
    "nor an approver where administrators decide",
    {},
    ada,
    { ...rules, role: "admin" },
    /administrator decides/,
  ],
  [
    "an administrator does there",
    {},
    { ...ada, permissions: ["approve", "administer"] },
    { ...rules, role: "admin" },
    undefined,
  ],
  ["nobody says yes twice", saidYes, ada, rules, /You said yes already.*2 different people/],
  ["somebody else may", saidYes, { ...ada, name: "operator:bob" }, rules, undefined],
] as const)
  test(`whether one may decide: ${name}`, () => {
    const why = whyNot(sampleApproval(change), me, asked);
    if (told === undefined) assert.equal(why, undefined);
    else assert.match(why ?? "", told);
  });

test("only rules that there are get told", () => {
  assert.equal(rulesTold(rules), "");
  const strict = { ...rules, four_eyes: true, approvers_required: 2, role: "admin" } as const;
  assert.equal(
    rulesTold(strict),
    "Rules of this tenant: 2 different people must say yes; only administrators decide; whoever issued a call's token may not decide on it.",
  );
});
