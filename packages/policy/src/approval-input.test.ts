// A policy that reads the approval is asked anew for each of them: a decision made with one is never given out without it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { laboratory } from "./engine.fixture.ts";
import { policyText, questionOf } from "./policy.fixture.ts";

const approval = { id: "p-1", decided_by: "operator:eve", decided_at: "2026-11-22T12:00:00Z" };

const POLICIES: Record<string, string> = {
  "the approval itself": `decision := {"allow": true} if input.approval\ndecision := {"allow": false} if not input.approval`,
  "who approved": `default decision := {"allow": false}\ndecision := {"allow": true} if input.approval.decided_by == "operator:eve"`,
};

for (const [what, rules] of Object.entries(POLICIES)) {
  test(`a cached decision of a policy that reads ${what} is not mistaken for one of another approval`, async (t) => {
    const lab = await laboratory(t);
    if (lab === undefined) return;
    await lab.engine.load(await lab.press.open(policyText(rules)));
    const allows = async (question: Parameters<typeof questionOf>[0]) => {
      const verdict = await lab.engine.evaluate("acme", questionOf(question));
      return verdict.ok && verdict.decision.allow;
    };
    for (let round = 0; round < 3; round += 1) {
      assert.equal(await allows({}), false);
      assert.equal(await allows({ approval }), true);
      if (what !== "who approved") continue;
      assert.equal(await allows({ approval: { ...approval, decided_by: "operator:mallory" } }), false);
    }
  });
}
