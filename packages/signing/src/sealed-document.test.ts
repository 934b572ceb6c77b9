import assert from "node:assert/strict";
import { test } from "node:test";
import { createKeySet } from "./key-set.ts";
import { open, seal } from "./sealed-document.ts";
import { generateKeyPair, importSigningKey } from "./signing-key.ts";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const pair = await generateKeyPair();
const key = await importSigningKey(pair.secretKey);
const keys = createKeySet([{ kid: key.kid, public_key: key.publicKey, use: "state", status: "active" }]);
const document = { kind: "heartbeat", versions: { keys: 1 } };
const options = { keys, use: "state", purpose: "state", nowMs: NOW } as const;

test("a sealed document opens to itself and names its key", async () => {
  assert.deepEqual(await open(await seal(document, { key, purpose: "state" }), options), {
    document,
    kid: key.kid,
  });
});

test("a document sealed for one purpose opens for no other", async () => {
  for (const purpose of ["bundle", "acknowledgement", "keys"] as const) {
    const attempt = open(await seal(document, { key, purpose }), options);
    await assert.rejects(attempt, { kind: "unauthenticated", code: "signing.signature" });
  }
});

test("a key that is unknown, of another use or ended opens nothing", async () => {
  const sealed = await seal(document, { key, purpose: "state" });
  const ended = createKeySet([
    {
      kid: key.kid,
      public_key: key.publicKey,
      use: "state",
      status: "retired",
      not_after: "2026-11-22T12:00:00Z",
    },
  ]);
  for (const change of [{ keys: createKeySet([]) }, { use: "bundle" as const }, { keys: ended }]) {
    const attempt = open(sealed, { ...options, ...change });
    await assert.rejects(attempt, { kind: "unauthenticated", code: "signing.unknown_key" });
  }
});

test("a forged, unsigned or footerless document is refused", async () => {
  const forger = await importSigningKey((await generateKeyPair()).secretKey);
  const forged = await forger.sign(document, {
    footer: { kid: key.kid },
    implicitAssertion: "postern/state/v1",
  });
  await assert.rejects(open(forged, options), { code: "signing.signature" });
  const footerless = await key.sign(document, { implicitAssertion: "postern/state/v1" });
  await assert.rejects(open(footerless, options), { code: "signing.malformed" });
  await assert.rejects(open(JSON.stringify(document), options), { code: "signing.malformed" });
});
