import assert from "node:assert/strict";
import { test } from "node:test";
import { CAVEATS_MAX, type Caveat } from "@postern/contracts";
import { createIssuer } from "./issuer.fixture.ts";
import type { MintRequest } from "./mint.ts";

const issuer = await createIssuer();

test("a minted token verifies to what was asked for", async () => {
  const caveats: readonly Caveat[] = [
    { type: "agent_lock", agent: "bot" },
    { type: "step_up", at: "2026-11-22T11:00:00Z" },
    { type: "expiry", at: "2026-11-22T12:30:00Z" },
  ];
  const minted = await issuer.mint({
    issuer: "desk",
    ttlSeconds: 3600,
    notBefore: "2026-11-22T12:00:00Z",
    caveats,
  });
  assert.equal(minted.expiresAt, "2026-11-22T13:00:00.000Z");
  assert.equal(minted.attenuationKey, undefined);
  assert.deepEqual(await issuer.verify(minted.token), {
    ok: true,
    capability: {
      tenant: "acme",
      agent: "bot",
      issuer: "desk",
      jti: minted.jti,
      rootJti: minted.jti,
      parentJti: undefined,
      kid: issuer.key.kid,
      issuedAtMs: Date.parse("2026-11-22T12:00:00Z"),
      notBeforeMs: Date.parse("2026-11-22T12:00:00Z"),
      expiresAtMs: Date.parse("2026-11-22T12:30:00Z"),
      stepUpAtMs: Date.parse("2026-11-22T11:00:00Z"),
      hops: [{ jti: minted.jti, caveats }],
      caveatCount: 3,
    },
  });
});

test("a token without lifetime does not expire", async () => {
  const minted = await issuer.mint();
  assert.equal(minted.expiresAt, undefined);
  const verified = await issuer.verify(minted.token);
  assert.equal(verified.ok && verified.capability.expiresAtMs, undefined);
});

test("a token derived from another one names it and its root", async () => {
  const verified = await issuer.verify(
    (await issuer.mint({ parent: { jti: "mother", rootJti: "first" } })).token,
  );
  assert.ok(verified.ok);
  const { rootJti, parentJti, mintedFromJti } = verified.capability;
  assert.deepEqual(
    { rootJti, parentJti, mintedFromJti },
    { rootJti: "first", parentJti: "mother", mintedFromJti: "mother" },
  );
});

const refusals: Readonly<Record<string, Partial<MintRequest>>> = {
  "a malformed tenant": { tenant: "Acme Corp" },
  "an empty subject": { subject: "" },
  "a control character in the subject": { subject: "bot\n" },
  "no lifetime": { ttlSeconds: 0 },
  "a negative lifetime": { ttlSeconds: -1 },
  "a lifetime that is no number": { ttlSeconds: Number.NaN },
  "a lifetime beyond all dates": { ttlSeconds: 1e300 },
  "a lifetime beyond the year 9999": { ttlSeconds: 1e12 },
  "a beginning that is no instant": { notBefore: "tomorrow" },
  "an unknown caveat": { caveats: [JSON.parse('{"type":"moon_phase"}')] },
  "a caveat with an unknown field": { caveats: [JSON.parse('{"type":"max_calls","limit":1,"per":"day"}')] },
  "a pointer that is none": {
    caveats: [{ type: "arguments", predicates: [{ op: "eq", path: "amount", value: 1 }] }],
  },
  "too many caveats": {
    caveats: Array.from({ length: CAVEATS_MAX + 1 }, () => ({ type: "max_calls", limit: 1 })),
  },
  "more text than a token holds": {
    caveats: [{ type: "tool_allow", tools: Array.from({ length: 200 }, () => "t".repeat(100)) }],
  },
  "a parent that is its own root twice": { parent: { jti: "a b", rootJti: "a" } },
};
for (const [name, request] of Object.entries(refusals)) {
  test(`minting with ${name} is refused`, async () => {
    await assert.rejects(issuer.mint(request), { name: "Fault", kind: "invalid", code: "capability.claims" });
  });
}
