// However a call is judged, at once or on a thread, from the cache or anew, from what the policy reads or from all there is: its verdict is the
// same. Random policies and calls, on an engine with everything on and on one with nothing but threads and whole inputs.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { JsonObject } from "@postern/contracts";
import { defer, fixedClock } from "@postern/testkit";
import fc from "fast-check";
import { createPolicyEngine, type PolicyTrouble, type PolicyVerdict } from "./engine.ts";
import { opaFor } from "./opa.fixture.ts";
import type { OpenedBundle } from "./open-bundle.ts";
import { createBundlePress, holderOf, OPENED_AT_MS, policyText, questionOf } from "./policy.fixture.ts";
import type { PolicyQuestion } from "./policy-input.ts";

const SEED = 20_260_103;
const POLICIES = 14;
const CALLS = 300;

/** Conditions of one line, over every corner of the input. */
const CONDITIONS = [
  `input.tool == "read_a"`,
  `input.action == "list"`,
  `input.method != "tools/call"`,
  `startswith(input.tool, "read_")`,
  `input.args.amount > 10`,
  `input.args.amount * 2 < input.args.limit`,
  `not input.args.amount`,
  `input.args.deep.inner == "x"`,
  `input.args.deep.inner.more == 1`,
  `is_object(input.args.deep)`,
  `"x" in input.args.list`,
  `some key, _ in input.args; key == "limit"`,
  `count(input.args) > 1`,
  `input.agent_id in data.agents`,
  `data.limits[input.agent_id] >= input.args.amount`,
  `input.capability.caveat_count > 1`,
  `input.capability.step_up_age_seconds < 300`,
  `input.capability.expires_at`,
  `input.capability.subject != input.agent_id`,
  `input.intent.confidence >= 0.5`,
  `not input.intent`,
  `input.tool in input.intent.allowed_tools`,
  `input.budget.calls_remaining > 2`,
  `not input.budget.rate_remaining`,
  `input.time.hour >= 12`,
  `input.time.unix_ms % 2 == 0`,
  `input.upstream == "bank"`,
  `input.session_id == ""`,
  `regex.match("^read_[ab]$", input.tool)`,
  `glob.match("read_*", [], input.tool)`,
  `[path | walk(input.args, [path, "x"])] != []`,
  `object.get(input, ["args", "deep", "inner"], 0) == "x"`,
  `contains(json.marshal(input.args), "x")`,
  `count([1 | some i in numbers.range(1, 100); some j in numbers.range(1, 100); i * j == input.args.amount]) > 1`,
] as const;

/** What a rule says when its conditions hold; the last two are no decisions. */
const VERDICTS = [
  `{"allow": true}`,
  `{"allow": false, "reason": "no"}`,
  `{"allow": true, "rule": input.tool}`,
  `{"allow": false, "escalate": true, "cost_micros": 7}`,
  `{"allow": true, "reason": sprintf("%v", [input.args.amount])}`,
  `{"allow": true, "reason": $"amount {input.args.amount}"}`,
  `{"allow": true, "obligations": [{"type": "redact", "parameters": {"n": 1e400, "m": -0, "s": "/é"}}]}`,
  `{"allow": input.args.deep.inner}`,
  `{"permit": true}`,
] as const;

const rule = fc.record({
  conditions: fc.subarray([...CONDITIONS], { minLength: 1, maxLength: 3 }),
  verdict: fc.constantFrom(...VERDICTS),
});
const policies = fc
  .record({ rules: fc.array(rule, { minLength: 1, maxLength: 5 }), hasDefault: fc.boolean() })
  .map(({ rules, hasDefault }) => {
    const chain = rules.map(({ conditions, verdict }) => `${verdict} if {\n\t${conditions.join("\n\t")}\n}`);
    return policyText(
      ...(hasDefault ? [`default decision := {"allow": false, "rule": "default"}`] : []),
      `decision := ${chain.join(" else := ")}`,
    );
  });

const DATA = { agents: ["a", "b"], limits: { a: 5, b: 50 } };

const scalar = fc.constantFrom<unknown>(0, 1, 6, 11, 12.5, -3, 1e21, "x", "6", "", true, null);
const args = fc
  .record(
    {
      amount: scalar,
      limit: scalar,
      deep: fc.oneof(scalar, fc.record({ inner: fc.oneof(scalar, fc.constant({ more: 1 })) })),
      list: fc.array(scalar, { maxLength: 3 }),
    },
    { requiredKeys: [] },
  )
  .map((given) => given as JsonObject);
const holders = ["a", "b", "c"].flatMap((agent) => [
  holderOf(agent),
  holderOf(agent, { caveatCount: 2, stepUpAtMs: OPENED_AT_MS - 1_000, expiresAtMs: OPENED_AT_MS + 1e9 }),
]);
const calls: fc.Arbitrary<PolicyQuestion> = fc
  .record({
    action: fc.constantFrom("call" as const, "list" as const),
    method: fc.constantFrom("tools/call", "resources/read"),
    tool: fc.constantFrom("read_a", "read_b", "drop", "é"),
    args,
    capability: fc.constantFrom(...holders),
    intent: fc.constantFrom<PolicyQuestion["intent"]>(undefined, {
      summary: "",
      allowed_tools: ["read_a"],
      forbidden_tools: [],
      confidence: 0.5,
    }),
    upstream: fc.constantFrom("bank", "default"),
    sessionId: fc.constantFrom("", "s"),
    nowMs: fc.integer({ min: 0, max: 600 }).map((seconds) => OPENED_AT_MS + seconds * 300_001),
    left: fc.constantFrom<ReturnType<PolicyQuestion["remaining"]>>({}, { calls: 3 }, { calls: 1, rate: 4 }),
  })
  .map(({ left, ...call }) => questionOf({ ...call, remaining: () => left }));

function engineOf(t: TestContext, options: Parameters<typeof createPolicyEngine>[0] = {}) {
  const troubles: PolicyTrouble[] = [];
  const engine = createPolicyEngine({
    deadlineMs: 10_000,
    waitingMs: 60_000,
    clock: fixedClock(OPENED_AT_MS),
    onTrouble: (trouble) => troubles.push(trouble),
    ...options,
  });
  defer(t, () => engine.close());
  return { engine, troubles };
}

const told = (verdict: PolicyVerdict) => (verdict.ok ? verdict.decision : verdict.reason.code);

test("random policies judge random calls alike, with everything on and with nothing but threads", async (t) => {
  const opaPath = opaFor(t);
  if (opaPath === undefined) return;
  const press = await createBundlePress(opaPath);
  const seen = new Map<string, number>();
  let atOnce = 0;
  const sources = fc.sample(policies, { numRuns: POLICIES, seed: SEED });
  for (const [index, source] of sources.entries()) {
    const bundle = await press.open(source, { data: DATA });
    const whole: OpenedBundle = { ...bundle, manifest: { ...bundle.manifest, input_paths: ["*"] } };
    const { engine: quick } = engineOf(t);
    // Where it runs out of fuel at every other call, and no agent is sent away for long.
    const clock = { nowMs: () => OPENED_AT_MS, monotonicMs: () => performance.now() * 1e6 };
    const { engine: starved } = engineOf(t, { clock, inlineFuel: 60_000 });
    const { engine: plain } = engineOf(t, { inlineFuel: 0 });
    await Promise.all([quick.load(bundle), starved.load(bundle), plain.load(whole)]);
    const questions = fc.sample(calls, { numRuns: CALLS, seed: SEED + index });
    const asked = [...questions, ...questions.slice(0, CALLS / 4)];
    const expected = (await Promise.all(asked.map((question) => plain.evaluate("acme", question)))).map(told);
    for (const engine of [quick, starved]) {
      const verdicts = asked.map((question) => engine.evaluate("acme", question));
      atOnce += verdicts.filter((verdict) => !(verdict instanceof Promise)).length;
      for (const [at, verdict] of (await Promise.all(verdicts)).entries()) {
        assert.deepEqual(told(verdict), expected[at], `${source}\n${JSON.stringify(asked[at])}`);
      }
    }
    for (const one of expected) {
      const kind = typeof one === "string" ? one : `allow: ${one.allow}`;
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
    }
    await Promise.all([quick.close(), starved.close(), plain.close()]);
  }
  const kinds = ["allow: true", "allow: false", "policy.undefined", "policy.malformed"];
  assert.ok(
    kinds.every((kind) => (seen.get(kind) ?? 0) > 50),
    JSON.stringify([...seen]),
  );
  assert.ok(atOnce > POLICIES * CALLS, `${atOnce} were judged at once`);
});
