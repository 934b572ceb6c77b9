// A call that a person approved is judged whole once more: only the rule that asked for a person is content.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ERROR_CODE } from "@postern/contracts";
import { CALL, capability, intended, NOW_MS, REVOKED, STALE, world } from "./judge.fixture.ts";

const approval = { id: "p-1", decided_by: "operator:eve", decided_at: "2026-11-22T11:59:00Z" };
const APPROVED = { ...CALL, approval };
const ASKING = { decision: { allow: false, escalate: true, reason: "large amount" } };

test("a policy that still asks for a person is content with the approval, and the call holds a reservation", async () => {
  const { judge, asked, questions } = world({
    ...ASKING,
    token: capability([{ type: "max_calls", limit: 1 }]),
  });
  const decision = await judge.decide({ ...APPROVED, intentPrompt: "read the invoice" });
  assert.ok(decision.outcome === "allow");
  assert.equal(decision.reservation.charges.length, 1);
  assert.deepEqual(asked, ["capability", "intent", "policy", "budget"]);
  assert.deepEqual(questions[0]?.approval, approval);
});

test("without an approval the policy is not told of one", async () => {
  const { judge, questions } = world();
  await judge.decide(CALL);
  assert.ok(questions[0] !== undefined && !("approval" in questions[0]));
});

const tired = { ...ASKING.decision, requires_step_up: true };
const REFUSALS: [string, Parameters<typeof world>[0], keyof typeof ERROR_CODE, string][] = [
  ["a token revoked since", { ...ASKING, ...REVOKED }, "capability", "capability.revoked"],
  ["control state gone stale since", { ...ASKING, ...STALE }, "capability", "capability.stale"],
  [
    "a token expired since",
    { ...ASKING, token: capability([], { expiresAtMs: NOW_MS - 60_000 }) },
    "capability",
    "capability.expired",
  ],
  [
    "a token that covers other tools",
    { ...ASKING, token: capability([{ type: "tool_allow", tools: ["other"] }]) },
    "capability",
    "capability.tool",
  ],
  [
    "an intent that forbids the tool",
    { ...ASKING, intended: intended({ forbidden_tools: ["read_invoice"] }) },
    "intent",
    "intent.forbidden",
  ],
  ["a policy that denies", { decision: { allow: false } }, "policy", "policy.denied"],
  [
    "an obligation that cannot be met",
    { decision: { ...ASKING.decision, obligations: [{ type: "sing" }] } },
    "policy",
    "policy.obligation",
  ],
  ["a step-up that is too old", { decision: tired }, "policy", "policy.step_up"],
  [
    "a budget that is used up",
    { ...ASKING, token: capability([{ type: "max_calls", limit: 0 }]) },
    "budget",
    "budget.calls",
  ],
];

for (const [what, spoil, check, code] of REFUSALS) {
  test(`an approved call is refused all the same for ${what}`, async () => {
    const { judge } = world(spoil);
    const decision = await judge.decide({ ...APPROVED, intentPrompt: "read the invoice" });
    assert.ok(decision.outcome === "deny");
    assert.deepEqual([decision.code, decision.reasons[0]?.code], [ERROR_CODE[check], code]);
  });
}

test("what the decision costs and asks for holds for the approved call", async () => {
  const policy = { ...ASKING.decision, cost_micros: 7 };
  const { judge } = world({ decision: policy, token: capability([{ type: "max_cost", micros: 6 }]) });
  const decision = await judge.decide(APPROVED);
  assert.deepEqual([decision.outcome, "check" in decision && decision.check], ["deny", "budget"]);
});
