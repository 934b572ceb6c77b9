// P2 under SIGKILL: whatever the moment at which the sidecar dies, each call that the tool server executed is exactly one event.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { POLICY } from "./rego.ts";
import { eventually, startStack, TENANT, toolCallEvents } from "./stack.ts";

const ROUNDS = 50;
const CALLERS = 8;

test("a sidecar killed 50 times in the middle of calls loses no executed call and counts none twice", {
  timeout: 600_000,
}, async (t) => {
  const stack = await startStack(t, POLICY);
  const { token } = await stack.mint();
  const answered = new Set<string>();
  let sidecar = stack.sidecar;

  for (let round = 0; round < ROUNDS; round++) {
    const agent = stack.agent(token, sidecar);
    let alive = true;
    let answers = 0;
    const callers = Array.from({ length: CALLERS }, async (_, caller) => {
      for (let call = 0; alive; call++) {
        const nonce = `${round}-${caller}-${call}`;
        const answer = await agent.toolCall("record", { nonce }).catch(() => undefined);
        if (!answer?.ok) continue;
        answered.add(nonce);
        answers += 1;
      }
    });
    // Some rounds die before the first answer, some in full flow; the spread is fixed so that a failure can be repeated.
    const startedMs = performance.now();
    while (answers < (round * 7) % 60 && performance.now() - startedMs < 10_000) await sleep(1);
    await sleep((round * 5) % 17);
    sidecar.process.signal("SIGKILL");
    alive = false;
    await sidecar.process.exited;
    await Promise.all(callers);
    sidecar = await stack.launch();
  }
  await sidecar.process.stop("SIGTERM");

  const executed = stack.upstream.executed();
  assert.equal(new Set(executed).size, executed.length, "the sidecar repeated no call");
  for (const nonce of answered) assert.ok(executed.includes(nonce), `answered but not executed: ${nonce}`);

  const events = await eventually(async () => {
    const seen = await toolCallEvents(stack.admin);
    const nonces = new Set(seen.map(({ arg_values }) => arg_values.nonce));
    const missing = executed.filter((nonce) => !nonces.has(nonce));
    assert.deepEqual(missing, [], "every executed call has an event");
    return seen;
  });
  const ids = events.map(({ event_id }) => event_id);
  assert.equal(new Set(ids).size, ids.length, "no event id twice");
  const perNonce = new Map<unknown, number>();
  for (const { arg_values } of events)
    perNonce.set(arg_values.nonce, (perNonce.get(arg_values.nonce) ?? 0) + 1);
  for (const nonce of executed) assert.equal(perNonce.get(nonce), 1, `executed once, so one event: ${nonce}`);

  const outcomes = events.map(({ outcome }) => outcome);
  const unknown = outcomes.filter((outcome) => outcome === "unknown").length;
  assert.ok(unknown <= ROUNDS * CALLERS, "no more unknown outcomes than calls in flight");
  const verification = await stack.admin.verifyAudit({ tenant: TENANT });
  assert.equal(verification.verified, true);
  t.diagnostic(
    `${executed.length} executed, ${answered.size} answered, ${events.length} events, ${unknown} of unknown outcome`,
  );
});
