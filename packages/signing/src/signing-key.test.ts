import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { kidOf, publicKeyBytes } from "./paserk.ts";
import { generateKeyPair, importSigningKey, verifyBytes } from "./signing-key.ts";
import { unwrapSecretKey, wrapSecretKey } from "./wrapped-key.ts";

const master = new Uint8Array(32).fill(7);

test("a generated pair belongs together", async () => {
  const pair = await generateKeyPair();
  const key = await importSigningKey(pair.secretKey);
  assert.equal(key.kid, pair.kid);
  assert.equal(key.publicKey, pair.publicKey);
  assert.equal(kidOf(pair.publicKey), pair.kid);
  assert.equal(publicKeyBytes(pair.publicKey).length, 32);
});

test("a signing key shows nothing of its secret half", async () => {
  const pair = await generateKeyPair();
  const key = await importSigningKey(pair.secretKey);
  const secret = pair.secretKey.slice("k4.secret.".length).slice(0, 40);
  assert.ok(!inspect(key, { depth: 9, showHidden: true }).includes(secret));
  assert.ok(!JSON.stringify(key).includes(secret));
});

test("raw signatures verify under the right key and bytes only", async () => {
  const pair = await generateKeyPair();
  const other = await generateKeyPair();
  const key = await importSigningKey(pair.secretKey);
  const data = Buffer.from("a note");
  const signature = await key.signBytes(data);
  assert.equal(signature.length, 64);
  assert.equal(await verifyBytes(data, signature, pair.publicKey), true);
  assert.equal(await verifyBytes(Buffer.from("a nope"), signature, pair.publicKey), false);
  assert.equal(await verifyBytes(data, signature, other.publicKey), false);
  assert.equal(await verifyBytes(data, signature.subarray(1), pair.publicKey), false);
});

test("malformed keys are refused without being quoted", async () => {
  const pair = await generateKeyPair();
  const hostile = [
    "",
    "k4.secret.",
    pair.publicKey,
    `${pair.secretKey}=`,
    pair.secretKey.replace("k4", "k2"),
  ];
  const flipped = pair.secretKey.slice(0, -4) + (pair.secretKey.endsWith("AAAA") ? "BBBB" : "AAAA");
  for (const text of [...hostile, flipped]) {
    await assert.rejects(importSigningKey(text), { kind: "invalid", code: "signing.key" });
    await importSigningKey(text).catch((fault: Error) =>
      assert.ok(text === "" || !fault.message.includes(text)),
    );
  }
  for (const text of ["", pair.secretKey, "k4.public.AA", `${pair.publicKey}A`, "k3.public.AAAA"]) {
    assert.throws(() => kidOf(text), { kind: "invalid", code: "signing.key" });
    await assert.rejects(verifyBytes(master, master, text), { code: "signing.key" });
  }
});

test("a key has one spelling: loose bits after its last byte are refused", async () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const { publicKey } = await generateKeyPair();
  const last = alphabet.indexOf(publicKey.at(-1) ?? "");
  for (const loose of [1, 2, 3]) {
    const twin = publicKey.slice(0, -1) + alphabet[last + loose];
    assert.deepEqual(Buffer.from(twin.slice(10), "base64url"), Buffer.from(publicKeyBytes(publicKey)));
    assert.throws(() => kidOf(twin), { kind: "invalid", code: "signing.key" });
  }
});

test("a wrapped key unwraps under its master key only, and no two wrappings are alike", async () => {
  const { secretKey } = await generateKeyPair();
  const wrapped = await wrapSecretKey(secretKey, master);
  assert.match(wrapped, /^k4\.secret-wrap\.pie\.[\w-]+$/);
  assert.notEqual(await wrapSecretKey(secretKey, master), wrapped);
  assert.equal(await unwrapSecretKey(wrapped, master), secretKey);
  const otherMaster = new Uint8Array(32).fill(8);
  await assert.rejects(unwrapSecretKey(wrapped, otherMaster), {
    kind: "invalid",
    code: "signing.wrapped_key",
  });
  for (let at = 0; at < wrapped.length; at += 7) {
    const mutated = wrapped.slice(0, at) + (wrapped[at] === "A" ? "B" : "A") + wrapped.slice(at + 1);
    await assert.rejects(unwrapSecretKey(mutated, master), { code: "signing.wrapped_key" });
  }
});

test("a master key of the wrong length and a key that is none are refused", async () => {
  const { secretKey } = await generateKeyPair();
  await assert.rejects(wrapSecretKey(secretKey, new Uint8Array(31)), { code: "signing.master_key" });
  await assert.rejects(unwrapSecretKey("k4.secret-wrap.pie.AA", new Uint8Array(0)), {
    code: "signing.master_key",
  });
  await assert.rejects(wrapSecretKey("k4.secret.AA", master), { code: "signing.key" });
});
