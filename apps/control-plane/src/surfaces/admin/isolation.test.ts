// No tenant's admin can learn that another tenant's thing exists (P9): by id, query, body, cursor or list.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ACME,
  BETA,
  ENGINES,
  type RequestOptions,
  type TestPlane,
  testPlane,
} from "../../control-plane.fixture.ts";

const REGO = 'package intentgate.policy\n\ndecision := {"allow": true}\n';

for (const engine of ENGINES) {
  test(`${engine}: what belongs to another tenant is not there`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { draft, jti, sidecar, kid, cursor } = await belongings(plane);
    const asked: [string, string, RequestOptions, number][] = [
      ["GET", `/v1/admin/policies/drafts/${draft}`, {}, 404],
      ["PUT", `/v1/admin/policies/drafts/${draft}`, { body: { name: "mine now" } }, 404],
      ["DELETE", `/v1/admin/policies/drafts/${draft}`, {}, 404],
      ["POST", "/v1/admin/policies/active", { body: { draft_id: draft } }, 404],
      ["POST", "/v1/admin/policies/active", { body: { draft_id: draft, tenant: "acme" } }, 404],
      ["POST", "/v1/admin/policies/rollback", { body: { tenant: "acme" } }, 404],
      ["POST", "/v1/admin/policies/drafts", { body: { name: "x", rego_source: REGO, tenant: "acme" } }, 404],
      ["POST", "/v1/admin/mint", { body: { subject: "x", tenant: "acme" } }, 404],
      ["POST", "/v1/admin/revoke", { body: { jti, tenant: "acme" } }, 404],
      ["POST", "/v1/admin/sidecars", { body: { tenant: "acme" } }, 404],
      ["DELETE", `/v1/admin/sidecars/${sidecar}`, {}, 404],
      ["DELETE", `/v1/admin/sidecars/${sidecar}?tenant=acme`, {}, 404],
      ["GET", `/v1/admin/audit?cursor=${cursor}&limit=1`, {}, 400],
      ["POST", "/v1/admin/tenants", { body: { name: "gamma" } }, 403],
      ["POST", "/v1/admin/keys", { body: { use: "log" } }, 403],
      ["POST", `/v1/admin/keys/${kid}/publish?tenant=acme`, {}, 403],
    ];
    for (const [method, path, options, status] of asked) {
      const answer = await plane.request(method, path, { ...options, token: BETA });
      assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
      const absent = path.includes(draft) || path.includes(sidecar);
      if (!absent) continue;
      // A thing of another tenant and a thing that does not exist are told apart by nothing.
      const nothing = path.replace(draft, "nothing").replace(sidecar, "nothing");
      const same = await plane.request(method, nothing, { ...options, token: BETA });
      assert.deepEqual([same.status, same.text], [answer.status, answer.text], path);
    }
  });

  test(`${engine}: a tenant's admin stays in its own tenant, whatever ?tenant= says`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { jti } = await belongings(plane);
    for (const path of ["/policies/drafts", "/revocations", "/audit", "/sidecars", "/keys", "/tenants"]) {
      const query = path === "/tenants" ? "" : "?tenant=acme";
      const answer = await plane.request("GET", `/v1/admin${path}${query}`, { token: BETA });
      assert.equal(answer.status, 200, path);
      const rows: { tenant?: string; name?: string }[] = answer.json.items ?? answer.json;
      for (const row of rows) assert.equal(path === "/tenants" ? row.name : row.tenant, "beta", path);
    }
    assert.equal(
      (await plane.request("GET", "/v1/admin/policies/active?tenant=acme", { token: BETA })).status,
      404,
    );
    assert.equal(
      (await plane.request("GET", "/v1/admin/audit/verify?tenant=acme", { token: BETA })).json.tenant,
      "beta",
    );
    const exported = await plane.request("GET", "/v1/admin/audit/export?format=ndjson&tenant=acme", {
      token: BETA,
    });
    assert.doesNotMatch(exported.text, /acme/);
    await plane.request("DELETE", "/v1/admin/policies/active?tenant=acme", { token: BETA });
    assert.equal((await plane.request("GET", "/v1/admin/policies/active", { token: ACME })).status, 200);

    // Revoking a foreign id is answered like any other, and revokes nothing over there.
    assert.equal(
      (await plane.request("POST", "/v1/admin/revoke", { token: BETA, body: { jti } })).status,
      204,
    );
    assert.equal(
      (await plane.request("POST", "/v1/admin/revoke", { token: BETA, body: { jti: "nothing" } })).status,
      204,
    );
    assert.deepEqual((await plane.request("GET", "/v1/admin/revocations", { token: ACME })).json.items, []);
  });

  test(`${engine}: a superadmin finds a thing by its id, and revokes only what exists`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { draft, jti } = await belongings(plane);
    assert.equal((await plane.request("GET", `/v1/admin/policies/drafts/${draft}`)).json.tenant, "acme");
    assert.equal((await plane.request("POST", "/v1/admin/revoke", { body: { jti: "nothing" } })).status, 404);
    assert.equal(
      (await plane.request("POST", "/v1/admin/revoke", { body: { jti: "block", tenant: "acme" } })).status,
      204,
    );
    assert.equal((await plane.request("POST", "/v1/admin/revoke", { body: { jti } })).status, 204);
    const acme = await plane.request("GET", "/v1/admin/revocations?tenant=acme");
    assert.deepEqual(acme.json.items.map((item: { jti: string }) => item.jti).sort(), ["block", jti].sort());
    assert.deepEqual((await plane.request("GET", "/v1/admin/revocations?tenant=beta")).json.items, []);
  });
}

async function belongings(plane: TestPlane) {
  const own = { token: ACME };
  const created = await plane.request("POST", "/v1/admin/policies/drafts", {
    ...own,
    body: { name: "acme's", rego_source: REGO },
  });
  const draft: string = created.json.id;
  await plane.request("POST", "/v1/admin/policies/active", { ...own, body: { draft_id: draft } });
  const minted = await plane.request("POST", "/v1/admin/mint", { ...own, body: { subject: "a" } });
  const added = await plane.request("POST", "/v1/admin/sidecars", { ...own, body: {} });
  const keys = await plane.request("GET", "/v1/admin/keys", own);
  const page = await plane.request("GET", "/v1/admin/audit?limit=1", own);
  const sidecar: string = added.json.sidecar_id;
  return {
    draft,
    jti: minted.json.jti as string,
    sidecar,
    kid: keys.json[0].kid as string,
    cursor: page.json.next_cursor,
  };
}
