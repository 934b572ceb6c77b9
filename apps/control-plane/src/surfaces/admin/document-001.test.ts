// The examples of document 001 for the endpoints that exist, in its order, on both engines: field by field, status by status.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ACME, BETA, ENGINES, testPlane } from "../../control-plane.fixture.ts";
import { parkedCall } from "../../domain/approvals/parked-call.fixture.ts";
import { LEDGER, trialPlane } from "../../domain/trials/trials.fixture.ts";

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;
const REGO = 'package intentgate.policy\n\ndecision := {"allow": true}\n';

for (const engine of ENGINES) {
  test(`${engine}: POST /v1/admin/mint answers as the document says`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    await plane.request("POST", "/v1/admin/tenants", { body: { name: "acme-corp" } });
    const minted = await plane.request("POST", "/v1/admin/mint", {
      body: {
        subject: "agent-finance-bot-7",
        issuer: "intentgate",
        tenant: "acme-corp",
        ttl_seconds: 3600,
        tools: ["read_invoice", "list_vendors"],
        max_calls: 100,
        step_up: false,
        with_memory_signing_key: false,
      },
    });
    assert.equal(minted.status, 200);
    assert.match(minted.json.token, /^v4\.public\./);
    assert.match(minted.json.jti, /^[0-9a-f-]{36}$/);
    assert.match(minted.json.expires_at, INSTANT);
    assert.deepEqual(Object.keys(minted.json), ["token", "jti", "expires_at", "subject", "tenant"]);

    const remembering = { subject: "agent", with_memory_signing_key: true, step_up: true };
    const keyed = await plane.request("POST", "/v1/admin/mint", { body: remembering });
    assert.deepEqual([keyed.status, keyed.json.expires_at], [200, undefined]);
    assert.match(keyed.json.memory_signing_key, /^[\w-]{43}$/);
    const invalid = await plane.request("POST", "/v1/admin/mint", { body: {} });
    assert.equal(invalid.status, 400);
    assert.equal(typeof invalid.json.error, "string");
    const anonymous = await plane.request("POST", "/v1/admin/mint", {
      token: "wrong",
      body: { subject: "agent" },
    });
    assert.equal(anonymous.status, 401);
    assert.equal(typeof anonymous.json.error, "string");
  });

  test(`${engine}: without a master key mint answers 503, and what needs no signature works`, async (t) => {
    const plane = await testPlane(t, engine, { masterKey: undefined });
    if (plane === undefined) return;
    const minted = await plane.request("POST", "/v1/admin/mint", { body: { subject: "agent" } });
    assert.equal(minted.status, 503);
    assert.match(minted.json.error, /master key/);
    assert.equal((await plane.request("GET", "/v1/admin/audit")).status, 200);
    assert.equal((await plane.request("GET", "/v1/admin/audit/verify")).json.verified, true);
    const ready = await plane.request("GET", "/readyz");
    assert.deepEqual(
      [ready.status, ready.json],
      [503, { ready: false, reasons: ["the master key is not configured"] }],
    );
  });

  test(`${engine}: POST /v1/admin/revoke and GET /v1/admin/revocations answer as the document says`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { jti } = (
      await plane.request("POST", "/v1/admin/mint", { body: { subject: "a", tenant: "acme" } })
    ).json;
    const revoked = await plane.request("POST", "/v1/admin/revoke", { body: { jti, reason: "rotation" } });
    assert.deepEqual([revoked.status, revoked.text], [204, ""]);
    assert.equal((await plane.request("POST", "/v1/admin/revoke", { body: { jti } })).status, 204);
    assert.equal((await plane.request("POST", "/v1/admin/revoke", { body: {} })).status, 400);
    assert.equal(
      (await plane.request("POST", "/v1/admin/revoke", { token: "wrong", body: { jti } })).status,
      401,
    );

    const listed = await plane.request("GET", "/v1/admin/revocations");
    assert.equal(listed.status, 200);
    const [item] = listed.json.items;
    assert.deepEqual(Object.keys(item), ["jti", "tenant", "revoked_at", "reason"]);
    assert.deepEqual([item.jti, item.tenant, item.reason], [jti, "acme", "rotation"]);
    assert.match(item.revoked_at, INSTANT);
    assert.equal(listed.json.items.length, 1);
    assert.equal((await plane.request("GET", "/v1/admin/revocations?limit=0")).status, 400);
    assert.equal((await plane.request("GET", "/v1/admin/revocations?limit=1001")).status, 400);
    assert.equal((await plane.request("GET", "/v1/admin/revocations", { token: "wrong" })).status, 401);
  });

  test(`${engine}: drafts are created, listed, read, changed and deleted as the document says`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const drafts = "/v1/admin/policies/drafts";
    await plane.request("POST", "/v1/admin/tenants", { body: { name: "acme-corp" } });
    const created = await plane.request("POST", drafts, {
      body: {
        name: "baseline-2026-06",
        description: "Add value-threshold rule for transfer_funds",
        rego_source: REGO,
        tenant: "acme-corp",
        created_by: "joe@acme-corp.example",
      },
    });
    assert.equal(created.status, 201);
    const { id, created_at, rego_sha256 } = created.json;
    assert.match(created_at, INSTANT);
    assert.match(rego_sha256, /^[0-9a-f]{64}$/);
    assert.equal(created.json.created_by, "joe@acme-corp.example");
    assert.equal(created.json.rego_source, REGO);
    assert.equal((await plane.request("POST", drafts, { body: { name: "x" } })).status, 400);
    assert.equal((await plane.request("POST", drafts, { token: "wrong", body: {} })).status, 401);

    const listed = await plane.request("GET", drafts);
    assert.equal(listed.status, 200);
    assert.ok(Array.isArray(listed.json));
    for (const field of ["id", "name", "description", "tenant", "created_by", "created_at", "rego_sha256"]) {
      assert.equal(listed.json[0][field], created.json[field], field);
    }
    assert.equal("rego_source" in listed.json[0], false);

    assert.deepEqual((await plane.request("GET", `${drafts}/${id}`)).json, created.json);
    assert.equal((await plane.request("GET", `${drafts}/nothing`)).status, 404);
    // Another tenant's is not there.
    for (const method of ["GET", "PUT", "DELETE"])
      assert.equal(
        (
          await plane.request(method, `${drafts}/${id}`, {
            token: BETA,
            ...(method === "PUT" && { body: {} }),
          })
        ).status,
        404,
      );
    const changed = await plane.request("PUT", `${drafts}/${id}`, { body: { description: "other words" } });
    assert.deepEqual(
      [changed.status, changed.json.description, changed.json.rego_source],
      [200, "other words", REGO],
    );
    assert.equal((await plane.request("PUT", `${drafts}/nothing`, { body: {} })).status, 404);
    assert.equal((await plane.request("PUT", `${drafts}/${id}`, { body: { rego: "" } })).status, 400);
    const deleted = await plane.request("DELETE", `${drafts}/${id}`);
    assert.deepEqual([deleted.status, deleted.text], [204, ""]);
    assert.equal((await plane.request("DELETE", `${drafts}/${id}`)).status, 404);
  });

  test(`${engine}: the active policy is promoted, read, rolled back and cleared as the document says`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const active = "/v1/admin/policies/active";
    await plane.request("POST", "/v1/admin/tenants", { body: { name: "acme-corp" } });
    assert.equal((await plane.request("GET", `${active}?tenant=acme-corp`)).status, 404);
    const first = await draft(1);
    const promoted = await plane.request("POST", active, {
      body: { draft_id: first, tenant: "acme-corp", promoted_by: "joe@acme-corp.example" },
    });
    assert.equal(promoted.status, 200);
    const { draft_id, name, promoted_by, promoted_at, rego_sha256, tenant } = promoted.json;
    assert.deepEqual(
      [draft_id, name, promoted_by, tenant],
      [first, "policy-1", "joe@acme-corp.example", "acme-corp"],
    );
    assert.match(promoted_at, INSTANT);
    assert.match(rego_sha256, /^[0-9a-f]{64}$/);
    assert.deepEqual((await plane.request("GET", `${active}?tenant=acme-corp`)).json, promoted.json);
    assert.equal((await plane.request("POST", active, { body: { draft_id: "nothing" } })).status, 404);
    assert.equal((await plane.request("POST", active, { body: {} })).status, 400);

    const second = await draft(2);
    await plane.request("POST", active, { body: { draft_id: second } });
    const back = await plane.request("POST", "/v1/admin/policies/rollback?tenant=acme-corp");
    assert.deepEqual([back.status, back.json.draft_id, back.json.rego_sha256], [200, first, rego_sha256]);

    const body = { rolled_back_by: "joe@acme-corp.example", tenant: "acme-corp", revision: 2 };
    const again = await plane.request("POST", "/v1/admin/policies/rollback", { body });
    assert.deepEqual([again.json.draft_id, again.json.promoted_by], [second, "joe@acme-corp.example"]);

    const cleared = await plane.request("DELETE", `${active}?tenant=acme-corp`);
    assert.deepEqual([cleared.status, cleared.text], [204, ""]);
    assert.equal((await plane.request("GET", `${active}?tenant=acme-corp`)).status, 404);

    async function draft(number: number): Promise<string> {
      const body = { name: `policy-${number}`, rego_source: `${REGO}# ${number}`, tenant: "acme-corp" };
      return (await plane?.request("POST", "/v1/admin/policies/drafts", { body }))?.json.id;
    }
  });

  test(`${engine}: a candidate is tried on an input and on calls of the past as the document says`, async (t) => {
    const plane = await trialPlane(t, engine);
    if (plane === undefined) return;
    await plane.tell([{ tool: "read_invoice" }]);
    const fields = ["input", "candidate_decision", "actual_decision", "rule"];
    for (const asked of [{ input: { tool: "read_invoice" } }, { sample: "last:500" }]) {
      const { status, json, text } = await plane.dryRun({ rego_source: LEDGER, tenant: "acme", ...asked });
      assert.equal(status, 200, text);
      assert.deepEqual(Object.keys(json.decisions[0]).slice(0, 4), fields);
      assert.deepEqual(
        [json.decisions[0].input.tool, json.decisions[0].candidate_decision],
        ["read_invoice", "allow"],
      );
    }
    const other = await plane.dryRun({
      rego: LEDGER,
      from: "2020-01-01T00:00:00Z",
      agent_id: "a",
      tool: "t",
      limit: 5,
    });
    assert.deepEqual([other.status, other.json.decisions], [200, []]);
    assert.equal((await plane.dryRun({ rego_source: "package", input: {} })).status, 400);
    assert.equal((await plane.dryRun({ rego_source: LEDGER })).status, 400);
    assert.equal((await plane.dryRun({ rego_source: LEDGER, input: {} }, "wrong")).status, 401);
  });

  test(`${engine}: the audit log is queried, verified and exported as the document says`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    await plane.request("POST", "/v1/admin/mint", { body: { subject: "agent-7", tenant: "acme" } });
    const queried = await plane.request(
      "GET",
      "/v1/admin/audit?tenant=acme&tool=admin/mint&subject=agent-7&decision=allow",
    );
    assert.equal(queried.status, 200);
    assert.equal(queried.json.items.length, 1);
    const document = [
      ...[
        "ts",
        "event",
        "schema_version",
        "decision",
        "check",
        "reason",
        "tenant",
        "agent_id",
        "session_id",
        "tool",
      ],
      ...[
        "arg_keys",
        "arg_values",
        "capability_token_id",
        "root_capability_token_id",
        "caveat_count",
        "pending_id",
      ],
      ...["decided_by", "intent_summary", "latency_ms", "remote_ip", "upstream_status", "requires_step_up"],
      "elevation_id",
    ];
    const [event] = queried.json.items;
    assert.deepEqual(Object.keys(event).slice(0, document.length), document);
    assert.deepEqual([event.schema_version, event.decision, event.tenant], ["v4", "allow", "acme"]);
    const alias =
      "/v1/admin/audit?tenant=acme&agent_id=agent-7&from=2020-01-01T00:00:00Z&to=2030-01-01T00:00:00Z";
    assert.equal((await plane.request("GET", alias)).json.items.length, 1);
    assert.equal((await plane.request("GET", "/v1/admin/audit?decision=perhaps")).status, 400);

    const verified = await plane.request("GET", "/v1/admin/audit/verify?tenant=acme");
    assert.deepEqual(Object.keys(verified.json), [
      ...["tenant", "verified", "events_checked", "chain_head_id", "chain_head_at", "duration_ms"],
      "first_broken_event_id",
    ]);
    assert.deepEqual([verified.json.tenant, verified.json.verified], ["acme", true]);
    assert.ok(verified.json.events_checked > 0);

    for (const [format, type] of [
      ["csv", "text/csv; charset=utf-8"],
      ["json", "application/json"],
      ["ndjson", "application/x-ndjson"],
    ]) {
      const exported = await plane.request("GET", `/v1/admin/audit/export?format=${format}&tenant=acme`);
      assert.deepEqual([exported.status, exported.headers.get("content-type")], [200, type]);
      assert.match(exported.text, /admin\/mint/);
    }
    assert.equal((await plane.request("GET", "/v1/admin/audit/export")).status, 400);
    assert.equal(
      (await plane.request("GET", "/v1/admin/audit/export?format=csv", { token: "wrong" })).status,
      401,
    );
  });

  test(`${engine}: approvals are listed and decided as the document says`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const { credential } = (await plane.request("POST", "/v1/admin/sidecars", { token: ACME, body: {} }))
      .json;
    const park = async (amount: number) => {
      const body = parkedCall({ arguments: { to: "ada", amount } });
      return (await plane.request("POST", "/v1/sidecar/approvals", { token: credential, body })).json
        .pending_id;
    };
    const [first, second] = [await park(1), await park(2)];
    const path = "/v1/admin/approvals";
    const listed = await plane.request("GET", `${path}?tenant=acme&limit=1`);
    assert.deepEqual([listed.status, Object.keys(listed.json)], [200, ["items", "next_cursor"]]);
    const [item] = listed.json.items;
    assert.deepEqual(Object.keys(item).slice(0, 8), [
      ...["id", "tenant", "agent_id", "capability_token_id", "tool", "arguments", "escalating_rule"],
      "created_at",
    ]);
    assert.deepEqual(
      [item.id, item.tenant, item.tool, item.arguments, item.escalating_rule],
      [second, "acme", "pay", { to: "ada", amount: 2 }, "payments"],
    );
    assert.match(item.created_at, INSTANT);
    const next = await plane.request("GET", `${path}?tenant=acme&limit=1&cursor=${listed.json.next_cursor}`);
    assert.deepEqual([next.json.items[0].id, next.json.next_cursor], [first, undefined]);
    assert.equal((await plane.request("GET", path, { token: "wrong" })).status, 401);
    const waiting = await plane.request("GET", "/v1/admin/tenants", { token: ACME });
    assert.equal(waiting.json[0].pending_approvals, 2);

    const decide = (id: string, body: object, token?: string) =>
      plane.request("POST", `${path}/${id}/decide`, { body, ...(token !== undefined && { token }) });
    assert.equal((await decide(first, { decision: "perhaps" })).status, 400);
    assert.equal((await decide(first, { decision: "approve" }, "wrong")).status, 401);
    assert.equal((await decide(first, { decision: "approve" }, BETA)).status, 404);
    assert.equal((await decide("nothing", { decision: "approve" })).status, 404);
    const decided_by = "joe@acme-corp.example";
    const approved = await decide(first, { decision: "approve", reason: "known", decided_by });
    assert.deepEqual([approved.status, approved.text], [204, ""]);
    assert.equal((await decide(second, { decision: "reject", note: "unknown", decided_by })).status, 204);
    assert.equal((await decide(second, { decision: "approve" })).status, 409);
    assert.deepEqual((await plane.request("GET", path)).json.items, []);
  });

  test(`${engine}: GET /v1/admin/tenants answers a bare array`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const listed = await plane.request("GET", "/v1/admin/tenants");
    assert.equal(listed.status, 200);
    assert.deepEqual(
      listed.json.map((row: { name: string }) => row.name),
      ["acme", "beta", "default"],
    );
    assert.deepEqual(Object.keys(listed.json[0]), [
      ...["name", "active_policy_sha", "pending_approvals", "recent_event_count"],
    ]);
    const own = await plane.request("GET", "/v1/admin/tenants", { token: ACME });
    assert.deepEqual(
      own.json.map((row: { name: string }) => row.name),
      ["acme"],
    );
    assert.equal((await plane.request("GET", "/v1/admin/tenants", { token: "wrong" })).status, 401);
  });

  test(`${engine}: GET /v1/admin/integrations answers a bare array`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    const webhook = { url: "https://hooks.example/in?key=k", events: ["halt.engaged"], description: "ops" };
    await plane.request("POST", "/v1/admin/webhooks", { token: ACME, body: webhook });
    const listed = await plane.request("GET", "/v1/admin/integrations");
    assert.equal(listed.status, 200);
    const shown = { endpoint: "", events_flushed: 0, events_dropped: 0, last_error: "" };
    assert.deepEqual(listed.json[0], { name: "splunk", configured: false, ...shown });
    const own = { name: "webhook:ops", configured: true, ...shown, endpoint: "https://hooks.example/in" };
    assert.deepEqual(listed.json.at(-1), own);
    assert.equal((await plane.request("GET", "/v1/admin/integrations", { token: "wrong" })).status, 401);
  });
}

test("what this version does not have answers 404 and says so", async (t) => {
  const plane = await testPlane(t, "embedded");
  const answer = await plane?.request("POST", "/v1/mcp");
  assert.deepEqual([answer?.status, typeof answer?.json.error], [404, "string"]);
});
