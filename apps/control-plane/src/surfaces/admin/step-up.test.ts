// A fresh factor for a token that is in use: nothing else of the token changes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier } from "@postern/capability";
import { ACME, ENGINES, SUPERADMIN, testPlane } from "../../control-plane.fixture.ts";

const MINT = {
  ...{ subject: "agent-7", ttl_seconds: 3_600, tools: ["read_*"], max_calls: 5, step_up: true },
  attenuable: true,
};

for (const engine of ENGINES) {
  test(`${engine}: a token that is stepped up has the id, rights, end and issuer of the one before, and a factor of now`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const post = (token: string, path: string, body: object) =>
      plane.request("POST", `/v1/admin/${path}`, { token, body });
    const minted = (await post(ACME, "mint", MINT)).json;
    plane.clock.advance(600_000);
    const stepped = await post(SUPERADMIN, "step-up", { jti: minted.jti, tenant: "acme" });
    assert.equal(stepped.status, 200, stepped.text);
    assert.deepEqual([stepped.json.jti, stepped.json.expires_at], [minted.jti, minted.expires_at]);
    assert.match(stepped.json.attenuation_key, /^k4\.secret\./);
    const keys = await plane.units.read((db) => plane.nouns.keys.keySet(db, "acme"));
    const verifier = createVerifier({ keys: () => keys, tenant: "acme", clock: plane.clock });
    const [before, after] = await Promise.all([
      verifier.verify(minted.token),
      verifier.verify(stepped.json.token),
    ]);
    assert.ok(before.ok && after.ok);
    assert.deepEqual(
      [before.capability.stepUpAtMs, after.capability.stepUpAtMs],
      [plane.clock.nowMs() - 600_000, plane.clock.nowMs()],
    );
    const others = ({ capability }: typeof before & { ok: true }) =>
      capability.hops.flatMap(({ caveats }) => caveats.filter(({ type }) => type !== "step_up"));
    assert.deepEqual(others(after), others(before));
    const issuer = await plane.units.read((db) => plane.nouns.capabilities.issuerOf(db, "acme", minted.jti));
    assert.equal(issuer, "tenant-admin:acme");
    const told = await plane.request("GET", "/v1/admin/audit?tenant=acme&tool=admin/step_up");
    assert.deepEqual(
      [told.json.items[0].actor, told.json.items[0].capability_token_id],
      ["superadmin", minted.jti],
    );
  });
}

test("a token that has expired, was revoked or was never issued gets no fresh factor", async (t) => {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  const post = (path: string, body: object) =>
    plane.request("POST", `/v1/admin/${path}`, { token: ACME, body });
  const refused = async (jti: string) => {
    const { status, json } = await post("step-up", { jti });
    return [status, json.code];
  };
  const { jti: ends } = (await post("mint", { subject: "a", ttl_seconds: 60 })).json;
  const { jti: lasts } = (await post("mint", { subject: "a" })).json;
  plane.clock.advance(60_000);
  assert.deepEqual(await refused(ends), [409, "capabilities.expired"]);
  assert.equal((await post("step-up", { jti: lasts })).json.expires_at, undefined);
  await post("revoke", { jti: lasts });
  assert.deepEqual(await refused(lasts), [403, "capabilities.revoked"]);
  assert.deepEqual(await refused("nobody"), [404, "capabilities.unknown"]);
});
