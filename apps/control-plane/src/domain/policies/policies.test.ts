// The history of what was in force: whole, one revision higher with each change, and walked back one step at a time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openBundle } from "@postern/policy";
import { createKeySet } from "@postern/signing";
import {
  ENGINES,
  opaCompiler,
  pretendToCompile,
  type TestPlane,
  testPlane,
} from "../../control-plane.fixture.ts";
import { renewBundles } from "../../workers/renew-bundles.ts";
import { createPolicyCompiler } from "./compiler.ts";

async function draftOf(plane: TestPlane, source: string): Promise<string> {
  const body = { name: source, rego_source: `package intentgate.policy # ${source}`, tenant: "acme" };
  return (await plane.request("POST", "/v1/admin/policies/drafts", { body })).json.id;
}

const promote = (plane: TestPlane, draft_id: string) =>
  plane.request("POST", "/v1/admin/policies/active", { body: { draft_id } });
const rollback = (plane: TestPlane) => plane.request("POST", "/v1/admin/policies/rollback?tenant=acme");
const clear = (plane: TestPlane) => plane.request("DELETE", "/v1/admin/policies/active?tenant=acme");

for (const engine of ENGINES) {
  test(`${engine}: rollback walks the whole history back, and a new promotion starts from where it came`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const [a, b, c, d] = [
      await draftOf(plane, "a"),
      await draftOf(plane, "b"),
      await draftOf(plane, "c"),
      await draftOf(plane, "d"),
    ];
    for (const draft of [a, b, c]) assert.equal((await promote(plane, draft)).status, 200);
    const steps = [
      await rollback(plane),
      await promote(plane, d),
      await rollback(plane),
      await rollback(plane),
    ];
    assert.deepEqual(
      steps.map((step) => step.json.name),
      ["b", "d", "b", "a"],
    );
    assert.deepEqual(
      steps.map((step) => step.json.revision),
      [4, 5, 6, 7],
    );
    const end = await rollback(plane);
    assert.deepEqual([end.status, end.json.code], [404, "policies.no_previous"]);

    await clear(plane);
    await clear(plane);
    assert.equal((await plane.request("GET", "/v1/admin/policies/active?tenant=acme")).status, 404);
    const restored = await rollback(plane);
    assert.deepEqual([restored.json.name, restored.json.revision], ["a", 9]);
  });

  test(`${engine}: a draft that was promoted never changes again, and the answer says what to do`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const draft = await draftOf(plane, "a");
    await promote(plane, draft);
    await clear(plane);
    for (const [method, body] of [
      ["PUT", { description: "new" }],
      ["DELETE", undefined],
    ] as const) {
      const path = `/v1/admin/policies/drafts/${draft}`;
      const refused = await plane.request(method, path, body === undefined ? {} : { body });
      assert.deepEqual([refused.status, refused.json.code], [409, "policies.promoted"]);
      assert.match(refused.json.error, /new draft/);
    }
    assert.equal((await promote(plane, draft)).status, 200);
  });

  test(`${engine}: the bundle that sidecars are pointed to is there, is signed, and is the tenant's`, async (t) => {
    const compile = opaCompiler(t);
    const plane = compile && (await testPlane(t, engine, { compile }));
    if (plane === undefined) return;
    await promote(plane, await draftOf(plane, '\ndecision := {"allow": true}\n'));
    const { digest, revision } = (await plane.request("GET", "/v1/admin/policies/active?tenant=acme")).json;
    const { json } = await plane.request("POST", "/v1/admin/sidecars", { body: { tenant: "acme" } });
    const stranger = await plane.request("POST", "/v1/admin/sidecars", { body: { tenant: "beta" } });
    const path = `/v1/sidecar/bundles/${digest}`;
    assert.equal((await plane.request("GET", path, { token: stranger.json.credential })).status, 404);
    const fetched = await plane.app.request(path, {
      headers: { authorization: `Bearer ${json.credential}` },
    });
    const bytes = new Uint8Array(await fetched.arrayBuffer());
    const published = await plane.units.read((db) => plane.nouns.keys.published(db, "acme"));
    const options = { keys: createKeySet(published), tenant: "acme", revisionMin: revision, digest };
    const opened = await openBundle(bytes, { ...options, nowMs: plane.clock.nowMs() });
    assert.equal(opened.pointer.revision, revision);
  });

  test(`${engine}: the active bundle is signed anew before it ends, and a cleared one is not`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    await promote(plane, await draftOf(plane, "a"));
    await promote(plane, await draftOf(plane, "b"));
    const renew = () => renewBundles(plane.nouns, plane.units, plane.actor, plane.clock);
    const path = "/v1/admin/policies/active?tenant=acme";
    await renew();
    assert.equal((await plane.request("GET", path)).json.revision, 2);
    plane.clock.advance(11 * 86_400_000);
    await renew();
    await renew();
    const renewed = (await plane.request("GET", path)).json;
    assert.deepEqual([renewed.revision, renewed.name], [3, "b"]);
    assert.equal(renewed.expires_at, new Date(plane.clock.nowMs() + 30 * 86_400_000).toISOString());
    assert.equal((await rollback(plane)).json.name, "a");
    await clear(plane);
    plane.clock.advance(40 * 86_400_000);
    await renew();
    assert.equal((await plane.request("GET", path)).status, 404);
  });

  test(`${engine}: a draft that changes while it is being promoted is not promoted`, async (t) => {
    let meanwhile: (() => Promise<unknown>) | undefined;
    const plane = await testPlane(t, engine, {
      compile: async (source) => {
        const work = meanwhile;
        meanwhile = undefined;
        await work?.();
        return await pretendToCompile(source);
      },
    });
    if (plane === undefined) return;
    const draft = await draftOf(plane, "a");
    meanwhile = () =>
      plane.request("PUT", `/v1/admin/policies/drafts/${draft}`, { body: { rego_source: "package other" } });
    const refused = await promote(plane, draft);
    assert.deepEqual([refused.status, refused.json.code], [409, "policies.changed"]);
    assert.equal((await plane.request("GET", "/v1/admin/policies/active?tenant=acme")).status, 404);
  });
}

test("the compiler's own words reach the author, at save and at promotion, and nothing is stored", async (t) => {
  const compile = opaCompiler(t);
  const plane = compile && (await testPlane(t, "embedded", { compile }));
  if (plane === undefined) return;
  const drafts = "/v1/admin/policies/drafts";
  const bad = 'package intentgate.policy\n\ndecision := {"allow": tru}\n';
  const refused = await plane.request("POST", drafts, {
    body: { name: "bad", rego_source: bad, tenant: "acme" },
  });
  assert.equal(refused.status, 400);
  assert.match(refused.json.error, /rego_unsafe_var_error: var tru is unsafe/);
  assert.match(refused.json.error, /:3:/);
  assert.deepEqual((await plane.request("GET", drafts)).json, []);
  const good = bad.replace("tru}", "true}");
  const created = await plane.request("POST", drafts, {
    body: { name: "good", rego_source: good, tenant: "acme" },
  });
  assert.equal(created.status, 201);
  assert.equal((await promote(plane, created.json.id)).status, 200);
  const worse = await plane.request("PUT", `${drafts}/${created.json.id}`, { body: { rego_source: bad } });
  assert.equal(worse.status, 400);
});

test("without a compiler drafts answer 503", async (t) => {
  const plane = await testPlane(t, "embedded", { compile: createPolicyCompiler({ opaPath: undefined }) });
  const body = { name: "a", rego_source: "package intentgate.policy" };
  const refused = await plane?.request("POST", "/v1/admin/policies/drafts", { body });
  assert.deepEqual([refused?.status, refused?.json.code], [503, "policies.no_compiler"]);
});
