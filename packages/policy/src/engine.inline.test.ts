// What is judged at once, on the caller's thread, and what is left to a thread (ADR 0012).
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import { codeOf, laboratory } from "./engine.fixture.ts";
import { type EvaluationThread, openThread } from "./evaluation-thread.ts";
import { policyText, questionOf } from "./policy.fixture.ts";

const ALLOW = policyText(`decision := {"allow": true}`);

function countedThreads() {
  const opened: EvaluationThread[] = [];
  const newThread = () => {
    const thread = openThread({ memoryPagesMax: 512 });
    opened.push(thread);
    return thread;
  };
  return { opened, newThread };
}

/** Millions of steps, out of few bytes of input. */
const LOOPS = policyText(
  `default decision := {"allow": true}`,
  `decision := {"allow": false} if count([1 | some a in numbers.range(1, input.args.n); some b in numbers.range(1, 300); a * b == 7]) > 2`,
);
const LONG = questionOf({ agent: "long", args: { n: 60 } });
const SHORT = questionOf({ agent: "short", args: { n: 1 } });

test("a short evaluation is answered at once, and no thread is opened for it", async (t) => {
  const { opened, newThread } = countedThreads();
  const lab = await laboratory(t, { newThread });
  if (lab === undefined) return;
  await lab.engine.load(await lab.press.open(LOOPS));
  const verdict = lab.engine.evaluate("acme", SHORT);
  assert.ok(!(verdict instanceof Promise) && verdict.ok && verdict.decision.allow);
  assert.equal(opened.length, 0);
});

test("a long evaluation is answered by a thread, and its agent's neighbours are answered at once", async (t) => {
  const { opened, newThread } = countedThreads();
  const lab = await laboratory(t, { newThread });
  if (lab === undefined) return;
  const { engine, press, clock } = lab;
  await engine.load(await press.open(LOOPS));
  const pending = engine.evaluate("acme", LONG);
  assert.ok(pending instanceof Promise);
  const own = engine.evaluate("acme", { ...LONG, args: { n: 1 } });
  assert.ok(own instanceof Promise, "its agent stays away from the caller's thread for a while");
  const neighbour = engine.evaluate("acme", SHORT);
  assert.ok(!(neighbour instanceof Promise) && neighbour.ok);
  assert.deepEqual([codeOf(await pending), codeOf(await own)], ["decision", "decision"]);
  assert.ok(opened.length > 0);
  clock.advance(1_001);
  assert.ok(!(engine.evaluate("acme", { ...LONG, args: { n: 2 } }) instanceof Promise));
});

test("a caller is held up for a few milliseconds at most, however long the evaluation", async (t) => {
  const lab = await laboratory(t, { deadlineMs: 500 });
  if (lab === undefined) return;
  const { engine, press } = lab;
  await engine.load(await press.open(LOOPS));
  const asked = Array.from({ length: 20 }, (_, n) => {
    const startedMs = performance.now();
    const verdict = engine.evaluate("acme", questionOf({ agent: `agent-${n}`, args: { n: 9_000 + n } }));
    return { tookMs: performance.now() - startedMs, verdict };
  });
  const times = asked.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  // The median: on a busy machine any single one may have been interrupted.
  assert.ok((times[10] ?? 0) < 20, `held up for ${times.map((ms) => ms.toFixed(1)).join(", ")} ms`);
  await engine.close();
  for (const { verdict } of asked)
    assert.ok(["policy.failed", "policy.timeout"].includes(codeOf(await verdict)));
});

test("a policy whose trial takes long is tried on threads, and put in force", async (t) => {
  const { opened, newThread } = countedThreads();
  const lab = await laboratory(t, { newThread });
  if (lab === undefined) return;
  const { engine, press } = lab;
  const rule = "count([1 | some a in numbers.range(1, 60); some b in numbers.range(1, 300); a * b == 7]) > 2";
  await engine.load(
    await press.open(policyText(`decision := {"allow": false} if ${rule}`, `else := {"allow": true}`)),
  );
  assert.equal(opened.length, 2);
  assert.equal(codeOf(await engine.evaluate("acme", questionOf())), "decision");
});

test("what a policy asks of its host is done on a thread", async (t) => {
  const lab = await laboratory(t);
  if (lab === undefined) return;
  const { engine, press } = lab;
  await engine.load(
    await press.open(
      policyText(
        `decision := {"allow": false, "reason": sprintf("%s may not", [input.tool])} if input.tool == "a"`,
        `else := {"allow": true}`,
      ),
    ),
  );
  assert.ok(!(engine.evaluate("acme", questionOf({ tool: "b" })) instanceof Promise));
  const verdict = engine.evaluate("acme", questionOf({ tool: "a" }));
  assert.ok(verdict instanceof Promise);
  const told = await verdict;
  assert.deepEqual(told.ok && told.decision, { allow: false, reason: "a may not" });
});

test("a decision that many calls share cannot be changed by one of them", async (t) => {
  const lab = await laboratory(t);
  if (lab === undefined) return;
  await lab.engine.load(
    await lab.press.open(policyText(`decision := {"allow": true, "obligations": [{"type": "redact"}]}`)),
  );
  const verdict = await lab.engine.evaluate("acme", questionOf());
  assert.ok(verdict.ok);
  const { decision } = verdict;
  assert.throws(() => Object.assign(decision, { allow: false }), TypeError);
  assert.throws(() => decision.obligations?.push({ type: "x" }), TypeError);
});

test("trouble in what a policy asks for is its caller's to hear, and only if it asks", async (t) => {
  const lab = await laboratory(t);
  if (lab === undefined) return;
  const { engine, press } = lab;
  const remaining = () => {
    throw new Fault("unavailable", "budget.ledger", "no ledger");
  };
  await engine.load(await press.open(ALLOW));
  assert.equal(codeOf(await engine.evaluate("acme", questionOf({ remaining }))), "decision");
  await engine.load(await press.open(policyText(`decision := {"allow": input.budget.calls_remaining > 1}`)));
  assert.throws(() => engine.evaluate("acme", questionOf({ remaining })), { code: "budget.ledger" });
});
