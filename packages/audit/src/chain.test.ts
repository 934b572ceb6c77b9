import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { JsonValue } from "@postern/contracts";
import { canonicalize } from "./canonical.ts";
import { argumentsDigest, canonicalDigest, chainEntry, chainHash, entryBytes, recordHash } from "./chain.ts";
import { toHex, ZERO_HASH } from "./hash.ts";
import { leafHash } from "./merkle/node-hash.ts";
import { sampleDenial, sampleEvent } from "./sample-event.ts";

const previous = Buffer.alloc(32, 7);

test("the hash of a chain entry is the RFC 6962 leaf hash of its bytes", () => {
  const eventJson = canonicalize(sampleEvent(1) as JsonValue);
  assert.deepEqual(chainHash(eventJson, previous), leafHash(entryBytes(eventJson, previous)));
});

test("every field of an event and the hash before it are under the hash", () => {
  const event = sampleEvent(1);
  const hashes = new Set([chainEntry(0, ZERO_HASH, event).hash, chainEntry(0, "07".repeat(32), event).hash]);
  for (const name of Object.keys(event))
    hashes.add(chainEntry(0, ZERO_HASH, { ...event, [name]: "changed" }).hash);
  assert.equal(hashes.size, 2 + Object.keys(event).length);
});

test("the hash rules give the published values", () => {
  assert.equal(
    toHex(chainHash('{"a":1}', Buffer.alloc(32))),
    createHash("sha256").update('\0{"a":1}').update(Buffer.alloc(32)).digest("hex"),
  );
  const body = sampleDenial(1);
  const text = canonicalize(body as JsonValue);
  const preimage = Buffer.concat([Buffer.from("0000000100000002", "hex"), previous, Buffer.from(text)]);
  assert.equal(
    recordHash(2 ** 32 + 2, toHex(previous), body),
    createHash("sha256").update(preimage).digest("hex"),
  );
});

test("the digest of arguments depends on the salt and on the value, not on its spelling", () => {
  const salt = "00112233445566778899aabbccddeeff";
  const digest = argumentsDigest(salt, { b: 1, a: [2] });
  assert.equal(digest, argumentsDigest(salt, { a: [2], b: 1 }));
  assert.equal(
    digest,
    createHash("sha256").update(Buffer.from(salt, "hex")).update('{"a":[2],"b":1}').digest("hex"),
  );
  assert.notEqual(digest, argumentsDigest(salt.replace("00", "01"), { b: 1, a: [2] }));
});

test("arguments of any length and script are digested by the same rule, spelled canonically or not", () => {
  const salt = "00112233445566778899aabbccddeeff";
  for (const chars of [0, 1, 5_000, 5_461, 16_384, 100_000]) {
    for (const unit of ["x", "é", "€", "\u{1f600}"]) {
      const args = { b: unit.repeat(chars), a: 1 };
      const argsJson = canonicalize(args);
      const digest = createHash("sha256").update(Buffer.from(salt, "hex")).update(argsJson).digest("hex");
      assert.equal(argumentsDigest(salt, args), digest);
      assert.equal(canonicalDigest(salt, argsJson), digest);
    }
  }
});

test("a salt that is not 16 bytes of hexadecimal text is refused", () => {
  for (const salt of ["", "00", "00112233445566778899AABBCCDDEEFF", `${"0".repeat(31)}g`, "0".repeat(64)]) {
    assert.throws(() => argumentsDigest(salt, {}), { code: "audit.salt" });
  }
});
