import assert from "node:assert/strict";
import { test } from "node:test";
import type { PublishedKey } from "@postern/contracts";
import { createKeySet } from "./key-set.ts";
import { generateKeyPair } from "./signing-key.ts";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const { kid, publicKey } = await generateKeyPair();
const other = await generateKeyPair();
const base = { kid, public_key: publicKey, use: "capability" } as const;

const rows: readonly { name: string; key: PublishedKey; trusted: boolean }[] = [
  { name: "published", key: { ...base, status: "published" }, trusted: true },
  { name: "active", key: { ...base, status: "active" }, trusted: true },
  {
    name: "active, ended",
    key: { ...base, status: "active", not_after: "2026-11-22T12:00:00Z" },
    trusted: false,
  },
  {
    name: "retired, not ended",
    key: { ...base, status: "retired", not_after: "2026-11-22T12:00:01Z" },
    trusted: true,
  },
  {
    name: "retired, ended",
    key: { ...base, status: "retired", not_after: "2026-11-22T11:59:59Z" },
    trusted: false,
  },
  { name: "retired without end", key: { ...base, status: "retired" }, trusted: false },
  {
    name: "given an end that is no instant",
    key: { ...base, status: "active", not_after: "never" },
    trusted: false,
  },
];
for (const { name, key, trusted } of rows) {
  test(`a key that is ${name} is ${trusted ? "" : "not "}trusted`, () => {
    assert.equal(createKeySet([key]).find(kid, "capability", NOW), trusted ? key : undefined);
  });
}

test("a key is trusted for its own use and id only", () => {
  const keys = createKeySet([{ ...base, status: "active" }]);
  assert.ok(keys.find(kid, "capability", NOW));
  for (const use of ["root", "bundle", "state", "log"] as const) {
    assert.equal(keys.find(kid, use, NOW), undefined);
  }
  for (const id of [other.kid, "", "__proto__", "constructor"]) {
    assert.equal(keys.find(id, "capability", NOW), undefined);
  }
});

test("a key set with a wrong or doubled id is refused", () => {
  const wrongId: PublishedKey = { ...base, kid: other.kid, status: "active" };
  const twice: readonly PublishedKey[] = [
    { ...base, status: "active" },
    { ...base, use: "bundle", status: "active" },
  ];
  assert.throws(() => createKeySet([wrongId]), { kind: "invalid", code: "signing.key_set" });
  assert.throws(() => createKeySet(twice), { kind: "invalid", code: "signing.key_set" });
});
