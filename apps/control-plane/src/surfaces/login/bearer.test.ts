// Tokens of the identity provider as bearer credentials of the admin interface: a right one lets in, and every forged one does not.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { type TestContext, test } from "node:test";
import { exportSPKI, generateKeyPair, importJWK } from "jose";
import { ACME, planeOver, testPlane } from "../../control-plane.fixture.ts";
import { accessToken, rawJwt, type TokenParts, testIssuer } from "../../domain/issuers/issuer.fixture.ts";
import { createJsonFetch } from "../../domain/issuers/json-fetch.ts";
import { createKeySets } from "../../domain/issuers/key-sets.ts";
import type { OidcSettings } from "../../oidc-settings.ts";
import { createIdentityProvider } from "./identity-provider.ts";
import { settingsFor } from "./provider.fixture.ts";

const AUDIENCE = "postern";

async function setup(t: TestContext, change: Partial<OidcSettings> = {}) {
  const issuer = await testIssuer(t);
  const plane = await testPlane(t, "embedded", { loginFailuresPerMinute: 1_000 });
  assert.ok(plane !== undefined);
  const { clock } = plane;
  const keySets = createKeySets({ fetchJson: createJsonFetch({ mayBePrivate: true }), clock });
  const settings = settingsFor(issuer.url, change);
  const identityProvider = createIdentityProvider({ settings, keySets, clock });
  return { issuer, plane: await planeOver({ ...plane.parts, identityProvider }), clock };
}
type Rig = Awaited<ReturnType<typeof setup>>;

const tokenOf = ({ issuer, clock }: Rig, { claims, ...parts }: TokenParts = {}) =>
  accessToken(
    issuer,
    { resource: AUDIENCE, nowMs: clock.nowMs() },
    {
      ...parts,
      claims: { groups: ["admins"], email: "alice@acme.example", ...claims },
    },
  );

const me = ({ plane }: Rig, token: string) => plane.request("GET", "/v1/admin/me", { token });

test("a token of the provider lets its holder in as one operator, with the roles of its groups", async (t) => {
  const rig = await setup(t);
  const first = await me(rig, await tokenOf(rig));
  assert.equal(first.status, 200, first.text);
  assert.deepEqual(
    [first.json.name, first.json.tenant, first.json.roles],
    ["operator:alice@acme.example", "acme", ["admin"]],
  );
  assert.equal(first.json.expires_at, undefined);
  const fewer = await me(rig, await tokenOf(rig, { claims: { groups: "staff", email: "eve@acme.example" } }));
  assert.deepEqual(
    [fewer.json.operator_id, fewer.json.name, fewer.json.roles],
    [first.json.operator_id, first.json.name, ["viewer"]],
    "the subject says who it is, and the token what it may do",
  );
  const other = await me(rig, await tokenOf(rig, { claims: { sub: "bob", email: "alice@acme.example" } }));
  assert.match(other.json.name, /^operator:alice@acme\.example-[0-9a-f]{12}$/);
  // Signing in with each request is no login to be told of; becoming an operator is.
  const told = await rig.plane.request("GET", "/v1/admin/audit?limit=100", { token: ACME });
  const acts = told.json.items.map(({ tool }: { tool: string }) => tool);
  assert.equal(acts.filter((tool: string) => tool === "admin/create_operator").length, 2);
});

test("an operator whom an admin has given an identity and roles has those, whatever its groups", async (t) => {
  const rig = await setup(t);
  const body = { name: "al", roles: ["approver"], identity: { issuer: rig.issuer.url, subject: "alice" } };
  await rig.plane.request("POST", "/v1/admin/operators", { token: ACME, body });
  for (const groups of [["admins"], [], undefined]) {
    const { json } = await me(rig, await tokenOf(rig, { claims: { groups } }));
    assert.deepEqual([json.name, json.roles], ["operator:al", ["approver"]]);
  }
});

test("a claim may say which tenant it is, and only one that there is", async (t) => {
  const rig = await setup(t, { tenant: { claim: "org" } });
  assert.equal((await me(rig, await tokenOf(rig, { claims: { org: "beta" } }))).json.tenant, "beta");
  for (const org of ["nope", "postern-system", "Beta", ["beta"], "", undefined, "beta "]) {
    const refused = await me(rig, await tokenOf(rig, { claims: { org, sub: "bob" } }));
    assert.deepEqual([refused.status, refused.json.code], [403, "operators.no_tenant"], String(org));
  }
});

test("no forged, stale or foreign token of the provider lets anybody in", async (t) => {
  const rig = await setup(t);
  const { issuer, clock } = rig;
  const now = Math.floor(clock.nowMs() / 1000);
  const payload = {
    iss: issuer.url,
    aud: AUDIENCE,
    sub: "alice",
    iat: now,
    exp: now + 300,
    groups: ["admins"],
  };
  const stranger = await generateKeyPair("ES256");
  const publicKey = await importJWK(issuer.publicJwk, "ES256");
  assert.ok(!(publicKey instanceof Uint8Array));
  const pem = await exportSPKI(publicKey);
  const signedWithPublicKey = (header: object) => {
    const unsigned = rawJwt(header, payload).slice(0, -1);
    return `${unsigned}.${createHmac("sha256", pem).update(unsigned).digest("base64url")}`;
  };
  const right = await tokenOf(rig);
  const [head = "", body = "", signature = ""] = right.split(".");
  const claims = (change: object) => tokenOf(rig, { claims: { ...change } });
  const header = (change: Record<string, unknown>) => tokenOf(rig, { header: change });
  const forged: [string, string][] = [
    ["alg none", rawJwt({ alg: "none" }, payload)],
    ["alg None with a signature", rawJwt({ alg: "None" }, payload, signature)],
    [
      "alg none under a right signature",
      `${rawJwt({ alg: "none", kid: "k1" }, payload).split(".")[0]}.${body}.${signature}`,
    ],
    ["HS256 with the public key", signedWithPublicKey({ alg: "HS256", kid: "k1", typ: "JWT" })],
    ["HS256 without a key id", signedWithPublicKey({ alg: "HS256" })],
    ["another key under a known id", await tokenOf(rig, { key: stranger.privateKey })],
    ["an unknown key id", await header({ kid: "k2" })],
    ["a key id that is a path", await header({ kid: "../../etc/passwd" })],
    ["a key id that is a query", await header({ kid: "k1' or 1=1 --" })],
    ["a key id that is an address", await header({ kid: "http://127.0.0.1:1/keys" })],
    [
      "its own key inside",
      await tokenOf(rig, { key: stranger.privateKey, header: { jwk: issuer.publicJwk } }),
    ],
    [
      "its own key set",
      await tokenOf(rig, { key: stranger.privateKey, header: { jku: "http://127.0.0.1:1/" } }),
    ],
    ["another type", await header({ typ: "logout+jwt" })],
    ["another audience", await claims({ aud: "another-client" })],
    ["no audience", await claims({ aud: undefined })],
    ["another issuer", await claims({ iss: "https://login.example" })],
    ["an issuer with a slash more", await claims({ iss: `${issuer.url}/` })],
    ["expired", await claims({ exp: now - 60 })],
    ["without an end", await claims({ exp: undefined })],
    ["not valid yet", await claims({ nbf: now + 300 })],
    ["issued in the future", await claims({ iat: now + 300 })],
    ["no subject", await claims({ sub: undefined })],
    ["an empty subject", await claims({ sub: "" })],
    ["a subject that is a list", await claims({ sub: ["alice"] })],
    ["bound to a key", await claims({ cnf: { jkt: "x" } })],
    ["a changed payload", `${head}.${rawJwt({}, { ...payload, sub: "root" }).split(".")[1]}.${signature}`],
    ["no signature", `${head}.${body}.`],
    ["half a signature", `${head}.${body}.${signature.slice(0, 20)}`],
    ["a fourth part", `${right}.x`],
    ["two parts", `${head}.${body}`],
    ["huge", await claims({ filler: "x".repeat(20_000) })],
    ["nested", rawJwt({ alg: "ES256" }, { iss: right })],
  ];
  const asked = issuer.asked.length;
  for (const [what, token] of forged) {
    const refused = await me(rig, token);
    assert.equal(refused.status, 401, `${what}: ${refused.text}`);
    assert.ok(!refused.text.includes(token.slice(0, 30)), what);
  }
  assert.ok(issuer.asked.length - asked <= 4, "the provider is asked for its keys, and no more often");
  const list = await rig.plane.request("GET", "/v1/admin/operators", { token: ACME });
  assert.deepEqual(list.json.items, [], "nobody came into being");
  assert.equal((await me(rig, right)).status, 200);
});

test("a token whose groups give nothing is refused, and so is every name that objects have by nature", async (t) => {
  const rig = await setup(t, {
    roleRules: [
      ["constructor", "admin"],
      ["admins", "admin"],
    ],
  });
  for (const groups of [
    undefined,
    null,
    [],
    "",
    "Admins",
    [["admins"]],
    { admins: true },
    "admins,staff",
    1,
  ]) {
    const refused = await me(rig, await tokenOf(rig, { claims: { groups } }));
    assert.deepEqual([refused.status, refused.json.code], [403, "operators.no_role"], JSON.stringify(groups));
  }
});

test("while the provider's keys cannot be had nobody is told that his token is wrong", async (t) => {
  const rig = await setup(t);
  rig.issuer.answers.clear();
  const answered = await me(rig, await tokenOf(rig));
  assert.equal(answered.status, 503, answered.text);
  assert.equal((await me(rig, ACME)).status, 200);
});
