// Step-up from end to end: a policy asks for a fresh factor, and only a token that was minted with one, and not long ago, gets through.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, startStack, TENANT, toolCallEvents } from "./stack.ts";

const POLICY = `package intentgate.policy

default decision := {"allow": true, "rule": "open", "requires_step_up": true}
`;
const MAX_AGE_MS = 4_000;

test("a call that needs a fresh factor runs with a token minted with one, until the factor is old", {
  timeout: 120_000,
}, async (t) => {
  const stack = await startStack(t, POLICY, { POSTERN_STEP_UP_MAX_AGE_MS: String(MAX_AGE_MS) });
  const call = async (token: string, nonce: string) => {
    const answer = await stack.agent(token).toolCall("record", { nonce });
    return answer.ok ? "ran" : answer.denial?.reason;
  };
  const { token: plain } = await stack.mint();
  assert.equal(await call(plain, "never"), "policy.step_up");
  const { token: fresh, jti } = await stack.mint({ step_up: true });
  assert.equal(await call(fresh, "fresh"), "ran");
  let tries = 0;
  await eventually(async () => {
    tries += 1;
    assert.equal(await call(fresh, `later-${tries}`), "policy.step_up");
  });
  assert.equal(await call((await stack.admin.stepUp(jti, { tenant: TENANT })).token, "again"), "ran");
  const executed = stack.upstream.executed();
  assert.ok(executed.includes("fresh") && executed.includes("again") && !executed.includes("never"));
  await eventually(async () => {
    const events = await toolCallEvents(stack.admin);
    assert.equal(events.length, tries + 3);
    for (const event of events) assert.equal(event.requires_step_up, true);
  });
});
