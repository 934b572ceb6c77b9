// How often an issuer is asked for its keys, and which documents are keys at all.
import assert from "node:assert/strict";
import { test } from "node:test";
import { IssuerTrust } from "@postern/contracts";
import { fixedClock } from "@postern/testkit";
import { json, testIssuer } from "./issuer.fixture.ts";
import { createJsonFetch } from "./json-fetch.ts";
import { createKeySets } from "./key-sets.ts";

const RESOURCE = "https://sidecar.example/v1/mcp";
const trustOf = (jwks_uri?: string) =>
  IssuerTrust.parse({ audiences: [RESOURCE], rules: [], ...(jwks_uri !== undefined && { jwks_uri }) });

async function setup(t: Parameters<typeof testIssuer>[0]) {
  const issuer = await testIssuer(t);
  const clock = fixedClock();
  const keySets = createKeySets({ fetchJson: createJsonFetch({ mayBePrivate: true }), clock });
  const trusted = { issuer: issuer.url, trust: trustOf() };
  const fetched = () => issuer.asked.filter((path) => path === "/jwks").length;
  return { issuer, clock, keySets, trusted, fetched };
}

test("keys are found through the metadata, once for many tokens, and again when they are old", async (t) => {
  const { clock, keySets, trusted, fetched } = await setup(t);
  await Promise.all(Array.from({ length: 20 }, () => keySets.of(trusted)));
  await keySets.of(trusted);
  assert.equal(fetched(), 1);
  clock.advance(600_001);
  await keySets.of(trusted);
  assert.equal(fetched(), 2);
});

test("key ids that nobody knows do not make an issuer be asked more often", async (t) => {
  const { clock, keySets, trusted, fetched } = await setup(t);
  await keySets.of(trusted);
  for (let n = 0; n < 100; n += 1) await keySets.of(trusted, { isStale: true });
  assert.equal(fetched(), 1);
  clock.advance(30_000);
  for (let n = 0; n < 100; n += 1) await keySets.of(trusted, { isStale: true });
  assert.equal(fetched(), 2);
});

test("known keys outlast an issuer that is away, for an hour", async (t) => {
  const { issuer, clock, keySets, trusted } = await setup(t);
  await keySets.of(trusted);
  issuer.answers.set("/jwks", json({}, 500));
  clock.advance(3_000_000);
  await keySets.of(trusted);
  clock.advance(700_000);
  await assert.rejects(keySets.of(trusted), { code: "issuers.unreachable" });
});

test("an issuer without keys is asked again only after a pause", async (t) => {
  const { issuer, clock, keySets, trusted, fetched } = await setup(t);
  issuer.answers.set("/jwks", json({}, 500));
  for (let n = 0; n < 50; n += 1) await assert.rejects(keySets.of(trusted), { code: "issuers.unreachable" });
  assert.equal(fetched(), 1);
  clock.advance(5_000);
  issuer.publish([issuer.publicJwk]);
  await keySets.of(trusted);
});

test("the metadata must name the issuer that was asked, and keys at a web address", async (t) => {
  const { issuer, clock, keySets, trusted, fetched } = await setup(t);
  for (const metadata of [
    { issuer: `${issuer.url}/`, jwks_uri: `${issuer.url}/jwks` },
    { issuer: "https://other.example", jwks_uri: `${issuer.url}/jwks` },
    { issuer: issuer.url },
    { issuer: issuer.url, jwks_uri: "file:///etc/passwd" },
    { issuer: issuer.url, jwks_uri: "javascript:alert(1)" },
    { issuer: issuer.url, jwks_uri: "http://169.254.169.254/jwks" },
    { issuer: issuer.url, jwks_uri: "https://user:secret@login.example/jwks" },
    { issuer: issuer.url, jwks_uri: `${issuer.url}/jwks\n` },
  ]) {
    clock.advance(60_000);
    issuer.answers.set("/.well-known/openid-configuration", json(metadata));
    await assert.rejects(keySets.of(trusted), { kind: "unavailable" }, JSON.stringify(metadata));
  }
  assert.equal(fetched(), 0);
});

test("metadata that is only at the other well-known address is found (RFC 8414)", async (t) => {
  const { issuer, keySets } = await setup(t);
  const url = `${issuer.url}/tenant`;
  issuer.answers.set(
    "/.well-known/oauth-authorization-server/tenant",
    json({ issuer: url, jwks_uri: `${issuer.url}/jwks` }),
  );
  await keySets.of({ issuer: url, trust: trustOf() });
  assert.deepEqual(issuer.asked, [
    "/tenant/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/tenant",
    "/jwks",
  ]);
});

test("a key set of ten thousand keys is no key set, and neither is anything else", async (t) => {
  const { issuer, clock, keySets, trusted } = await setup(t);
  const small = { kty: "EC" };
  for (const document of [
    { keys: Array.from({ length: 10_000 }, () => issuer.publicJwk) },
    { keys: Array.from({ length: 10_000 }, () => small) },
    { keys: Array.from({ length: 65 }, () => small) },
    { keys: {} },
    [],
    null,
    { keys: [null] },
    { keys: ["k"] },
  ]) {
    clock.advance(60_000);
    issuer.answers.set("/jwks", json(document));
    await assert.rejects(keySets.of(trusted), { kind: "unavailable" });
  }
});

test("where one tenant says that keys are is nothing to another", async (t) => {
  const { issuer, keySets, trusted } = await setup(t);
  issuer.answers.set("/elsewhere", json({ keys: [] }));
  const own = await keySets.of({ issuer: issuer.url, trust: trustOf(`${issuer.url}/elsewhere`) });
  assert.notEqual(await keySets.of(trusted), own);
});
