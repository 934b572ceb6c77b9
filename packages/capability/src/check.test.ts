import assert from "node:assert/strict";
import { test } from "node:test";
import type { ArgumentPredicate, Capability, Caveat, ReasonCode } from "@postern/contracts";
import fc from "fast-check";
import type { CapabilityCall } from "./caveat.ts";
import { CLOCK_SKEW_MS, checkCapability, checkStanding } from "./check.ts";
import { matchGlob } from "./glob.ts";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const call: CapabilityCall = {
  tool: "pay",
  args: { amount: 10 },
  upstream: "bank",
  nowMs: NOW,
  mode: "call",
};
const nothingRevoked = { isRevoked: () => false };

function capability(caveats: readonly Caveat[], change: Partial<Capability> = {}): Capability {
  return {
    tenant: "acme",
    agent: "bot",
    issuer: "postern",
    jti: "root.hop",
    rootJti: "first",
    parentJti: "root",
    mintedFromJti: "second",
    kid: "k4.pid.x",
    issuedAtMs: NOW - 1000,
    notBeforeMs: undefined,
    expiresAtMs: undefined,
    stepUpAtMs: undefined,
    hops: [
      { jti: "root", caveats: [] },
      { jti: "root.hop", caveats },
    ],
    caveatCount: caveats.length,
    ...change,
  };
}

const rows: readonly [
  name: string,
  caveat: Caveat,
  change: Partial<CapabilityCall>,
  want: ReasonCode | undefined,
][] = [
  ["an allowed tool", { type: "tool_allow", tools: ["p*"] }, {}, undefined],
  ["a tool outside the allow list", { type: "tool_allow", tools: ["read"] }, {}, "capability.tool"],
  ["any tool under an empty allow list", { type: "tool_allow", tools: [] }, {}, "capability.tool"],
  ["a tool that differs in case", { type: "tool_allow", tools: ["PAY"] }, {}, "capability.tool"],
  ["a denied tool", { type: "tool_deny", tools: ["read", "pay"] }, {}, "capability.tool"],
  ["a tool outside the deny list", { type: "tool_deny", tools: ["read"] }, {}, undefined],
  ["its own agent", { type: "agent_lock", agent: "bot" }, {}, undefined],
  ["another agent's lock", { type: "agent_lock", agent: "Bot" }, {}, "capability.agent"],
  ["a covered upstream", { type: "upstreams", names: ["bank"] }, {}, undefined],
  ["another upstream", { type: "upstreams", names: ["ban"] }, {}, "capability.upstream"],
  ["no upstream at all", { type: "upstreams", names: [] }, {}, "capability.upstream"],
  ["a callee", { type: "callee_allow", agents: ["rep*"] }, { tool: "agent:reporter" }, undefined],
  [
    "another callee",
    { type: "callee_allow", agents: ["rep*"] },
    { tool: "agent:payer" },
    "capability.callee",
  ],
  ["a plain tool under a callee list", { type: "callee_allow", agents: [] }, {}, undefined],
  [
    "covered arguments",
    { type: "arguments", predicates: [{ op: "lte", path: "/amount", value: 10 }] },
    {},
    undefined,
  ],
  [
    "arguments outside the predicate",
    { type: "arguments", predicates: [{ op: "lt", path: "/amount", value: 10 }] },
    {},
    "capability.arguments",
  ],
  [
    "arguments of which one predicate fails",
    {
      type: "arguments",
      predicates: [
        { op: "gt", path: "/amount", value: 1 },
        { op: "eq", path: "/currency", value: "EUR" },
      ],
    },
    {},
    "capability.arguments",
  ],
  [
    "a predicate for another tool",
    { type: "arguments", tool: "read*", predicates: [{ op: "lt", path: "/amount", value: 1 }] },
    {},
    undefined,
  ],
  [
    "arguments that do not exist yet",
    { type: "arguments", predicates: [{ op: "eq", path: "", value: 1 }] },
    { mode: "list", args: {} },
    undefined,
  ],
  [
    "a tool outside the allow list, when listed",
    { type: "tool_allow", tools: [] },
    { mode: "list" },
    "capability.tool",
  ],
  ["a budget, which is spent elsewhere", { type: "max_calls", limit: 0 }, {}, undefined],
  ["a caveat of a later version", JSON.parse('{"type":"moon_phase"}'), {}, "capability.caveat_unknown"],
];
for (const [name, caveat, change, want] of rows) {
  test(`${name} is ${want === undefined ? "covered" : `refused as ${want}`}`, () => {
    assert.equal(checkCapability(capability([caveat]), { ...call, ...change }, nothingRevoked)?.code, want);
  });
}

test("caveats of every hop must hold", () => {
  const token = capability([], {
    hops: [
      { jti: "a", caveats: [{ type: "tool_deny", tools: ["pay"] }] },
      { jti: "a.b", caveats: [{ type: "tool_allow", tools: ["pay"] }] },
    ],
  });
  assert.equal(checkCapability(token, call, nothingRevoked)?.code, "capability.tool");
});

test("revoking any id of the lineage revokes the token", () => {
  for (const jti of ["root", "root.hop", "first", "second"]) {
    const revocations = { isRevoked: (asked: string) => asked === jti };
    assert.equal(checkCapability(capability([]), call, revocations)?.code, "capability.revoked", jti);
  }
  const others = { isRevoked: (asked: string) => asked === "root.other" };
  assert.equal(checkCapability(capability([]), call, others), undefined);
});

const message = { upstream: "bank", nowMs: NOW };

test("a token's standing is its revocation and its time, whatever tools it covers", () => {
  const narrow = capability([
    { type: "tool_allow", tools: [] },
    { type: "tool_deny", tools: ["*"] },
    { type: "callee_allow", agents: [] },
    { type: "arguments", predicates: [{ op: "eq", path: "/a", value: 1 }] },
    { type: "max_calls", limit: 0 },
  ]);
  assert.equal(checkStanding(narrow, message, nothingRevoked), undefined);
  assert.equal(checkStanding(narrow, message, { isRevoked: () => true })?.code, "capability.revoked");
  assert.equal(
    checkStanding({ ...narrow, expiresAtMs: NOW }, message, nothingRevoked)?.code,
    "capability.expired",
  );
});

const everyMessage: readonly [caveat: Caveat, want: ReasonCode | undefined][] = [
  [{ type: "upstreams", names: ["bank"] }, undefined],
  [{ type: "upstreams", names: ["files"] }, "capability.upstream"],
  [{ type: "upstreams", names: [] }, "capability.upstream"],
  [{ type: "agent_lock", agent: "bot" }, undefined],
  [{ type: "agent_lock", agent: "other" }, "capability.agent"],
  [JSON.parse('{"type":"moon_phase"}'), "capability.caveat_unknown"],
];
for (const [caveat, want] of everyMessage) {
  test(`a message that is no call is ${want ?? "covered"} under ${JSON.stringify(caveat)}, whichever hop says so`, () => {
    for (const hops of [
      [[caveat], []],
      [[], [caveat]],
    ]) {
      const token = capability([], { hops: hops.map((caveats, at) => ({ jti: `j${at}`, caveats })) });
      assert.equal(checkStanding(token, message, nothingRevoked)?.code, want);
    }
  });
}

test("revocation is named before expiry, expiry before caveats", () => {
  const token = capability([{ type: "tool_allow", tools: [] }], { expiresAtMs: NOW });
  assert.equal(checkCapability(token, call, { isRevoked: () => true })?.code, "capability.revoked");
  assert.equal(checkCapability(token, call, nothingRevoked)?.code, "capability.expired");
});

const times: readonly [name: string, change: Partial<Capability>, want: ReasonCode | undefined][] = [
  ["expires now", { expiresAtMs: NOW }, "capability.expired"],
  ["expired within the clock skew", { expiresAtMs: NOW - 1 }, "capability.expired"],
  ["expires in a millisecond", { expiresAtMs: NOW + 1 }, undefined],
  ["never expires", { expiresAtMs: undefined }, undefined],
  ["expires in the year 9999", { expiresAtMs: Date.parse("9999-12-31T23:59:59Z") }, undefined],
  ["begins within the clock skew", { notBeforeMs: NOW + CLOCK_SKEW_MS }, undefined],
  ["begins later", { notBeforeMs: NOW + CLOCK_SKEW_MS + 1 }, "capability.not_yet_valid"],
  ["was issued within the clock skew", { issuedAtMs: NOW + CLOCK_SKEW_MS }, undefined],
  [
    "was issued in the future",
    { issuedAtMs: NOW + CLOCK_SKEW_MS + 1, notBeforeMs: NOW },
    "capability.not_yet_valid",
  ],
];
for (const [name, change, want] of times) {
  test(`a token that ${name} is ${want === undefined ? "in time" : `refused as ${want}`}`, () => {
    assert.equal(checkCapability(capability([], change), call, nothingRevoked)?.code, want);
  });
}

test("the clock skew is thirty seconds", () => {
  assert.equal(CLOCK_SKEW_MS, 30_000);
});

/** What a caveat says of a call, in as few words as its definition. */
function refuses(caveat: Caveat, { tool, args, upstream, mode }: CapabilityCall): ReasonCode | undefined {
  const covered = (globs: readonly string[], name: string) => globs.some((glob) => matchGlob(glob, name));
  const holds = ({ path, op, ...rest }: ArgumentPredicate) => {
    const value = path === "/amount" ? args.amount : path === "/list/0" ? [args.list].flat()[0] : args;
    if (value === undefined || (path === "/list/0" && !Array.isArray(args.list))) return false;
    const against = "values" in rest ? rest.values : rest.value;
    if (op === "eq") return value === against;
    if (op === "ne") return value !== against;
    if (op === "in") return Array.isArray(against) && against.includes(value as number);
    return typeof value === "number" && typeof against === "number" && op === "lt" && value < against;
  };
  if (caveat.type === "agent_lock") return caveat.agent === "bot" ? undefined : "capability.agent";
  if (caveat.type === "upstreams") return caveat.names.includes(upstream) ? undefined : "capability.upstream";
  if (caveat.type === "tool_allow") return covered(caveat.tools, tool) ? undefined : "capability.tool";
  if (caveat.type === "tool_deny") return covered(caveat.tools, tool) ? "capability.tool" : undefined;
  if (caveat.type === "callee_allow")
    return !tool.startsWith("agent:") || covered(caveat.agents, tool.slice(6))
      ? undefined
      : "capability.callee";
  if (caveat.type !== "arguments" || mode === "list" || !covered([caveat.tool ?? "*"], tool))
    return undefined;
  return caveat.predicates.every(holds) ? undefined : "capability.arguments";
}

test("rules made once for a token say what each caveat says by itself, of call after call", () => {
  const name = fc.constantFrom("pay", "pay_all", "read", "agent:bot", "agent:pay", "");
  const globs = fc.array(fc.oneof(name, fc.constantFrom("*", "pay*", "p?y", "agent:*", "*t")), {
    maxLength: 3,
  });
  const scalar = fc.constantFrom(0, 10, "10", null, true);
  const path = fc.constantFrom("/amount", "/list/0", "");
  const predicate = fc.oneof(
    fc.record({ op: fc.constantFrom("eq" as const, "ne" as const), path, value: scalar }),
    fc.record({ op: fc.constant("lt" as const), path, value: fc.constantFrom(0, 5, 11) }),
    fc.record({ op: fc.constant("in" as const), path, values: fc.array(scalar, { maxLength: 3 }) }),
  );
  const predicates = fc.array(predicate, { minLength: 1, maxLength: 3 });
  const caveat: fc.Arbitrary<Caveat> = fc.oneof(
    fc.record({ type: fc.constant("agent_lock" as const), agent: fc.constantFrom("bot", "other") }),
    fc.record({ type: fc.constant("upstreams" as const), names: fc.subarray(["bank", "files"]) }),
    fc.record({ type: fc.constantFrom("tool_allow" as const, "tool_deny" as const), tools: globs }),
    fc.record({ type: fc.constant("callee_allow" as const), agents: globs }),
    fc.record({ type: fc.constant("arguments" as const), predicates }),
    fc.record({ type: fc.constant("arguments" as const), tool: fc.constantFrom("pay", "p*"), predicates }),
    fc.constant({ type: "max_calls" as const, limit: 0 }),
  );
  const calls = fc.array(
    fc.record({
      tool: name,
      args: fc.record({ amount: scalar, list: fc.oneof(scalar, fc.array(scalar)) }, { requiredKeys: [] }),
      upstream: fc.constantFrom("bank", "files"),
      nowMs: fc.constant(NOW),
      mode: fc.constantFrom("call" as const, "list" as const),
    }),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(
    fc.property(
      fc.array(fc.array(caveat, { maxLength: 4 }), { minLength: 1, maxLength: 3 }),
      calls,
      (hops, asked) => {
        const token = capability([], { hops: hops.map((caveats, at) => ({ jti: `j${at}`, caveats })) });
        const all = hops.flat();
        const ofMessages = all.filter(({ type }) => type === "agent_lock" || type === "upstreams");
        for (const each of asked) {
          const standing = ofMessages.map((one) => refuses(one, each)).find((code) => code !== undefined);
          const whole = [standing, ...all.map((one) => refuses(one, each))].find(
            (code) => code !== undefined,
          );
          assert.equal(checkStanding(token, each, nothingRevoked)?.code, standing);
          assert.equal(checkCapability(token, each, nothingRevoked)?.code, whole);
        }
      },
    ),
    { numRuns: 1000 },
  );
});
