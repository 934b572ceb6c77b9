import assert from "node:assert/strict";
import { test } from "node:test";
import type { PublishedKey } from "@postern/contracts";
import type { Fault } from "@postern/fault";
import { createKeySet, type KeySet } from "@postern/signing";
import { fixedClock } from "@postern/testkit";
import { attenuate } from "./attenuate.ts";
import { clock, createIssuer, NOW, newId } from "./issuer.fixture.ts";
import { createVerifier, type Verified } from "./verifier.ts";

const issuer = await createIssuer();
const HOUR_MS = 3_600_000;

function outcome(verified: Verified): string {
  return verified.ok ? "ok" : verified.reason.code;
}

/** A key set that counts how often its key was taken for a verification. */
function countingKeys(): { keys: () => KeySet; verifications: () => number } {
  let reads = 0;
  const key: PublishedKey = {
    ...issuer.published,
    get public_key() {
      reads += 1;
      return issuer.published.public_key;
    },
  };
  const set: KeySet = { keys: [key], find: (kid) => (kid === key.kid ? key : undefined) };
  return { keys: () => set, verifications: () => reads };
}

test("a token seen before is not verified again", async () => {
  const { keys, verifications } = countingKeys();
  const verifier = createVerifier({ keys, clock });
  const { token } = await issuer.mint();
  const first = await verifier.verify(token);
  assert.equal(outcome(first), "ok");
  assert.deepEqual(await verifier.verify(token), first);
  assert.equal(verifications(), 1);
});

test("a token seen before is answered at once, however its text came about, and a new one is not", async () => {
  const now = fixedClock(NOW);
  const verifier = createVerifier({ keys: () => issuer.keys, clock: now });
  const { token } = await issuer.mint();
  const header = `Bearer ${token}`;
  assert.ok(verifier.verify(token) instanceof Promise);
  const first = await verifier.verify(token);
  for (const again of [token, header.slice(7), [...token].join("")]) {
    assert.equal(verifier.verify(again), first);
    assert.equal(verifier.verify(again), first);
    now.advance(60_000);
    assert.equal(verifier.verify(again), first);
  }
  for (const other of [`${token}A`, `A${token.slice(1)}`, `${token.slice(0, 40)}${token.slice(41)}`]) {
    const answer = verifier.verify(other);
    assert.ok(answer instanceof Promise);
    assert.equal((await answer).ok, false);
    assert.equal(verifier.verify(token), first);
  }
});

test("tokens that a short memory cannot tell apart are told apart", async () => {
  const verifier = createVerifier({ keys: () => issuer.keys, clock });
  const minted = await Promise.all(
    Array.from({ length: 600 }, (_, n) => issuer.mint({ subject: `bot-${n}` })),
  );
  const agentOf = (verified: Verified) => (verified.ok ? verified.capability.agent : verified.reason.code);
  for (let round = 0; round < 3; round += 1)
    for (const [n, { token }] of minted.entries())
      assert.equal(agentOf(await verifier.verify(token)), `bot-${n}`);
});

test("a token whose key is taken back is refused at once, though it was used just now", async () => {
  let keys = issuer.keys;
  const verifier = createVerifier({ keys: () => keys, clock });
  const { token } = await issuer.mint();
  assert.equal(outcome(await verifier.verify(token)), "ok");
  assert.equal(outcome(await verifier.verify(token)), "ok");
  keys = createKeySet([]);
  assert.equal(outcome(await verifier.verify(token)), "capability.unknown_key");
  keys = issuer.keys;
  assert.ok(verifier.verify(token) instanceof Promise, "its signature is verified anew");
});

test("a token in constant use is never pushed out by those that come and go", async () => {
  const { keys, verifications } = countingKeys();
  const verifier = createVerifier({ keys, clock, cacheEntriesMax: 8 });
  const { token } = await issuer.mint();
  await verifier.verify(token);
  for (let round = 0; round < 40; round += 1) {
    assert.equal(outcome(await verifier.verify((await issuer.mint()).token)), "ok");
    assert.ok(!(verifier.verify(token) instanceof Promise));
  }
  assert.equal(verifications(), 41);
});

test("a refused token is never remembered", async () => {
  const { keys, verifications } = countingKeys();
  const verifier = createVerifier({ keys, clock, tenant: "other" });
  const { token } = await issuer.mint();
  assert.equal(outcome(await verifier.verify(token)), "capability.tenant");
  assert.equal(outcome(await verifier.verify(token)), "capability.tenant");
  assert.equal(verifications(), 2);
});

test("the cache keeps the tokens used last, and no more than it may", async () => {
  const { keys, verifications } = countingKeys();
  const verifier = createVerifier({ keys, clock, cacheEntriesMax: 2 });
  const minted = await Promise.all([issuer.mint(), issuer.mint(), issuer.mint()]);
  const [a = "", b = "", c = ""] = minted.map((each) => each.token);
  for (const token of [a, b, a, c]) assert.equal(outcome(await verifier.verify(token)), "ok");
  assert.equal(verifications(), 3);
  for (const token of [a, c]) await verifier.verify(token);
  assert.equal(verifications(), 3);
  await verifier.verify(b);
  assert.equal(verifications(), 4);
});

test("many callers with one new token cost one verification", async () => {
  const { keys, verifications } = countingKeys();
  const verifier = createVerifier({ keys, clock });
  const { token } = await issuer.mint();
  const results = await Promise.all(Array.from({ length: 50 }, () => verifier.verify(token)));
  assert.ok(results.every((each) => each.ok));
  assert.equal(verifications(), 1);
});

test("a flood of new tokens is capped, while known tokens pass", async () => {
  const verifier = createVerifier({ keys: () => issuer.keys, clock, inFlightMax: 2 });
  const minted = await Promise.all([issuer.mint(), issuer.mint(), issuer.mint(), issuer.mint()]);
  const [known = "", ...fresh] = minted.map((each) => each.token);
  await verifier.verify(known);
  const flood = fresh.map((token) => verifier.verify(token));
  assert.equal(outcome(await verifier.verify(known)), "ok");
  assert.deepEqual((await Promise.all(flood)).map(outcome), ["ok", "ok", "capability.unavailable"]);
  assert.equal(outcome(await verifier.verify(fresh[2] ?? "")), "ok");
});

test("a failed verification gives its place back", async () => {
  const verifier = createVerifier({ keys: () => issuer.keys, clock, inFlightMax: 1 });
  const { token } = await issuer.mint();
  const forged = `${token.slice(0, 60)}A${token.slice(61)}`;
  for (let round = 0; round < 3; round += 1) {
    assert.equal(outcome(await verifier.verify(forged)), "capability.signature");
  }
  assert.equal(outcome(await verifier.verify(token)), "ok");
});

test("keys rotate without a failed call, and a retired key ends when it says", async () => {
  const next = await createIssuer();
  const now = fixedClock(NOW);
  let keys = issuer.keys;
  const verifier = createVerifier({ keys: () => keys, clock: now, tenant: "acme" });
  const old = (await issuer.mint()).token;
  assert.equal(outcome(await verifier.verify(old)), "ok");

  keys = createKeySet([issuer.published, { ...next.published, status: "published" }]);
  const fresh = (await next.mint()).token;
  assert.deepEqual(
    [outcome(await verifier.verify(old)), outcome(await verifier.verify(fresh))],
    ["ok", "ok"],
  );

  const not_after = new Date(NOW + HOUR_MS).toISOString();
  keys = createKeySet([{ ...issuer.published, status: "retired", not_after }, next.published]);
  assert.deepEqual(
    [outcome(await verifier.verify(old)), outcome(await verifier.verify(fresh))],
    ["ok", "ok"],
  );

  now.advance(HOUR_MS);
  assert.equal(outcome(await verifier.verify(old)), "capability.unknown_key");
  assert.equal(outcome(await verifier.verify(fresh)), "ok");

  keys = createKeySet([]);
  assert.equal(outcome(await verifier.verify(fresh)), "capability.unknown_key");
});

test("a key of another use verifies no token", async () => {
  const keys = createKeySet([{ ...issuer.published, use: "bundle" }]);
  const verifier = createVerifier({ keys: () => keys, clock });
  assert.equal(outcome(await verifier.verify((await issuer.mint()).token)), "capability.unknown_key");
});

test("a token of another tenant is refused, however it was attenuated", async () => {
  const verifier = createVerifier({ keys: () => issuer.keys, clock, tenant: "acme" });
  const foreign = await issuer.mint({ tenant: "rival", attenuable: true });
  const attenuationKey = foreign.attenuationKey ?? "";
  const child = await attenuate({ token: foreign.token, attenuationKey, caveats: [] }, { clock, newId });
  for (const token of [foreign.token, child.token]) {
    assert.equal(outcome(await verifier.verify(token)), "capability.tenant");
  }
});

test("without a tenant of its own the verifier accepts every tenant", async () => {
  const verifier = createVerifier({ keys: () => issuer.keys, clock });
  const verified = await verifier.verify((await issuer.mint({ tenant: "rival" })).token);
  assert.equal(verified.ok && verified.capability.tenant, "rival");
});

test("trouble of our own denies, is reported, and is no exception", async () => {
  const heard: Fault[] = [];
  const broken = (): KeySet => {
    throw new Error("the key store is gone");
  };
  const verifier = createVerifier({ keys: broken, clock, onFault: (fault) => heard.push(fault) });
  assert.equal(outcome(await verifier.verify((await issuer.mint()).token)), "capability.unavailable");
  assert.match(heard[0]?.detail ?? "", /the key store is gone/);
});

test("a missing token is named as such", async () => {
  assert.equal(outcome(await issuer.verify("")), "capability.missing");
});
