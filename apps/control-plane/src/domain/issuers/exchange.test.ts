// From access token to capability through the doors of a whole control plane: whom it lets in as what, and what it tells of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "@postern/capability";
import { exportJWK, generateKeyPair } from "jose";
import { ACME, BETA } from "../../control-plane.fixture.ts";
import { events, OTHER_RESOURCE, RESOURCE, RULES, setup } from "./exchange.fixture.ts";
import { identityProvider, robotToken } from "./identity-provider.fixture.ts";
import { json } from "./issuer.fixture.ts";

test("an access token is exchanged for what the first rule that matches gives", async (t) => {
  const rig = await setup(t);
  const { plane } = rig;
  const token = await rig.token({ claims: { groups: ["dev", "ops"], client_id: "cli" } });
  const answer = await rig.exchange(token);
  assert.equal(answer.status, 200, answer.text);
  const nowMs = plane.clock.nowMs();
  assert.equal(answer.json.expires_at, new Date(nowMs + 120_000).toISOString());
  const capability = await inspect(answer.json.token);
  assert.equal(capability.tenant, "acme");
  assert.equal(capability.agent, "ops:alice");
  assert.equal(capability.issuer, rig.issuer.url);
  const caveats = [
    { type: "agent_lock", agent: "ops:alice" },
    { type: "expiry", at: answer.json.expires_at },
    { type: "tool_allow", tools: ["read_*"] },
    { type: "max_calls", limit: 5 },
  ];
  assert.deepEqual(
    capability.hops.flatMap((hop) => hop.caveats.map(({ caveat }) => caveat)),
    caveats,
  );
  const [told, ...more] = await events(rig);
  assert.deepEqual(more, []);
  assert.deepEqual(
    [told.decision, told.agent_id, told.capability_token_id, told.caveat_count],
    ["allow", "ops:alice", capability.jti, 4],
  );
  assert.deepEqual(told.arg_values, {
    issuer: rig.issuer.url,
    subject: "alice",
    resource: RESOURCE,
    access_token_id: "at-1",
    client: "cli",
    rule: "operators",
    caveats,
    expires_at: answer.json.expires_at,
  });
  const whole = (await plane.request("GET", "/v1/admin/audit?tenant=acme&limit=1000")).text;
  for (const secret of [token, token.split(".")[2] ?? "", answer.json.token]) {
    assert.ok(!whole.includes(secret), "no token is in the log");
  }
});

test("a capability ends with its access token at the latest", async (t) => {
  const rig = await setup(t);
  const exp = Math.floor(rig.plane.clock.nowMs() / 1000) + 10;
  const { json: answer } = await rig.exchange(await rig.token({ claims: { exp } }));
  // The issuer's clock may be half a minute ahead of ours.
  assert.equal(answer.expires_at, new Date((exp + 30) * 1000).toISOString());
});

test("a login keeps its id, so that its budget goes on and its revocation lasts", async (t) => {
  const rig = await setup(t);
  const { plane } = rig;
  const ops = { groups: ["ops"] };
  const jtiOf = async (claims: object) => {
    const { json: answer } = await rig.exchange(await rig.token({ claims: { ...ops, ...claims } }));
    return (await inspect(answer.token)).jti;
  };
  const jti = await jtiOf({ jti: "one" });
  assert.match(jti, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  plane.clock.advance(60_000);
  assert.equal(await jtiOf({ jti: "two" }), jti);
  assert.notEqual(await jtiOf({ sub: "bob" }), jti);
  const lease = { epoch: 0, account: `calls:${jti}`, limit: 5, want: 5 };
  await plane.request("POST", "/v1/sidecar/register", { token: rig.credential, body: { version: "1" } });
  const leased = await plane.request("POST", "/v1/sidecar/leases", {
    token: rig.credential,
    body: { ...lease, epoch: 1 },
  });
  assert.equal(leased.json.remaining, 0, leased.text);

  await plane.request("POST", "/v1/admin/revoke", { token: ACME, body: { jti } });
  const refused = await rig.exchange(await rig.token({ claims: ops }));
  assert.deepEqual(
    [refused.status, refused.json.code, refused.json.error],
    [403, "capability.exchange", "This login was revoked."],
  );
  const [told] = await events(rig);
  assert.deepEqual([told.decision, told.check, told.agent_id], ["block", "capability", "ops:alice"]);
});

test("who proves who he is and is given nothing is told of; who proves nothing is not", async (t) => {
  const rig = await setup(t, { rules: RULES.slice(0, 1) });
  const refused = await rig.exchange(await rig.token());
  assert.deepEqual([refused.status, refused.json.code], [403, "capability.exchange"]);
  const forged = await rig.token({ key: (await generateKeyPair("ES256")).privateKey });
  assert.equal((await rig.exchange(forged)).status, 403);
  const told = await events(rig);
  assert.equal(told.length, 1);
  assert.deepEqual([told[0].decision, told[0].arg_values.subject], ["block", "alice"]);
  assert.match(told[0].reason, /No rule/);
});

test("a rule or an issuer that is taken away gives nothing from that moment", async (t) => {
  const rig = await setup(t);
  const { plane, id } = rig;
  const token = await rig.token();
  assert.equal((await rig.exchange(token)).status, 200);
  const changed = await plane.request("PUT", `/v1/admin/issuers/${id}`, {
    token: ACME,
    body: { audiences: [RESOURCE], algorithms: ["ES256"], rules: [] },
  });
  assert.equal(changed.status, 200, changed.text);
  assert.match((await rig.exchange(token)).json.error, /No rule/);
  assert.equal((await plane.request("DELETE", `/v1/admin/issuers/${id}`, { token: ACME })).status, 204);
  assert.match((await rig.exchange(token)).json.error, /not trusted here/);
  const told = await plane.request("GET", "/v1/admin/audit?tenant=acme&limit=1000");
  const acts = told.json.items.map(({ tool }: { tool: string }) => tool);
  for (const act of ["create_issuer", "update_issuer", "delete_issuer"])
    assert.ok(acts.includes(`admin/${act}`), act);
});

test("rules that change, or an issuer that goes, while a token is verified, are not overtaken", async (t) => {
  const rig = await setup(t);
  const { plane, issuer, id } = rig;
  const meanwhile = (act: () => Promise<unknown>) =>
    issuer.answers.set("/jwks", (request, response) => {
      void act().then(() => json({ keys: [issuer.publicJwk] })(request, response));
    });
  const at = `/v1/admin/issuers/${id}`;
  meanwhile(() => plane.request("PUT", at, { token: ACME, body: { audiences: [RESOURCE], rules: [] } }));
  const changed = await rig.exchange(await rig.token());
  assert.deepEqual([changed.status, changed.json.code], [503, "issuers.changed"]);
  const body = { audiences: [RESOURCE], algorithms: ["ES256"], rules: RULES };
  await plane.request("PUT", at, { token: ACME, body });
  plane.clock.advance(700_000);
  meanwhile(() => plane.request("DELETE", at, { token: ACME }));
  assert.match((await rig.exchange(await rig.token())).json.error, /not trusted here/);
  assert.deepEqual(await events(rig), []);
});

test("an issuer's new key is found, and its old one is no more believed once it is gone", async (t) => {
  const rig = await setup(t);
  const { issuer, plane } = rig;
  const old = await rig.token();
  assert.equal((await rig.exchange(old)).status, 200);
  const next = await generateKeyPair("ES256");
  issuer.publish([{ ...(await exportJWK(next.publicKey)), kid: "k2", use: "sig" }]);
  plane.clock.advance(31_000);
  const renewed = await rig.token({ key: next.privateKey, header: { kid: "k2" } });
  assert.equal((await rig.exchange(renewed)).status, 200);
  assert.match((await rig.exchange(old)).json.error, /signature/);
});

test("an issuer that cannot be asked is trouble that may pass, and no verdict on the token", async (t) => {
  const rig = await setup(t);
  rig.issuer.answers.set("/jwks", json({}, 302, { location: "/elsewhere" }));
  const answer = await rig.exchange(await rig.token());
  assert.deepEqual([answer.status, answer.json.code], [503, "issuers.unreachable"]);
  assert.ok(!rig.issuer.asked.includes("/elsewhere"));
  assert.doesNotMatch(answer.text, /127\.0\.0\.1/);
});

test("another tenant's sidecar gets nothing for this tenant's token", async (t) => {
  const rig = await setup(t);
  const { credential } = (await rig.plane.request("POST", "/v1/admin/sidecars", { token: BETA, body: {} }))
    .json;
  const answer = await rig.exchange(await rig.token(), RESOURCE, credential);
  assert.deepEqual(
    [answer.status, answer.json.error],
    [403, "The access token's issuer is not trusted here."],
  );
});

test("a tenant trusts an issuer once, and not too many of them", async (t) => {
  const rig = await setup(t);
  const add = (issuer: string) =>
    rig.plane.request("POST", "/v1/admin/issuers", {
      token: ACME,
      body: { issuer, audiences: [RESOURCE], rules: [] },
    });
  assert.equal((await add(rig.issuer.url)).status, 409);
  for (let n = 1; n < 16; n += 1) assert.equal((await add(`https://login-${n}.example`)).status, 201);
  assert.equal((await add("https://login-16.example")).status, 429);
});

test("explaining says who would get what, by claims or by token, and gives nothing", async (t) => {
  const rig = await setup(t);
  const explain = (body: object) =>
    rig.plane.request("POST", `/v1/admin/issuers/${rig.id}/explain`, { token: ACME, body });
  const byClaims = await explain({ claims: { sub: "bob", groups: ["ops"] } });
  assert.equal(byClaims.json.accepted, true, byClaims.text);
  assert.equal(byClaims.json.rule, "operators");
  assert.equal(byClaims.json.capability.agent, "ops:bob");
  assert.equal(byClaims.json.capability.ttl_seconds, 120);
  const token = await rig.token();
  const byToken = await explain({ token });
  assert.deepEqual(
    [byToken.json.accepted, byToken.json.rule, byToken.json.claims.sub],
    [true, "everybody", "alice"],
  );
  const { token: given } = (await rig.exchange(token)).json;
  assert.equal((await inspect(given)).jti, byToken.json.capability.jti);
  const nobody = await explain({ claims: { groups: [] } });
  assert.deepEqual([nobody.json.accepted, nobody.json.capability], [false, undefined]);
  const forged = await explain({
    token: await rig.token({ key: (await generateKeyPair("ES256")).privateKey }),
  });
  assert.deepEqual([forged.json.accepted, forged.json.claims], [false, undefined]);
  assert.match(forged.json.problem, /signature/);
  assert.match(
    (await explain({ token, resource: OTHER_RESOURCE })).json.problem,
    /not trusted for this resource/,
  );
  for (const wrong of [{}, { claims: {}, token: "a.b.c" }, { claims: { a: "x".repeat(17_000) } }]) {
    assert.equal((await explain(wrong)).status, 400);
  }
  assert.equal((await events(rig)).length, 1);
});

test("a token of a real identity provider, found through its metadata, is exchanged", async (t) => {
  const { url } = await identityProvider(t);
  const token = await robotToken(url, RESOURCE);
  // The provider lives by the real clock.
  const rig = await setup(t, { issuer: url, algorithms: ["RS256"] });
  rig.plane.clock.stepWall(Date.now() - rig.plane.clock.nowMs());
  const answer = await rig.exchange(token);
  assert.equal(answer.status, 200, answer.text);
  assert.equal((await inspect(answer.json.token)).agent, "robot");
  const [told] = await events(rig);
  assert.deepEqual([told.arg_values.issuer, told.arg_values.client], [url, "robot"]);
  assert.match((await rig.exchange(await robotToken(url, OTHER_RESOURCE))).json.error, /another resource/);
});
