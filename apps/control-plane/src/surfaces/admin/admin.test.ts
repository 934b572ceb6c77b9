// What the admin door refuses, how its lists are paged, and what it tells in the chain.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createVerifier, inspect } from "@postern/capability";
import { fixedClock } from "@postern/testkit";
import { ENGINES, SUPERADMIN, type TestPlane, testPlane } from "../../control-plane.fixture.ts";
import { createThrottle, networkOf } from "./throttle.ts";

const mint = (plane: TestPlane, body: object, token = SUPERADMIN) =>
  plane.request("POST", "/v1/admin/mint", { token, body });

test("a body that is wrong is refused with the path of what is wrong", async (t) => {
  const plane = await testPlane(t, "embedded");
  if (plane === undefined) return;
  const cases: [unknown, number, RegExp][] = [
    [{ subject: "a", nope: 1 }, 400, /^body\.nope: unknown field$/],
    [{ subject: "" }, 400, /^body\.subject: must not be empty$/],
    [{ subject: "a\u0000b" }, 400, /^body\.subject: must not hold control characters/],
    [{ subject: "a", tenant: "Not A Tenant" }, 400, /^body\.tenant/],
    [{ subject: "a", tenant: "postern-system" }, 400, /reserved/],
    [{ subject: "a", ttl_seconds: -1 }, 400, /^body\.ttl_seconds/],
    [{ subject: "a", ttl_seconds: 1e12 }, 400, /^body\.ttl_seconds/],
    [{ subject: "a", tools: [] }, 400, /^body\.tools: must name a tool/],
    [{ subject: "a", tools: [""] }, 400, /^body\.tools\[0\]/],
    [{ subject: "a", max_calls: 0 }, 400, /^body\.max_calls/],
    [{ subject: "a", max_calls: 1.5 }, 400, /^body\.max_calls/],
    [{ subject: "a", caveats: [{ type: "new_kind" }] }, 400, /^body\.caveats\[0\]/],
    [{ subject: "a", caveats: [{ type: "rate", per_minute: 1, more: 1 }] }, 400, /^body\.caveats\[0\]\.more/],
    [{ subject: "a", caveats: [{ type: "step_up", at: "2099-01-01T00:00:00Z" }] }, 400, /in the future/],
    ['{"subject":', 400, /not valid JSON/],
    ['{"subject":"a","__proto__":{}}', 400, /__proto__/],
    [`{"subject":"${"a".repeat(1_048_577)}"}`, 413, /larger than/],
  ];
  for (const [body, status, message] of cases) {
    const refused = await plane.request("POST", "/v1/admin/mint", { body });
    assert.equal(refused.status, status, refused.text);
    assert.match(refused.json.error, message);
    assert.equal(typeof refused.json.code, "string");
  }
  assert.equal((await plane.request("GET", "/v1/admin/audit?limit=abc")).status, 400);
  assert.equal((await plane.request("GET", "/v1/admin/audit?nope=1")).status, 400);
  assert.equal((await plane.request("GET", "/v1/admin/mint")).status, 405);
});

test("a minted token verifies with the published keys and carries its caveats in the fixed order", async (t) => {
  const plane = await testPlane(t, "embedded");
  if (plane === undefined) return;
  const minted = await mint(plane, {
    subject: "agent-7",
    tenant: "acme",
    ttl_seconds: 60,
    tools: ["read_*"],
    max_calls: 5,
    step_up: true,
    attenuable: true,
    caveats: [{ type: "rate", per_minute: 10 }],
  });
  const keys = await plane.units.read((db) => plane.nouns.keys.keySet(db, "acme"));
  const verifier = createVerifier({ keys: () => keys, tenant: "acme", clock: plane.clock });
  const verified = await verifier.verify(minted.json.token);
  assert.ok(verified.ok, JSON.stringify(verified));
  assert.deepEqual(
    verified.capability.hops.flatMap((hop) => hop.caveats.map((caveat) => caveat.type)),
    ["agent_lock", "expiry", "tool_allow", "max_calls", "step_up", "rate"],
  );
  assert.deepEqual([verified.capability.agent, verified.capability.issuer], ["agent-7", "intentgate"]);
  assert.match(minted.json.attenuation_key, /^k4\.secret\./);
  assert.equal((await mint(plane, { subject: "agent-7" })).json.attenuation_key, undefined);
  assert.equal((await mint(plane, { subject: "agent-7" })).json.expires_at, undefined);
  assert.ok(inspect(minted.json.token));
});

test("what is told of a mint says what was granted and holds no secret", async (t) => {
  const plane = await testPlane(t, "embedded");
  if (plane === undefined) return;
  const minted = await mint(plane, { subject: "agent-7", tenant: "acme", attenuable: true });
  const { text, json } = await plane.request("GET", "/v1/admin/audit?tenant=acme&tool=admin/mint");
  const [event] = json.items;
  assert.deepEqual(
    [event.event, event.actor, event.agent_id, event.capability_token_id, event.caveat_count, event.outcome],
    ["intentgate.admin", "superadmin", "agent-7", minted.json.jti, 1, "executed"],
  );
  assert.ok(!text.includes(minted.json.token) && !text.includes(minted.json.attenuation_key));
});

test("who acts is the credential; what a body says of it is a claim beside it", async (t) => {
  const plane = await testPlane(t, "embedded");
  if (plane === undefined) return;
  const body = { name: "p", rego_source: "package intentgate.policy", created_by: "the-president" };
  await plane.request("POST", "/v1/admin/policies/drafts", { token: "the-admin-of-acme", body });
  const told = await plane.request("GET", "/v1/admin/audit?tool=admin/create_draft");
  const [event] = told.json.items;
  assert.deepEqual(
    [event.actor, event.arg_values.claimed_by, event.tenant],
    ["tenant-admin:acme", "the-president", "acme"],
  );
});

test("a wrong token is told in the system's own chain, and an address that keeps failing must wait", async (t) => {
  const plane = await testPlane(t, "embedded", { loginFailuresPerMinute: 3 });
  if (plane === undefined) return;
  const attempt = (token: string) => plane.request("GET", "/v1/admin/tenants", { token });
  for (let failure = 0; failure < 3; failure += 1) assert.equal((await attempt("guess")).status, 401);
  for (let failure = 0; failure < 5; failure += 1) {
    const limited = await attempt("guess");
    assert.deepEqual([limited.status, limited.json.code], [429, "admin.throttled"]);
    assert.ok(limited.headers.has("retry-after"));
    // Whoever fails from the same address, a right token passes.
    assert.equal((await attempt(SUPERADMIN)).status, 200);
  }
  plane.clock.advance(20_000);
  assert.equal((await attempt("guess")).status, 401);
  const logins = "/v1/admin/audit?tenant=postern-system&tool=admin/login";
  const told = await plane.request("GET", logins);
  assert.equal(told.json.items.length, 4);
  assert.deepEqual([told.json.items[0].decision, told.json.items[0].check], ["block", "authentication"]);
  await plane.tellFailedLogins();
  await plane.tellFailedLogins();
  const [summary, ...others] = (await plane.request("GET", logins)).json.items;
  assert.deepEqual([summary.arg_values, others.length], [{ failures: 5 }, 4]);
  assert.match(summary.reason, /too many to tell one by one/);
  assert.ok(!told.text.includes("guess"));
  assert.equal((await plane.app.request("/v1/admin/tenants")).status, 401);
});

test("a throttle forgives one failure at a time, for each network apart, and forgets the oldest", () => {
  const clock = fixedClock();
  const throttle = createThrottle({ clock, failuresMax: 2, tryEveryMs: 1_000 });
  assert.deepEqual(
    ["a", "a", "a", "b"].map((address) => throttle.failed(address)),
    [0, 0, 1_000, 0],
  );
  clock.advance(400);
  assert.equal(throttle.failed("a"), 600);
  clock.advance(600);
  assert.equal(throttle.failed("a"), 0);
  assert.equal(throttle.failed("a"), 1_000);
  assert.deepEqual([...throttle.takeUnheard()], [["a", 3]]);
  assert.deepEqual([...throttle.takeUnheard()], []);
  for (let other = 0; other < 10_000; other += 1) throttle.failed(`other-${other}`);
  assert.equal(throttle.failed("a"), 0);
  for (let other = 0; other < 2_000; other += 1)
    for (let time = 0; time < 3; time += 1) throttle.failed(`many-${other}`);
  const unheard = throttle.takeUnheard();
  assert.deepEqual([unheard.size, unheard.get("")], [1_001, 1_000]);
});

test("an IPv6 network of 64 bits counts as one, and an IPv4 address as itself", () => {
  for (const [address, network] of [
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2:ffff::1", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["192.0.2.7", "192.0.2.7"],
    ["", ""],
  ] as const)
    assert.equal(networkOf(address), network, address);
});

for (const engine of ENGINES) {
  test(`${engine}: pages of a list join without holes or repetitions while it grows`, async (t) => {
    const plane = await testPlane(t, engine);
    if (plane === undefined) return;
    for (let at = 0; at < 7; at += 1) {
      const minted = await mint(plane, { subject: `agent-${at}`, tenant: at % 2 ? "acme" : "beta" });
      await plane.request("POST", "/v1/admin/revoke", { body: { jti: minted.json.jti, reason: `r${at}` } });
      if (at % 3 === 0) plane.clock.advance(1_000);
    }
    for (const path of [
      "/v1/admin/revocations?",
      "/v1/admin/audit?tool=admin/mint&",
      "/v1/admin/audit?tool=admin/mint&tenant=acme&",
    ]) {
      const whole: unknown[] = (await plane.request("GET", `${path}limit=1000`)).json.items;
      const joined = [];
      let cursor = "";
      for (let page = 0; page < 20; page += 1) {
        const { json } = await plane.request("GET", `${path}limit=2${cursor}`);
        joined.push(...json.items);
        if (json.next_cursor === undefined) break;
        cursor = `&cursor=${json.next_cursor}`;
        // What is added meanwhile comes before everything that is still to be read.
        const added = await mint(plane, { subject: "late", tenant: "acme" });
        await plane.request("POST", "/v1/admin/revoke", { body: { jti: added.json.jti } });
      }
      assert.deepEqual(joined, whole, path);
    }
  });
}

test("a cursor that was changed, or is another list's, is refused", async (t) => {
  const plane = await testPlane(t, "embedded");
  if (plane === undefined) return;
  for (let at = 0; at < 3; at += 1) await mint(plane, { subject: "a", tenant: "acme" });
  const { next_cursor } = (await plane.request("GET", "/v1/admin/audit?tenant=acme&limit=1")).json;
  const cases = [
    `/v1/admin/audit?tenant=acme&cursor=${next_cursor.replace(/.$/, (last: string) => (last === "A" ? "B" : "A"))}`,
    `/v1/admin/audit?tenant=acme&cursor=${next_cursor}x`,
    `/v1/admin/audit?tenant=beta&cursor=${next_cursor}`,
    `/v1/admin/audit?tenant=acme&decision=allow&cursor=${next_cursor}`,
    `/v1/admin/audit?cursor=${next_cursor}`,
    `/v1/admin/revocations?tenant=acme&cursor=${next_cursor}`,
    "/v1/admin/audit?tenant=acme&cursor=e30.AAAA",
  ];
  for (const path of cases) {
    const refused = await plane.request("GET", path);
    assert.deepEqual([refused.status, refused.json.code], [400, "cursor.invalid"], path);
  }
  assert.equal(
    (await plane.request("GET", `/v1/admin/audit?tenant=acme&limit=1&cursor=${next_cursor}`)).status,
    200,
  );
});

test("reading and exporting the log is told in it", async (t) => {
  const plane = await testPlane(t, "embedded");
  if (plane === undefined) return;
  await plane.request("GET", "/v1/admin/audit?tenant=acme&subject=agent-7");
  await plane.request("GET", "/v1/admin/audit/export?format=csv&tenant=acme");
  await plane.request("GET", "/v1/admin/audit");
  const acme = (await plane.request("GET", "/v1/admin/audit?tenant=acme")).json.items;
  const told = acme.map((event: { tool: string }) => event.tool);
  assert.deepEqual(told.slice(0, 2), ["admin/export_audit", "admin/read_audit"]);
  assert.equal(acme[1].arg_values.subject, "agent-7");
  const system = await plane.request("GET", "/v1/admin/audit?tenant=postern-system");
  assert.equal(system.json.items[0].tool, "admin/read_audit");
});

test("a window of time exports the stretch of the chain that it touches", async (t) => {
  const plane = await testPlane(t, "embedded");
  if (plane === undefined) return;
  for (let at = 0; at < 4; at += 1) {
    plane.clock.advance(60_000);
    await mint(plane, { subject: `agent-${at}`, tenant: "acme" });
  }
  const startMs = Date.UTC(2026, 0, 1);
  const at = (minute: number) => new Date(startMs + minute * 60_000).toISOString();
  const query = `format=json&tenant=acme&since=${at(2)}&until=${at(4)}`;
  const { json } = await plane.request("GET", `/v1/admin/audit/export?${query}`);
  assert.deepEqual(
    json.map((entry: { event: { agent_id: string } }) => entry.event.agent_id),
    ["agent-1", "agent-2"],
  );
  // The same entries in either spelling.
  const lines = await plane.request("GET", `/v1/admin/audit/export?${query.replace("json", "ndjson")}`);
  assert.deepEqual(
    json,
    lines.text
      .trimEnd()
      .split("\n")
      .map((line: string) => JSON.parse(line)),
  );
  assert.deepEqual(Object.keys(json[0]), ["event", "hash", "index", "prev_hash"]);
  const none = await plane.request("GET", `/v1/admin/audit/export?format=json&tenant=acme&until=${at(-9)}`);
  assert.deepEqual(none.json, []);
  const csv = await plane.request("GET", "/v1/admin/audit/export?format=csv&tenant=acme");
  const [header, ...rows] = csv.text.trimEnd().split("\r\n");
  assert.match(
    String(header),
    /^ts,event,schema_version,decision,check,reason,tenant,agent_id,.*,index,prev_hash,hash$/,
  );
  // Making the tenant and its keys, four tokens, three exports before this one, and this one.
  assert.equal(rows.length, 10);
});

test("the process tells that it is alive, and counts what it answers", async (t) => {
  const plane = await testPlane(t, "embedded");
  if (plane === undefined) return;
  await plane.request("GET", "/openapi.json");
  const metrics = await plane.request("GET", "/metrics");
  assert.match(metrics.text, /postern_http_requests_total\{operation="openapi",status="200"\} 1/);
  assert.deepEqual((await plane.request("GET", "/healthz")).json, { status: "ok" });
});
