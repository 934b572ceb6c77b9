// What holds for every row of the doors, generated from the rows: a row that is added is swept with the others.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { BODY_BYTES_MAX } from "@postern/surface";
import { z } from "zod";
import { BETA, SUPERADMIN, testPlane } from "../control-plane.fixture.ts";
import {
  ADMIN_ROWS,
  addressOf,
  belongingsOf,
  FLEET_ROWS,
  type Row,
  type Sample,
  samplesOf,
} from "./rows.fixture.ts";

const ALL_ROWS = [...ADMIN_ROWS, ...FLEET_ROWS];

async function setup(t: TestContext) {
  const plane = await testPlane(t, "embedded");
  assert.ok(plane !== undefined);
  const things = await belongingsOf(plane);
  const samples = samplesOf(things);
  const sampleOf = (row: Row): Sample => {
    const sample = samples[row.id];
    assert.ok(sample !== undefined, `${row.id} has a sample call`);
    return sample;
  };
  const tokenOf = (row: Row) => (FLEET_ROWS.includes(row) ? things.credential : SUPERADMIN);
  const call = (row: Row, sample: Sample, token = tokenOf(row), headers: Record<string, string> = {}) =>
    plane.request(row.method, addressOf(row, sample), { token, body: sample.body, headers });
  return { plane, things, sampleOf, call };
}

const fieldsOf = (schema: z.ZodType | undefined): string[] =>
  schema === undefined
    ? []
    : Object.keys(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }).properties ?? {});

test("every field of every row is in its sample call", async (t) => {
  const { sampleOf } = await setup(t);
  for (const row of ALL_ROWS) {
    const sample = sampleOf(row);
    const body = row.body instanceof z.ZodOptional ? (row.body.unwrap() as z.ZodType) : row.body;
    assert.deepEqual(Object.keys(sample.query ?? {}).sort(), fieldsOf(row.query).sort(), row.id);
    assert.deepEqual(Object.keys(sample.body ?? {}).sort(), fieldsOf(body).sort(), row.id);
  }
});

test("whoever has no credential, or a wrong one, is refused by every row", async (t) => {
  const { plane, sampleOf, call } = await setup(t);
  for (const row of ALL_ROWS) {
    const sample = sampleOf(row);
    const anonymous = await plane.app.request(addressOf(row, sample), { method: row.method });
    assert.equal(anonymous.status, 401, row.id);
    assert.equal(anonymous.headers.get("www-authenticate"), "Bearer", row.id);
    // Guessing is made to wait, and stays refused.
    assert.ok([401, 429].includes((await call(row, sample, "wrong")).status), row.id);
  }
});

test("a field that no row declares is refused by every row, by its name", async (t) => {
  const { sampleOf, call } = await setup(t);
  for (const row of ALL_ROWS) {
    const sample = sampleOf(row);
    const asked = await call(row, { ...sample, query: { ...sample.query, nope: "1" } });
    assert.equal(asked.status, 400, `${row.id}: ${asked.text}`);
    assert.match(asked.json.error, /query\.nope: unknown field/, row.id);
    if (row.body === undefined) continue;
    const sent = await call(row, { ...sample, body: { ...sample.body, nope: 1 } });
    assert.equal(sent.status, 400, `${row.id}: ${sent.text}`);
    assert.match(sent.json.error, /body\.nope: unknown field/, row.id);
  }
});

test("a body that is too large, or that a row does not take, is refused by every row", async (t) => {
  const { sampleOf, call } = await setup(t);
  for (const row of ALL_ROWS) {
    const bytes = (row.bodyBytesMax ?? BODY_BYTES_MAX) + 1;
    if (row.method === "GET") continue;
    const refused = await call(row, { ...sampleOf(row), body: {} }, undefined, {
      "content-length": String(bytes),
    });
    assert.equal(refused.status, row.body === undefined ? 400 : 413, `${row.id}: ${refused.text}`);
    if (refused.status === 413)
      assert.equal(refused.json.error, `The body is larger than ${bytes - 1} bytes.`, row.id);
  }
});

/** Document 001 knows no other way to begin a tenant. */
const BEGINNINGS: ReadonlySet<string> = new Set(["capability_mint", "policy_draft_create"]);

test("a superadmin who names a tenant that is not there is told so by every row but those that begin one", async (t) => {
  const { plane, sampleOf, call } = await setup(t);
  let calls = 0;
  for (const row of ADMIN_ROWS) {
    const sample = sampleOf(row);
    for (const part of ["query", "body"] as const) {
      if (sample[part]?.tenant === undefined) continue;
      const named: Record<string, unknown> = { ...sample[part], tenant: "nope" };
      delete named.cursor;
      // The body's tenant goes before the query's.
      const other = part === "query" && row.body !== undefined && sample.body?.tenant !== undefined;
      const wrong = { ...sample, [part]: named, ...(other ? { body: {} } : {}) } as Sample;
      if (BEGINNINGS.has(row.id)) continue;
      const refused = await call(row, wrong);
      assert.deepEqual([refused.status, refused.json.code], [404, "tenant.not_found"], row.id);
      assert.match(refused.json.error, /^There is no tenant "nope"\. .*POST \/v1\/admin\/tenants/, row.id);
      calls += 1;
    }
  }
  assert.ok(calls >= 18, `${calls} rows name a tenant`);
  const tenants = (await plane.request("GET", "/v1/admin/tenants")).json;
  assert.deepEqual(
    tenants.map(({ name }: { name: string }) => name),
    ["acme", "beta", "default"],
  );
  const read = await plane.request("GET", "/v1/admin/audit?limit=1000");
  assert.ok(!read.text.includes('"nope"'));
});

test("a superadmin's first token or draft begins the tenant, and that is told", async (t) => {
  const { plane, sampleOf, call } = await setup(t);
  for (const row of ADMIN_ROWS.filter(({ id }) => BEGINNINGS.has(id))) {
    const tenant = row.id.replaceAll("_", "-");
    const sample = sampleOf(row);
    const begun = await call(row, { ...sample, body: { ...sample.body, tenant } } as Sample);
    assert.ok(begun.status < 300, `${row.id}: ${begun.text}`);
    const told = await plane.request("GET", `/v1/admin/audit?tenant=${tenant}&tool=admin/create_tenant`);
    assert.equal(told.json.items.length, 1, row.id);
  }
});

/** What another tenant's admin is answered: 403 where the row is not a tenant's, 404 where it names acme's thing, else its own. */
const FOREIGN: Readonly<Record<string, number>> = {
  capability_mint: 404,
  capability_step_up: 404,
  capability_revoke: 404,
  revocation_list: 200,
  halt_engage: 404,
  halt_list: 200,
  halt_release: 404,
  halt_release_target: 404,
  policy_draft_list: 200,
  policy_draft_create: 404,
  policy_draft_view: 404,
  policy_draft_update: 404,
  policy_draft_delete: 404,
  policy_active_view: 404,
  policy_promote: 404,
  policy_clear: 204,
  policy_dry_run: 404,
  policy_rollback: 404,
  policy_history: 200,
  policy_proposal_list: 200,
  policy_proposal_view: 404,
  policy_proposal_decide: 404,
  policy_rollout_start: 404,
  policy_rollout_list: 200,
  policy_rollout_view: 404,
  policy_rollout_change: 404,
  policy_rollout_complete: 404,
  policy_rollout_stop: 404,
  audit_query: 200,
  audit_verify: 200,
  audit_checkpoint: 200,
  audit_export: 200,
  tenant_list: 200,
  tenant_create: 403,
  sidecar_create: 404,
  sidecar_list: 200,
  sidecar_delete: 404,
  key_list: 200,
  key_prepare: 403,
  key_publish: 403,
  key_activate: 403,
  key_retire: 403,
  issuer_create: 404,
  issuer_list: 200,
  issuer_view: 404,
  issuer_replace: 404,
  issuer_delete: 404,
  issuer_explain: 404,
  operator_me: 200,
  operator_create: 404,
  operator_list: 200,
  operator_view: 404,
  operator_change: 404,
  operator_remove: 404,
  operator_token_issue: 404,
  operator_token_list: 404,
  operator_token_revoke: 404,
  settings_view: 200,
  settings_change: 404,
  tool_list: 200,
  tool_mode_view: 200,
  tool_mode_set: 404,
  tool_view: 404,
  tool_approve: 404,
  tool_quarantine: 404,
  upstream_create: 404,
  upstream_list: 200,
  upstream_view: 404,
  upstream_replace: 404,
  upstream_delete: 404,
  approval_list: 200,
  approval_view: 404,
  approval_decide: 404,
  webhook_create: 404,
  webhook_list: 200,
  webhook_view: 404,
  webhook_change: 404,
  webhook_delete: 404,
  webhook_secret_rotate: 404,
  webhook_test: 404,
  webhook_delivery_list: 404,
  webhook_delivery_retry: 404,
  integration_list: 200,
  elevation_request: 404,
  elevation_list: 200,
  elevation_view: 404,
  elevation_decide: 404,
  elevation_end: 404,
};

test("another tenant's admin is answered by every row as decided, and learns and changes nothing", async (t) => {
  const { plane, things, sampleOf, call } = await setup(t);
  const { draft, jti, sidecar, kid, issuer, tool, toolDigest, approval, halt, rollout, proposal } = things;
  const { webhook, delivery, elevation } = things;
  for (const row of ADMIN_ROWS) {
    const sample = sampleOf(row);
    const { cursor, ...query } = sample.query ?? {};
    const answered = await call(row, { ...sample, query }, BETA);
    assert.equal(answered.status, FOREIGN[row.id], `${row.id}: ${answered.text}`);
    for (const secret of [
      draft,
      jti,
      sidecar,
      kid,
      issuer,
      tool,
      toolDigest,
      approval,
      halt,
      rollout,
      proposal,
      webhook,
      delivery,
      elevation,
    ])
      assert.ok(!answered.text.includes(secret), row.id);
    const foreignRow = await call(row, sample, things.credential);
    assert.ok([401, 429].includes(foreignRow.status), row.id);
  }
  const active = await plane.request("GET", "/v1/admin/policies/active?tenant=acme");
  assert.equal(active.json.draft_id, draft);
  const revoked = await plane.request("GET", "/v1/admin/revocations?tenant=acme");
  assert.deepEqual(revoked.json.items, []);
});

/** Every variant of a value in which one text is replaced. */
function* spoiled(value: unknown, text: string): Generator<unknown> {
  if (typeof value === "string") yield text;
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    for (const other of spoiled(inner, text)) {
      yield Array.isArray(value) ? value.with(Number(key), other) : { ...value, [key]: other };
    }
  }
}

test("no text in any field of any row brings trouble on our side", async (t) => {
  const { sampleOf, call } = await setup(t);
  const texts = ["\u0000", "a\u0000b", "\ud800", "b\udc00", "\uffff", "é\u0301", "'; drop table tenants; --"];
  let calls = 0;
  for (const row of ALL_ROWS) {
    const sample = sampleOf(row);
    for (const part of ["params", "query", "body"] as const) {
      for (const text of texts) {
        // A lone half of a surrogate pair cannot be written into an address.
        if (part !== "body" && !text.isWellFormed()) continue;
        for (const value of spoiled(sample[part], text)) {
          const { status, text: answer } = await call(row, { ...sample, [part]: value });
          const isStorable = !text.includes("\u0000") && text.isWellFormed();
          const mustRefuse = !isStorable && row.takesAnyText !== true;
          assert.ok(mustRefuse ? status === 400 : status < 500, `${row.id} ${part}: ${status} ${answer}`);
          calls += 1;
        }
      }
    }
  }
  assert.ok(calls > 500, `${calls} calls`);
});
