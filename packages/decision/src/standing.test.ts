// Who sends a message, what is not asked twice of them, and that it does not matter which port answers later.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CALL, capability, fail, intended, NOW_MS, POINTER, REVOKED, STALE, world } from "./judge.fixture.ts";
import type { JudgePorts } from "./ports.ts";
import type { Decision } from "./verdict.ts";

test("what was authenticated just now is not verified again, and everything else is", async () => {
  const holder = capability();
  const judge = (spoil: Parameters<typeof world>[0] = {}) =>
    world({ capability: { verify: fail }, ...spoil }).judge;
  const codeOf = (decision: Decision) =>
    decision.outcome === "deny" ? decision.reasons[0]?.code : decision.outcome;
  assert.equal(codeOf(await judge().decide(CALL, holder)), "allow");
  assert.equal(codeOf(await judge().decide(CALL)), "capability.unavailable");
  assert.equal(await judge().visible(CALL, holder), true);
  for (const [spoil, given, code] of [
    [STALE, holder, "capability.stale"],
    [REVOKED, holder, "capability.revoked"],
    [{}, capability([], { expiresAtMs: NOW_MS }), "capability.expired"],
    [{}, capability([{ type: "tool_deny", tools: ["read_*"] }]), "capability.tool"],
  ] as const) {
    assert.equal(codeOf(await judge(spoil).decide(CALL, given)), code);
    assert.equal(await judge(spoil).visible(CALL, given), false);
  }
});

test("a message that carries a capability along is authenticated by its token all the same", async () => {
  const message = { token: "forged", upstream: "default", capability: capability() };
  assert.equal((await world().judge.authenticate(message)).ok, false);
});

test("when every port answers at once, so does the judge", async () => {
  const reserve: JudgePorts["budget"]["reserve"] = (_tenant, charges) => ({
    ok: true,
    reservation: { id: "r", charges },
  });
  const { judge } = world({ budget: { reserve, remaining: () => ({}) } });
  const decision = judge.decide({ ...CALL, intentPrompt: "x" });
  assert.ok(!(decision instanceof Promise) && decision.outcome === "allow");
  assert.equal(judge.visible(CALL), true);
  const standing = judge.authenticate(CALL);
  assert.ok(!(standing instanceof Promise) && standing.ok);
});

test("whichever ports answer later, the decision is the same", async () => {
  const ports = ["capability", "intent", "policy", "budget"] as const;
  const { judge: prompt } = world();
  const { outcome: expected } = await prompt.decide({ ...CALL, intentPrompt: "x" });
  await fc.assert(
    fc.asyncProperty(fc.subarray([...ports]), fc.subarray([...ports]), async (late, failing) => {
      const answer = async (port: (typeof ports)[number]) => {
        if (failing.includes(port)) fail();
      };
      const spoil: Parameters<typeof world>[0] = {
        ...(late.includes("capability") && {
          capability: { verify: async () => ({ ok: true, capability: capability() }) },
        }),
        ...(late.includes("capability") &&
          failing.includes("capability") && {
            capability: { verify: () => answer("capability").then(fail) },
          }),
        ...(late.includes("policy") && {
          policy: {
            evaluate: async () => {
              await answer("policy");
              return { ok: true, decision: { allow: true }, pointer: POINTER };
            },
          },
        }),
        ...(late.includes("budget") && {
          budget: {
            remaining: () => ({}),
            reserve: async (_tenant, charges) => {
              await answer("budget");
              return { ok: true, reservation: { id: "r", charges } };
            },
          },
        }),
        ...(late.includes("intent") && {
          intent: {
            resolve: async () => {
              await answer("intent");
              return { ok: true, intent: intended({}) };
            },
          },
        }),
      };
      const { judge, trouble } = world(spoil);
      const decision = await judge.decide({ ...CALL, intentPrompt: "x" });
      const first = ports.find((port) => late.includes(port) && failing.includes(port));
      assert.equal(decision.outcome, first === undefined ? expected : "deny");
      assert.deepEqual(trouble, first === undefined ? [] : [first]);
    }),
    { numRuns: 100 },
  );
});

test("authenticate accepts a genuine token and refuses the rest", async () => {
  const upstream = "default";
  assert.equal((await world().judge.authenticate({ token: "good", upstream })).ok, true);
  for (const [spoil, token] of [
    [{}, undefined],
    [{}, "forged"],
    [STALE, "good"],
    [REVOKED, "good"],
  ] as const) {
    assert.equal((await world(spoil).judge.authenticate({ token, upstream })).ok, false);
  }
});

test("a refusal names its caller as soon as the token is known to be genuine", async () => {
  const token = capability([{ type: "upstreams", names: ["files"] }]);
  const ask = async (spoil: Parameters<typeof world>[0], given: string, upstream: string) => {
    const standing = await world(spoil).judge.authenticate({ token: given, upstream });
    return [standing.ok ? "ok" : standing.reason.code, standing.capability?.agent];
  };
  assert.deepEqual(await ask({ token }, "good", "files"), ["ok", "agent-x"]);
  assert.deepEqual(await ask({ token }, "good", "crm"), ["capability.upstream", "agent-x"]);
  assert.deepEqual(await ask(REVOKED, "good", "crm"), ["capability.revoked", "agent-x"]);
  assert.deepEqual(await ask({}, "forged", "crm"), ["capability.signature", undefined]);
  assert.deepEqual(await ask(STALE, "good", "crm"), ["capability.stale", undefined]);
});
