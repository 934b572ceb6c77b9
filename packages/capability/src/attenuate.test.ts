import assert from "node:assert/strict";
import { test } from "node:test";
import { type Capability, type Caveat, HOPS_MAX, type JsonObject } from "@postern/contracts";
import fc from "fast-check";
import { PublicProtocol } from "paseto";
import { ImportPublicKeyFactory, VerifyFactory } from "paseto/v4/public";
import { type AttenuateRequest, attenuate } from "./attenuate.ts";
import type { CapabilityCall } from "./caveat.ts";
import { checkCapability } from "./check.ts";
import { clock, createIssuer, NOW, newId } from "./issuer.fixture.ts";

const issuer = await createIssuer();
const deps = { clock, newId };

async function verified(token: string): Promise<Capability> {
  const result = await issuer.verify(token);
  assert.ok(result.ok, result.ok ? "" : result.reason.detail);
  return result.capability;
}

test("a child carries its parent's caveats and its own, each under its own id", async () => {
  const parent = await issuer.mint({ attenuable: true, caveats: [{ type: "max_calls", limit: 5 }] });
  const attenuationKey = parent.attenuationKey ?? "";
  const caveats: readonly Caveat[] = [{ type: "max_calls", limit: 2 }];
  const child = await attenuate({ token: parent.token, attenuationKey, caveats }, deps);
  const { jti, rootJti, parentJti, hops, caveatCount } = await verified(child.token);
  assert.deepEqual(
    { jti, rootJti, parentJti, caveatCount },
    {
      jti: child.jti,
      rootJti: parent.jti,
      parentJti: parent.jti,
      caveatCount: 2,
    },
  );
  assert.deepEqual(hops, [
    { jti: parent.jti, caveats: [{ type: "max_calls", limit: 5 }] },
    { jti: child.jti, caveats },
  ]);
  assert.ok(child.jti.startsWith(`${parent.jti}.`));
  assert.equal(child.attenuationKey, undefined);
  assert.equal((await verified(parent.token)).jti, parent.jti);
});

test("any PASETO library verifies every block, given the bindings that the format prescribes", async () => {
  const v4 = new PublicProtocol(ImportPublicKeyFactory, VerifyFactory);
  const open = async (token: string, publicKey: string, binding: string) => {
    assert.match(publicKey, /^k4\.public\./);
    const key = await v4.ImportPublicKey(`k4.public.${publicKey.slice("k4.public.".length)}`);
    const implicitAssertion = Buffer.from(binding);
    return (await v4.Verify(key, token, { now: new Date(NOW), allowNonExpiring: true, implicitAssertion }))
      .claims;
  };
  const parent = await issuer.mint({ attenuable: true });
  const attenuationKey = parent.attenuationKey ?? "";
  const child = await attenuate({ token: parent.token, attenuationKey, caveats: [], attenuable: true }, deps);
  const [root = "", hop = "", seal = ""] = child.token.split("~");
  const rootClaims = await open(root, issuer.key.publicKey, "postern/capability/v1");
  const hopClaims = await open(hop, String(rootClaims.next), root);
  assert.deepEqual([rootClaims.jti, hopClaims.jti], [parent.jti, child.jti]);
  assert.deepEqual(await open(seal, String(hopClaims.next), `${root}~${hop}`), {});
});

test("a chain grows to its longest and no further", async () => {
  let token = await issuer.mint({ attenuable: true });
  for (let blocks = 1; blocks < HOPS_MAX; blocks += 1) {
    const attenuationKey = token.attenuationKey ?? "";
    token = await attenuate({ token: token.token, attenuationKey, caveats: [], attenuable: true }, deps);
  }
  assert.equal((await verified(token.token)).hops.length, HOPS_MAX);
  const attenuationKey = token.attenuationKey ?? "";
  for (const attenuable of [true, false]) {
    const attempt = attenuate({ token: token.token, attenuationKey, caveats: [], attenuable }, deps);
    await assert.rejects(attempt, { kind: "invalid", code: "capability.claims" });
  }
});

test("what cannot or must not be attenuated is refused", async () => {
  const plain = await issuer.mint();
  const parent = await issuer.mint({ attenuable: true });
  const stranger = await issuer.mint({ attenuable: true });
  const attenuationKey = parent.attenuationKey ?? "";
  const request: AttenuateRequest = { token: parent.token, attenuationKey, caveats: [] };
  const rows: readonly [change: Partial<AttenuateRequest>, code: string][] = [
    [{ token: plain.token }, "capability.not_attenuable"],
    [{ token: "nonsense" }, "capability.malformed"],
    [{ token: "" }, "capability.malformed"],
    [{ token: parent.token.slice(0, parent.token.lastIndexOf("~")) }, "capability.malformed"],
    [{ attenuationKey: stranger.attenuationKey ?? "" }, "capability.attenuation_key"],
    [{ attenuationKey: "k4.secret.AA" }, "signing.key"],
    [{ caveats: [{ type: "step_up", at: "2026-11-22T12:00:00Z" }] }, "capability.claims"],
    [{ caveats: [JSON.parse('{"type":"moon_phase"}')] }, "capability.claims"],
    [
      { caveats: [{ type: "arguments", predicates: [{ op: "eq", path: "x", value: 1 }] }] },
      "capability.claims",
    ],
  ];
  for (const [change, code] of rows) {
    await assert.rejects(attenuate({ ...request, ...change }, deps), { name: "Fault", code });
  }
});

const names = ["read", "write", "pay", "agent:a", "agent:b"];
const globs = fc.array(fc.constantFrom(...names, "*", "r*", "?ay", "agent:*", "a"), { maxLength: 3 });
const minute = fc.integer({ min: -3, max: 3 }).map((each) => new Date(NOW + each * 60_000).toISOString());
const caveat: fc.Arbitrary<Caveat> = fc.oneof(
  minute.map((at): Caveat => ({ type: "expiry", at })),
  globs.map((tools): Caveat => ({ type: "tool_allow", tools })),
  globs.map((tools): Caveat => ({ type: "tool_deny", tools })),
  fc.constantFrom("bot", "other").map((agent): Caveat => ({ type: "agent_lock", agent })),
  fc.nat(3).map((limit): Caveat => ({ type: "max_calls", limit })),
  fc.nat(3).map((micros): Caveat => ({ type: "max_cost", micros })),
  fc
    .integer({ min: 0, max: 4 })
    .map((value): Caveat => ({ type: "arguments", predicates: [{ op: "lte", path: "/amount", value }] })),
  fc.subarray(["bank", "mail"]).map((upstreams): Caveat => ({ type: "upstreams", names: upstreams })),
  globs.map((agents): Caveat => ({ type: "callee_allow", agents })),
);
const call: fc.Arbitrary<CapabilityCall> = fc.record({
  tool: fc.constantFrom(...names),
  args: fc.record({ amount: fc.nat(5) }, { requiredKeys: [] }).map((args): JsonObject => ({ ...args })),
  upstream: fc.constantFrom("bank", "mail"),
  nowMs: fc.integer({ min: NOW - 240_000, max: NOW + 240_000 }),
  mode: fc.constantFrom("call", "list"),
});

test("attenuation never widens: what a descendant may do, each of its ancestors may", async () => {
  const hops = fc.array(fc.array(caveat, { maxLength: 2 }), { minLength: 2, maxLength: 4 });
  const calls = fc.array(call, { minLength: 20, maxLength: 20 });
  const revoked = fc.nat(5);
  await fc.assert(
    fc.asyncProperty(hops, calls, revoked, async ([first = [], ...rest], tried, revokedAt) => {
      let token = await issuer.mint({ attenuable: true, caveats: first, ttlSeconds: 120 });
      const line = [await verified(token.token)];
      for (const caveats of rest) {
        const attenuationKey = token.attenuationKey ?? "";
        token = await attenuate({ token: token.token, attenuationKey, caveats, attenuable: true }, deps);
        line.push(await verified(token.token));
      }
      const revokedJti = line.at(revokedAt)?.jti;
      const revocations = { isRevoked: (jti: string) => jti === revokedJti };
      for (const [index, parent] of line.slice(0, -1).entries()) {
        const child = line[index + 1];
        assert.ok(child);
        for (const each of tried) {
          if (checkCapability(child, each, revocations) === undefined) {
            assert.equal(checkCapability(parent, each, revocations), undefined);
          }
        }
        // Budgets are charged per hop, so a child that keeps all of its parent's hops can spend no more.
        assert.deepEqual(child.hops.slice(0, parent.hops.length), parent.hops);
        assert.ok((child.expiresAtMs ?? 0) <= (parent.expiresAtMs ?? 0));
        assert.equal(child.stepUpAtMs, parent.stepUpAtMs);
        assert.deepEqual(
          [child.tenant, child.agent, child.rootJti],
          [parent.tenant, parent.agent, parent.rootJti],
        );
      }
    }),
    { numRuns: 40 },
  );
});
