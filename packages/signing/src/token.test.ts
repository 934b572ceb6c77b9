import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { generateKeyPair, importSigningKey } from "./signing-key.ts";
import { readFooter, readUnverified, verifyToken } from "./token.ts";

const pair = await generateKeyPair();
const key = await importSigningKey(pair.secretKey);
const other = await generateKeyPair();
const footer = { kid: key.kid };
const refused = { name: "Fault", kind: "unauthenticated" };

/** A validly signed token whose payload bytes are given literally, which the library's own signer would not write. */
async function signLiteral(payload: string | Uint8Array): Promise<string> {
  const message = Buffer.from(payload);
  const pieces = [Buffer.from("v4.public."), message, Buffer.alloc(0), Buffer.alloc(0)];
  const length = (size: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(size));
    return bytes;
  };
  const encoded = [length(pieces.length), ...pieces.flatMap((piece) => [length(piece.length), piece])];
  const signature = await key.signBytes(Buffer.concat(encoded));
  return `v4.public.${Buffer.concat([message, signature]).toString("base64url")}`;
}

test("a token carries exactly the payload and footer that were signed", async () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue());
  await fc.assert(
    fc.asyncProperty(object, async (value) => {
      const payload = JSON.parse(JSON.stringify({ value }));
      const verified = await verifyToken(await key.sign(payload, { footer }), key.publicKey);
      assert.deepEqual(verified, { payload, footer });
    }),
    { numRuns: 50 },
  );
});

test("a token without a footer verifies to an undefined footer", async () => {
  const token = await key.sign({ n: 1 });
  assert.deepEqual(await verifyToken(token, key.publicKey), { payload: { n: 1 }, footer: undefined });
});

test("time claims are carried, not judged", async () => {
  const payload = { exp: "1999-01-01T00:00:00Z", nbf: "2999-01-01T00:00:00Z", iat: "2999-01-01T00:00:00Z" };
  assert.deepEqual((await verifyToken(await key.sign(payload), key.publicKey)).payload, payload);
});

test("the implicit assertion must be the one that was signed", async () => {
  const token = await key.sign({ n: 1 }, { implicitAssertion: "a" });
  await verifyToken(token, key.publicKey, { implicitAssertion: "a" });
  for (const implicitAssertion of ["", "b", "a "]) {
    const attempt = verifyToken(token, key.publicKey, { implicitAssertion });
    await assert.rejects(attempt, { ...refused, code: "signing.signature" });
  }
});

test("another key's token is refused", async () => {
  const attempt = verifyToken(await key.sign({ n: 1 }), other.publicKey);
  await assert.rejects(attempt, { ...refused, code: "signing.signature" });
});

test("a footer taken from another token is refused", async () => {
  const token = await key.sign({ n: 1 }, { footer });
  const swapped = await key.sign({ n: 2 }, { footer: { kid: other.kid } });
  const [head, body] = token.split(/(?<=v4\.public)\./);
  const mixed = `${head}.${body?.split(".")[0]}.${swapped.split(".")[3]}`;
  await assert.rejects(verifyToken(mixed, key.publicKey), { ...refused, code: "signing.signature" });
});

test("no character of a token can be exchanged, and none can be cut off", async () => {
  const token = await key.sign({ sub: "a", list: [1, 2] }, { footer });
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~=+/ ";
  for (let at = 0; at < token.length; at += 1) {
    const [instead] = fc.sample(
      fc.constantFrom(...alphabet).filter((each) => each !== token[at]),
      1,
    );
    const mutated = token.slice(0, at) + instead + token.slice(at + 1);
    await assert.rejects(verifyToken(mutated, key.publicKey), refused, mutated);
    await assert.rejects(verifyToken(token.slice(0, at), key.publicKey), refused);
  }
});

test("every malformed spelling of a good token is refused before its signature is looked at", async () => {
  const token = await key.sign({ n: 1 }, { footer });
  const body = token.split(".").slice(2).join(".");
  const spellings = {
    empty: "",
    "other version": `v2.public.${body}`,
    "version 3": `v3.public.${body}`,
    "upper case": `V4.public.${body}`,
    "local purpose": `v4.local.${body}`,
    "leading space": ` ${token}`,
    "trailing space": `${token} `,
    "trailing newline": `${token}\n`,
    "trailing dot": `${token}.`,
    "empty footer": `${token.split(".").slice(0, 3).join(".")}.`,
    "extra segment": `${token}.e30`,
    padding: `${token}=`,
    "signature alone": `v4.public.${Buffer.alloc(64).toString("base64url")}`,
    "header alone": "v4.public.",
    "footer that is not JSON": await key.sign({ n: 1 }).then((bare) => `${bare}.YWJj`),
  };
  for (const [name, text] of Object.entries(spellings)) {
    await assert.rejects(verifyToken(text, key.publicKey), refused, name);
  }
});

test("a signed payload in any but the one accepted JSON form is refused", async () => {
  assert.deepEqual((await verifyToken(await signLiteral('{"a":1}'), key.publicKey)).payload, { a: 1 });
  const forms = {
    "duplicate key": '{"a":1,"a":1}',
    "duplicate key after escape": '{"a":1,"\\u0061":1}',
    "white space": '{"a": 1}',
    "needless escape": '{"a":"\\u0062"}',
    "number spelled long": '{"a":1.0}',
    "number beyond a double": '{"a":9007199254740993}',
    infinity: '{"a":1e400}',
    "keys out of the one order": '{"b":1,"1":1}',
    array: "[1]",
    null: "null",
    text: '"a"',
    "not JSON": "{a:1}",
    empty: " ",
    "registered claim of the wrong type": '{"exp":1}',
  };
  for (const [name, text] of Object.entries(forms)) {
    await assert.rejects(verifyToken(await signLiteral(text), key.publicKey), refused, name);
  }
  const marked = await signLiteral(Uint8Array.of(0xef, 0xbb, 0xbf, ...Buffer.from('{"a":1}')));
  await assert.rejects(verifyToken(marked, key.publicKey), refused, "byte order mark");
  const broken = await signLiteral(
    Buffer.concat([Buffer.from('{"a":"'), Uint8Array.of(0xff), Buffer.from('"}')]),
  );
  await assert.rejects(verifyToken(broken, key.publicKey), refused, "broken UTF-8");
});

test("the footer names a key only in its exact form", async () => {
  assert.deepEqual(readFooter(await key.sign({ n: 1 }, { footer })), footer);
  const hostile = [
    { kid: "../../etc/passwd" },
    { kid: "https://keys.example/k4.pid" },
    { kid: `${key.kid}x` },
    { kid: key.kid.replace("pid", "sid") },
    { kid: key.kid, jku: "https://keys.example" },
    { kid: 1 },
    {},
    { kid: "k".repeat(2000) },
  ];
  for (const each of hostile) {
    assert.equal(readFooter(await key.sign({ n: 1 }, { footer: each })), undefined, JSON.stringify(each));
  }
  for (const text of [
    "",
    "v4.public.e30",
    "v4.public.e30.",
    "v4.local.e30.e30",
    "v4.public.e30.e30.e30",
    "a.b.c.d",
  ]) {
    assert.equal(readFooter(text), undefined, text);
  }
});

test("reading without verifying gives the claims and refuses malformed text", async () => {
  assert.deepEqual(readUnverified(await key.sign({ n: 1 }, { footer })), { payload: { n: 1 }, footer });
  assert.throws(() => readUnverified("v4.public.AA"), { code: "signing.malformed" });
});

test("a payload that the format forbids cannot be signed", async () => {
  await assert.rejects(key.sign({ exp: 1 }), { kind: "invalid", code: "signing.payload" });
});
