import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import { ACME, BETA, ENGINES, testPlane } from "../../control-plane.fixture.ts";
import { createMemoryKeys, memoryKeyFrom } from "./memory-keys.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("a key is what other implementations derive from the same secret and id", () => {
  assert.equal(
    hex(memoryKeyFrom(Buffer.from("intentgate-test-master-key-32-by"), "test-session-jti-abc")),
    "e8b49e3464de329ffdf2bdb5e3e557a762281292daab04b0fc8b6aede03a422e",
  );
});

test("each token of each tenant under each master key has a key of its own, and the same one each time", () => {
  const [one, other] = [createMemoryKeys(Buffer.alloc(32, 1)), createMemoryKeys(Buffer.alloc(32, 2))];
  const keys = [
    ...[one.keyOf("acme", "a"), one.keyOf("acme", "b"), one.keyOf("beta", "a"), other.keyOf("acme", "a")],
    // What separates the two must not be mistaken for a part of one.
    ...[one.keyOf("acmea", ""), one.keyOf("acme", "a ")],
  ].map(hex);
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(hex(createMemoryKeys(Buffer.alloc(32, 1)).keyOf("acme", "a")), keys[0]);
  assert.throws(
    () => createMemoryKeys(undefined).keyOf("acme", "a"),
    (caught) => caught instanceof Fault && caught.code === "keys.no_master_key",
  );
});

for (const engine of ENGINES) {
  test(`${engine}: a token is minted with the key of its memory, and a sidecar of its tenant is given the same one`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const post = (path: string, body: object, token = ACME) => plane.request("POST", path, { token, body });
    const minted = await post("/v1/admin/mint", { subject: "a", with_memory_signing_key: true });
    assert.equal(minted.status, 200, minted.text);
    const { jti, memory_signing_key } = minted.json;
    assert.equal(
      memory_signing_key,
      Buffer.from(createMemoryKeys(plane.parts.masterKey).keyOf("acme", jti)).toString("base64url"),
    );
    const plain = await post("/v1/admin/mint", { subject: "a" });
    assert.ok(!("memory_signing_key" in plain.json));

    const own = (await post("/v1/admin/sidecars", {})).json.credential;
    const foreign = (await post("/v1/admin/sidecars", {}, BETA)).json.credential;
    const given = await post("/v1/sidecar/memory-keys", { jti }, own);
    assert.deepEqual([given.status, given.json], [200, { memory_signing_key }]);
    for (const [id, credential] of [
      [jti, foreign],
      ["nothing", own],
    ]) {
      const refused = await post("/v1/sidecar/memory-keys", { jti: id }, credential);
      assert.deepEqual([refused.status, refused.json.code], [404, "capabilities.unknown"]);
    }
    // The log tells that the key was given out, and never the key.
    const log = await plane.request("GET", "/v1/admin/audit/export?format=json", { token: ACME });
    assert.ok(log.text.includes('"memory_signing_key":true'));
    assert.ok(!log.text.includes(memory_signing_key));
  });
}
