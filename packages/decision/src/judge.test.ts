import assert from "node:assert/strict";
import { test } from "node:test";
import { ERROR_CODE } from "@postern/contracts";
import fc from "fast-check";
import { CALL, capability, fail, intended, NOW_MS, POINTER, REVOKED, STALE, world } from "./judge.fixture.ts";
import type { CallRequest } from "./verdict.ts";

test("a call that every check allows holds a reservation", async () => {
  const { judge, asked, questions } = world();
  const decision = await judge.decide({ ...CALL, intentPrompt: "read the invoice" });
  assert.equal(decision.outcome, "allow");
  assert.deepEqual(asked, ["capability", "intent", "policy", "budget"]);
  assert.deepEqual(decision.outcome === "allow" && decision.pointer, POINTER);
  assert.deepEqual(Object.keys(decision.timingsMs).sort(), ["budget", "capability", "intent", "policy"]);
  assert.equal(questions[0]?.action, "call");
});

const REQUIRED = {
  rules: {
    intentRequired: true,
    intentConfidenceMin: 0.5,
    stepUpMaxAgeMs: 300_000,
    obligations: new Set<string>(),
  },
};
const atMs = (ms: number) => new Date(ms).toISOString();

const DENIALS: [
  string,
  Parameters<typeof world>[0],
  Partial<CallRequest>,
  keyof typeof ERROR_CODE,
  string,
][] = [
  ["no token", {}, { token: undefined }, "capability", "capability.missing"],
  ["an empty token", {}, { token: "" }, "capability", "capability.missing"],
  ["a forged token", {}, { token: "forged" }, "capability", "capability.signature"],
  ["stale control state", STALE, {}, "capability", "capability.stale"],
  ["a revoked token", REVOKED, {}, "capability", "capability.revoked"],
  [
    "an expired token",
    { token: capability([], { expiresAtMs: NOW_MS - 60_000 }) },
    {},
    "capability",
    "capability.expired",
  ],
  [
    "a tool out of scope",
    { token: capability([{ type: "tool_allow", tools: ["other"] }]) },
    {},
    "capability",
    "capability.tool",
  ],
  [
    "an empty allow list",
    { token: capability([{ type: "tool_allow", tools: [] }]) },
    {},
    "capability",
    "capability.tool",
  ],
  [
    "an upstream out of scope",
    { token: capability([{ type: "upstreams", names: ["erp"] }]) },
    {},
    "capability",
    "capability.upstream",
  ],
  ["a missing intent that is required", REQUIRED, {}, "intent", "intent.missing"],
  [
    "a forbidden tool",
    { intended: intended({ forbidden_tools: ["read_invoice"] }) },
    { intentPrompt: "x" },
    "intent",
    "intent.forbidden",
  ],
  [
    "an intent that allows nothing",
    { intended: intended({ allowed_tools: [] }) },
    { intentPrompt: "x" },
    "intent",
    "intent.not_allowed",
  ],
  [
    "an intent of low confidence",
    { intended: intended({ confidence: 0.4 }) },
    { intentPrompt: "x" },
    "intent",
    "intent.low_confidence",
  ],
  ["a policy that denies", { decision: { allow: false, reason: "no" } }, {}, "policy", "policy.denied"],
  [
    "an obligation that nobody can meet",
    { decision: { allow: true, obligations: [{ type: "watermark" }] } },
    {},
    "policy",
    "policy.obligation",
  ],
  [
    "a filter that nobody can apply",
    { decision: { allow: true, pii_filter: { enabled: true } } },
    {},
    "policy",
    "policy.obligation",
  ],
  [
    "a step-up that never was",
    { decision: { allow: true, requires_step_up: true } },
    {},
    "policy",
    "policy.step_up",
  ],
  [
    "a step-up of long ago",
    {
      decision: { allow: true, requires_step_up: true },
      token: capability([{ type: "step_up", at: atMs(NOW_MS - 300_001) }], { stepUpAtMs: NOW_MS - 300_001 }),
    },
    {},
    "policy",
    "policy.step_up",
  ],
  [
    "a step-up of times to come",
    {
      decision: { allow: true, requires_step_up: true },
      token: capability([{ type: "step_up", at: atMs(NOW_MS + 30_001) }], { stepUpAtMs: NOW_MS + 30_001 }),
    },
    {},
    "policy",
    "policy.step_up",
  ],
  [
    "an unpriced call under a cost limit",
    { token: capability([{ type: "max_cost", micros: 10 }]) },
    {},
    "budget",
    "budget.cost_unknown",
  ],
  [
    "a budget of no calls",
    { token: capability([{ type: "max_calls", limit: 0 }]) },
    {},
    "budget",
    "budget.calls",
  ],
  ["a rate of none", { token: capability([{ type: "rate", per_minute: 0 }]) }, {}, "budget", "budget.rate"],
  [
    "a cost over the limit",
    { decision: { allow: true, cost_micros: 11 }, token: capability([{ type: "max_cost", micros: 10 }]) },
    {},
    "budget",
    "budget.cost",
  ],
];
for (const [name, spoil, call, check, code] of DENIALS) {
  test(`${name} is denied by ${check} with ${code}`, async () => {
    const decision = await world(spoil).judge.decide({ ...CALL, ...call });
    assert.ok(decision.outcome === "deny");
    assert.equal(decision.check, check);
    assert.equal(decision.code, ERROR_CODE[check]);
    assert.equal(decision.reasons[0]?.code, code);
  });
}

test("a policy that escalates wins over its own allow and reserves nothing", async () => {
  for (const allow of [true, false]) {
    const { judge, asked } = world({ decision: { allow, escalate: true, reason: "large amount" } });
    const decision = await judge.decide(CALL);
    assert.ok(decision.outcome === "escalate");
    assert.equal(decision.code, -32014);
    assert.deepEqual(decision.reasons, [{ code: "policy.escalated", detail: "large amount" }]);
    assert.ok(!asked.includes("budget"));
  }
});

test("a fresh step-up satisfies a policy that asks for one", async () => {
  const token = capability([{ type: "step_up", at: atMs(NOW_MS - 1000) }], { stepUpAtMs: NOW_MS - 1000 });
  assert.equal(
    (await world({ decision: { allow: true, requires_step_up: true }, token }).judge.decide(CALL)).outcome,
    "allow",
  );
});

test("a budget runs out exactly at its limit", async () => {
  const { judge } = world({ token: capability([{ type: "max_calls", limit: 3 }]) });
  const outcomes = (await Promise.all(Array.from({ length: 5 }, () => judge.decide(CALL)))).map(
    ({ outcome }) => outcome,
  );
  assert.deepEqual(outcomes.sort(), ["allow", "allow", "allow", "deny", "deny"]);
});

const BROKEN: [string, Parameters<typeof world>[0], string][] = [
  ["capability", { capability: { verify: fail } }, "capability.unavailable"],
  ["capability", { revocations: { isRevoked: fail } }, "capability.unavailable"],
  ["capability", { stale: fail }, "capability.unavailable"],
  ["intent", { intent: { resolve: fail } }, "intent.unavailable"],
  ["policy", { policy: { evaluate: fail } }, "policy.failed"],
  ["policy", { budget: { remaining: fail, reserve: fail } }, "policy.failed"],
  ["budget", { budget: { remaining: () => ({}), reserve: fail } }, "budget.unavailable"],
];
for (const [check, spoil, code] of BROKEN) {
  test(`trouble inside ${check} (${Object.keys(spoil ?? {})}) is a denial with ${code}`, async () => {
    const { judge, trouble } = world(spoil);
    const decision = await judge.decide({ ...CALL, intentPrompt: "x" });
    assert.ok(decision.outcome === "deny");
    assert.equal(decision.check, check);
    assert.equal(decision.reasons[0]?.code, code);
    assert.deepEqual(trouble, [check]);
  });
}

test("the first failure decides, and later checks are not asked", async () => {
  const ORDER = ["capability", "intent", "policy", "budget"] as const;
  await fc.assert(
    fc.asyncProperty(fc.subarray([...ORDER]), async (failing) => {
      const spoil: Parameters<typeof world>[0] = {
        intended: intended({ allowed_tools: failing.includes("intent") ? [] : ["read_invoice"] }),
        decision: { allow: !failing.includes("policy") },
        token: capability([{ type: "max_calls", limit: failing.includes("budget") ? 0 : 1 }]),
      };
      const { judge, asked } = world(spoil);
      const decision = await judge.decide({
        ...CALL,
        intentPrompt: "x",
        token: failing.includes("capability") ? "forged" : "good",
      });
      const first = ORDER.find((check) => failing.includes(check));
      assert.equal(decision.outcome === "deny" ? decision.check : undefined, first);
      assert.deepEqual(asked, first === undefined ? [...ORDER] : ORDER.slice(0, ORDER.indexOf(first) + 1));
    }),
    { numRuns: 64 },
  );
});

test("a denial still tells whose token it was", async () => {
  const decision = await world({
    token: capability([{ type: "tool_deny", tools: ["read_*"] }]),
  }).judge.decide(CALL);
  assert.equal(decision.outcome === "deny" && decision.capability?.agent, "agent-x");
});

test("the policy is asked about who, what, when and how much is left", async () => {
  const token = capability([{ type: "max_calls", limit: 5 }]);
  const { judge, questions } = world({ token });
  await judge.decide({ ...CALL, intentPrompt: "x" });
  assert.deepEqual(questions, [
    {
      action: "call",
      method: "tools/call",
      tool: "read_invoice",
      args: { id: 7 },
      capability: token,
      intent: { summary: "", allowed_tools: ["read_invoice"], forbidden_tools: [], confidence: 1 },
      upstream: "default",
      sessionId: "s",
      remoteAddress: "127.0.0.1",
      requestId: "r",
      nowMs: NOW_MS,
      remaining: { calls: 5 },
    },
  ]);
});

test("what lies beside tools is judged like a tool, and no intent is asked for it", async () => {
  const read = { method: "resources/read", tool: "resources/read", args: { uri: "file:///a" } };
  const scoped = (tools: string[], uri: string) =>
    capability([
      { type: "tool_allow", tools },
      { type: "arguments", tool: "resources/read", predicates: [{ op: "glob", path: "/uri", value: uri }] },
    ]);
  const codeOf = async (spoil: Parameters<typeof world>[0]) => {
    const decision = await world(spoil).judge.decide({ ...CALL, ...read, intentPrompt: "x" });
    return decision.outcome === "deny" ? decision.reasons[0]?.code : decision.outcome;
  };
  assert.equal(await codeOf({ ...REQUIRED, intended: intended({ allowed_tools: [] }) }), "allow");
  assert.equal(await codeOf({ token: scoped(["resources/read"], "file:///*") }), "allow");
  assert.equal(await codeOf({ token: scoped(["read_*"], "file:///*") }), "capability.tool");
  assert.equal(await codeOf({ token: scoped(["*"], "https://*") }), "capability.arguments");
  assert.equal(await codeOf({ decision: { allow: false } }), "policy.denied");
  assert.equal(await codeOf({ token: capability([{ type: "max_calls", limit: 0 }]) }), "budget.calls");
});

const LISTED: [string, Parameters<typeof world>[0], Partial<CallRequest>, boolean][] = [
  ["allowed", {}, {}, true],
  ["escalated", { decision: { allow: false, escalate: true } }, {}, true],
  ["asking for a step-up", { decision: { allow: true, requires_step_up: true } }, {}, true],
  ["blocked by policy", { decision: { allow: false } }, {}, false],
  ["out of scope", { token: capability([{ type: "tool_allow", tools: ["other"] }]) }, {}, false],
  ["asked for with a bad token", {}, { token: "forged" }, false],
  ["asked for while a check is broken", { policy: { evaluate: fail } }, {}, false],
  [
    "limited by its arguments only",
    { token: capability([{ type: "arguments", predicates: [{ op: "eq", path: "/id", value: 1 }] }]) },
    {},
    true,
  ],
  ["out of budget", { token: capability([{ type: "max_calls", limit: 0 }]) }, {}, true],
];
for (const [name, spoil, request, shown] of LISTED) {
  test(`a tool that is ${name} is ${shown ? "listed" : "hidden"}`, async () => {
    const { judge, questions } = world(spoil);
    const { args: _, ...asked } = CALL;
    assert.equal(await judge.visible({ ...asked, ...request }), shown);
    for (const { action, args } of questions) assert.deepEqual([action, args], ["list", {}]);
  });
}

test("a resource is listed by what its name would let the caller do", async () => {
  const request = { ...CALL, method: "resources/read", tool: "resources/read", args: { uri: "file:///a" } };
  const limited = (value: string) =>
    capability([{ type: "arguments", predicates: [{ op: "glob", path: "/uri", value }] }]);
  const { judge, questions } = world({ token: limited("file:///*") });
  assert.equal(await judge.visible(request), true);
  assert.deepEqual(questions[0]?.args, { uri: "file:///a" });
  assert.equal(questions[0]?.action, "list");
  assert.equal(await world({ token: limited("https://*") }).judge.visible(request), false);
});
