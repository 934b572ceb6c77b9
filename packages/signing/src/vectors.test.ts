// The official PASETO v4 and PASERK k4 vectors, held against this package's own API.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  kidOf,
  publicKeyBytes,
  publicKeyText,
  secretKeyBytes,
  secretKeyIdOf,
  secretKeyText,
} from "./paserk.ts";
import { importSigningKey } from "./signing-key.ts";
import { verifyToken } from "./token.ts";
import { unwrapSecretKey, unwrapSymmetricKey, wrapSymmetricWith, wrapWith } from "./wrapped-key.ts";

interface Vector {
  readonly name: string;
  readonly "expect-fail": boolean;
  readonly key?: string;
  readonly paserk?: string | null;
  readonly unwrapped?: string | null;
  readonly "wrapping-key"?: string;
  readonly "public-key"?: string;
  readonly "secret-key"?: string;
  readonly token?: string;
  readonly payload?: string | null;
  readonly footer?: string;
  readonly "implicit-assertion"?: string;
}

const folder = findFolder(import.meta.dirname);

test("every official v4.public token verifies and is signed again to the same text", async (t) => {
  let count = 0;
  for (const vector of load(t, "v4.json").filter((each) => each.name.startsWith("4-S"))) {
    const implicitAssertion = vector["implicit-assertion"] ?? "";
    const token = vector.token ?? "";
    const publicKey = publicKeyText(bytes(vector["public-key"]));
    const payload = JSON.parse(vector.payload ?? "");
    const verified = await verifyToken(token, publicKey, { implicitAssertion });
    assert.deepEqual(verified.payload, payload, vector.name);
    assert.equal(JSON.stringify(verified.footer ?? ""), vector.footer || '""', vector.name);

    const key = await importSigningKey(secretKeyText(bytes(vector["secret-key"])));
    assert.equal(key.publicKey, publicKey, vector.name);
    const footer = vector.footer ? { footer: JSON.parse(vector.footer) } : {};
    assert.equal(await key.sign(payload, { implicitAssertion, ...footer }), token, vector.name);
    count += 1;
  }
  if (folder !== undefined) assert.equal(count, 3);
});

test("every other official v4 token, local or meant to fail, is refused", async (t) => {
  const vectors = load(t, "v4.json");
  const publicKey = vectors.find((each) => each.name === "4-S-1")?.["public-key"];
  for (const vector of vectors.filter((each) => !each.name.startsWith("4-S"))) {
    const implicitAssertion = vector["implicit-assertion"] ?? "";
    await assert.rejects(
      verifyToken(vector.token ?? "", publicKeyText(bytes(publicKey)), { implicitAssertion }),
      { name: "Fault", kind: "unauthenticated" },
      vector.name,
    );
  }
});

const serializations = [
  { file: "k4.public.json", read: publicKeyBytes, write: publicKeyText },
  { file: "k4.secret.json", read: secretKeyBytes, write: secretKeyText },
  { file: "k4.pid.json", read: undefined, write: (key: Uint8Array) => kidOf(publicKeyText(key)) },
  { file: "k4.sid.json", read: undefined, write: (key: Uint8Array) => secretKeyIdOf(secretKeyText(key)) },
];
for (const { file, read, write } of serializations) {
  test(`the official vectors of ${file} pass`, (t) => {
    for (const vector of load(t, `PASERK/${file}`)) {
      const key = bytes(vector.key);
      if (vector["expect-fail"]) {
        assert.throws(() => write(key), { code: "signing.key" }, vector.name);
        continue;
      }
      assert.equal(write(key), vector.paserk, vector.name);
      if (read !== undefined) assert.deepEqual(Buffer.from(read(vector.paserk ?? "")), key, vector.name);
    }
  });
}

test("the official vectors of k4.secret-wrap.pie.json pass", async (t) => {
  for (const vector of load(t, "PASERK/k4.secret-wrap.pie.json")) {
    const master = bytes(vector["wrapping-key"]);
    const wrapped = vector.paserk ?? "";
    if (vector["expect-fail"]) {
      await assert.rejects(unwrapSecretKey(wrapped, master), { code: "signing.wrapped_key" }, vector.name);
      continue;
    }
    const secretKey = secretKeyText(bytes(vector.unwrapped ?? ""));
    assert.equal(await unwrapSecretKey(wrapped, master), secretKey, vector.name);
    const nonce = Buffer.from(wrapped.split(".").at(-1) ?? "", "base64url").subarray(32, 64);
    assert.equal(wrapWith(secretKey, master, nonce), wrapped, vector.name);
  }
});

test("the official vectors of k4.local-wrap.pie.json pass", (t) => {
  for (const vector of load(t, "PASERK/k4.local-wrap.pie.json")) {
    const master = bytes(vector["wrapping-key"]);
    const wrapped = vector.paserk ?? "";
    if (vector["expect-fail"]) {
      assert.throws(() => unwrapSymmetricKey(wrapped, master), { code: "signing.wrapped_key" }, vector.name);
      continue;
    }
    const key = bytes(vector.unwrapped ?? "");
    assert.deepEqual(Buffer.from(unwrapSymmetricKey(wrapped, master)), key, vector.name);
    const nonce = Buffer.from(wrapped.split(".").at(-1) ?? "", "base64url").subarray(32, 64);
    assert.equal(wrapSymmetricWith(key, master, nonce), wrapped, vector.name);
  }
});

function load(t: TestContext, file: string): readonly Vector[] {
  if (folder === undefined) {
    t.skip("official vectors not found: ../shared/vectors/paseto");
    return [];
  }
  const parsed: { tests: readonly Vector[] } = JSON.parse(readFileSync(join(folder, file), "utf8"));
  return parsed.tests;
}

function findFolder(start: string): string | undefined {
  const here = join(start, "../shared/vectors/paseto");
  if (existsSync(here)) return here;
  return dirname(start) === start ? undefined : findFolder(dirname(start));
}

function bytes(hex = ""): Buffer {
  return Buffer.from(hex, "hex");
}
