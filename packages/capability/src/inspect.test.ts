import assert from "node:assert/strict";
import { test } from "node:test";
import type { Caveat } from "@postern/contracts";
import { attenuate } from "./attenuate.ts";
import { explainCaveat } from "./explain-caveat.ts";
import { inspect } from "./inspect.ts";
import { clock, createIssuer, newId } from "./issuer.fixture.ts";

const issuer = await createIssuer();

test("a token is explained hop by hop, without any key", async () => {
  const parent = await issuer.mint({
    attenuable: true,
    ttlSeconds: 60,
    notBefore: "2026-11-22T12:00:00Z",
    caveats: [{ type: "max_calls", limit: 5 }],
  });
  const attenuationKey = parent.attenuationKey ?? "";
  const child = await attenuate(
    { token: parent.token, attenuationKey, caveats: [{ type: "tool_allow", tools: ["read"] }] },
    { clock, newId },
  );
  assert.deepEqual(await inspect(child.token), {
    verified: false,
    kid: issuer.key.kid,
    tenant: "acme",
    agent: "bot",
    issuer: "postern",
    jti: child.jti,
    rootJti: parent.jti,
    parentJti: parent.jti,
    issuedAt: "2026-11-22T12:00:00.000Z",
    notBefore: "2026-11-22T12:00:00Z",
    expiresAt: "2026-11-22T12:01:00.000Z",
    attenuable: false,
    bytes: child.token.length,
    hops: [
      {
        jti: parent.jti,
        issuedAt: "2026-11-22T12:00:00.000Z",
        caveats: [{ caveat: { type: "max_calls", limit: 5 }, explanation: "Is good for 5 calls." }],
      },
      {
        jti: child.jti,
        issuedAt: "2026-11-22T12:00:00.000Z",
        caveats: [
          { caveat: { type: "tool_allow", tools: ["read"] }, explanation: "Allows only these tools: read." },
        ],
      },
    ],
  });
  assert.equal((await inspect(parent.token)).attenuable, true);
});

test("what is no token is not explained", async () => {
  for (const text of ["", "v4.public.e30", "a~b", "x".repeat(100_000)]) {
    await assert.rejects(inspect(text), { name: "Fault", kind: "invalid", code: "capability.malformed" });
  }
});

const sentences: readonly [caveat: Caveat, sentence: string][] = [
  [{ type: "expiry", at: "2026-11-22T12:00:00Z" }, "Expires at 2026-11-22T12:00:00Z."],
  [{ type: "tool_allow", tools: [] }, "Allows no tool."],
  [{ type: "tool_deny", tools: ["a", "b*"] }, "Denies these tools: a, b*."],
  [{ type: "tool_deny", tools: [] }, "Denies no tool."],
  [{ type: "agent_lock", agent: "bot" }, "Is good for agent bot only."],
  [{ type: "rate", per_minute: 3 }, "Is good for 3 calls in each minute."],
  [{ type: "max_cost", micros: 2_500_000 }, "May cost at most 2.5 in all."],
  [
    {
      type: "arguments",
      tool: "pay",
      predicates: [
        { op: "lte", path: "/amount", value: 10 },
        { op: "in", path: "", values: ["a", 1] },
      ],
    },
    'Calls of pay need /amount to be a number of at most 10 and the arguments to be one of ["a",1].',
  ],
  [{ type: "upstreams", names: ["bank"] }, "Covers only these tool servers: bank."],
  [{ type: "upstreams", names: [] }, "Covers no tool server."],
  [
    { type: "step_up", at: "2026-11-22T12:00:00Z" },
    "Its holder proved a fresh factor at 2026-11-22T12:00:00Z.",
  ],
  [{ type: "callee_allow", agents: ["a"] }, "Allows calling only these agents: a."],
  [{ type: "callee_allow", agents: [] }, "Allows calling no agent."],
  [JSON.parse('{"type":"moon_phase"}'), "Is unknown to this version, so it refuses every call."],
];
for (const [caveat, sentence] of sentences) {
  test(`a caveat reads "${sentence}"`, () => {
    assert.equal(explainCaveat(caveat), sentence);
  });
}
