// Operators log in with a browser and a real identity provider; whoever replays, swaps or forges a part of it gets nothing.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { systemClock } from "@postern/fault";
import {
  ACME,
  ENGINES,
  type Engine,
  planeOver,
  type TestAnswer,
  type TestPlane,
  testPlane,
} from "../../control-plane.fixture.ts";
import { createJsonFetch } from "../../domain/issuers/json-fetch.ts";
import { createKeySets } from "../../domain/issuers/key-sets.ts";
import type { OidcSettings } from "../../oidc-settings.ts";
import { createIdentityProvider } from "./identity-provider.ts";
import { browse, loginProvider, PUBLIC_URL, settingsFor } from "./provider.fixture.ts";

async function setup(t: TestContext, engine: Engine = "embedded", change: Partial<OidcSettings> = {}) {
  const { url } = await loginProvider(t);
  const keySets = createKeySets({ fetchJson: createJsonFetch({ mayBePrivate: true }), clock: systemClock });
  const settings = settingsFor(url, change);
  // The provider's clock is the machine's.
  const clock = systemClock;
  const identityProvider = createIdentityProvider({ settings, keySets, clock });
  const plane = await testPlane(t, engine, { clock, identityProvider });
  return plane === undefined ? undefined : { ...plane, url };
}
type Plane = Pick<TestPlane, "request">;

const cookieOf = (answer: TestAnswer) => (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";

/** A request without a bearer token, as a browser's. */
const visit = (plane: Plane, path: string, cookie: string) =>
  plane.request("GET", path, { headers: { authorization: "", cookie } });

async function leave(plane: Plane) {
  const left = await visit(plane, "/v1/auth/login", "");
  assert.equal(left.status, 302, left.text);
  return { location: left.headers.get("location") ?? "", cookie: cookieOf(left), left };
}

async function comeBack(plane: Plane, login: string) {
  const { location, cookie } = await leave(plane);
  const back = await browse(location, login);
  return { cookie, path: `${back.pathname}${back.search}`, back };
}

const fetchSession = (plane: Plane, code: string, cookie: string) =>
  plane.request("POST", "/v1/auth/session", { body: { code }, headers: { authorization: "", cookie } });

const codeIn = (landed: TestAnswer) =>
  /^\/console\/#signed-in=([A-Za-z0-9._-]+)$/.exec(landed.headers.get("location") ?? "")?.[1] ?? "";

async function logIn(plane: Plane, login: string) {
  const { cookie, path } = await comeBack(plane, login);
  const landed = await visit(plane, path, cookie);
  assert.equal(landed.status, 302, landed.text);
  const session = await fetchSession(plane, codeIn(landed), cookie);
  return { cookie, path, landed, session };
}

for (const engine of ENGINES) {
  test(`${engine}: a person logs in, acts under a name, and logs out, on whichever replica`, async (t) => {
    const plane = await setup(t, engine);
    if (plane === undefined) return;
    const other = await planeOver(plane.parts);
    const { location, cookie, left } = await leave(plane);
    const asked = new URL(location).searchParams;
    assert.deepEqual(
      [asked.get("response_type"), asked.get("code_challenge_method"), asked.get("redirect_uri")],
      ["code", "S256", `${PUBLIC_URL}/v1/auth/callback`],
    );
    const attributes = left.headers.get("set-cookie") ?? "";
    assert.match(attributes, /; Max-Age=600; Path=\/v1\/auth; HttpOnly; SameSite=Lax$/);
    const back = await browse(location, "alice.admins.others");
    const landed = await visit(other, `${back.pathname}${back.search}`, cookie);
    assert.equal(landed.status, 302, landed.text);
    assert.equal(landed.headers.get("referrer-policy"), "no-referrer");
    const session = await fetchSession(plane, codeIn(landed), cookie);
    assert.equal(session.status, 201, session.text);
    assert.match(session.headers.get("set-cookie") ?? "", /^postern_login=; Max-Age=0/);
    const { token, name, tenant, roles } = session.json;
    assert.deepEqual([name, tenant, roles], ["alice@acme.example", "acme", ["admin"]]);

    const minted = await other.request("POST", "/v1/admin/mint", { token, body: { subject: "a" } });
    assert.equal(minted.status, 200, minted.text);
    const told = await plane.request("GET", "/v1/admin/audit?limit=1000", { token: ACME });
    const acts = told.json.items.map(
      (event: { tool: string; actor: string }) => `${event.tool} ${event.actor}`,
    );
    assert.ok(acts.includes("admin/mint operator:alice@acme.example"));
    assert.ok(acts.includes("admin/login operator:alice@acme.example"));
    assert.ok(acts.includes("admin/create_operator identity-provider"));
    assert.ok(!told.text.includes(token.split(".")[1]) && !told.text.includes(codeIn(landed)));

    const end = () => plane.request("DELETE", "/v1/auth/session", { token });
    assert.equal((await end()).status, 204);
    assert.equal((await other.request("GET", "/v1/admin/me", { token })).status, 401);
    assert.equal((await end()).status, 401);
  });

  test(`${engine}: each part of a login does once, in the browser that began it`, async (t) => {
    const plane = await setup(t, engine);
    if (plane === undefined) return;
    const alice = await comeBack(plane, "alice.staff");
    const mallory = await comeBack(plane, "mallory.admins");

    const withoutCookie = await visit(plane, alice.path, "");
    assert.deepEqual([withoutCookie.status, withoutCookie.json.code], [401, "login.refused"]);
    const swapped = await visit(plane, mallory.path, alice.cookie);
    assert.deepEqual(
      [swapped.status, swapped.json.code],
      [401, "login.refused"],
      "a login of somebody else's",
    );

    const landed = await visit(plane, alice.path, alice.cookie);
    assert.equal(landed.status, 302, landed.text);
    const replayed = await visit(plane, alice.path, alice.cookie);
    assert.equal(replayed.status, 401, "the way back leads in once");

    const code = codeIn(landed);
    for (const cookie of ["", mallory.cookie, `${alice.cookie}x`, "postern_login=a.b.c.d.e"]) {
      const refused = await fetchSession(plane, code, cookie);
      assert.deepEqual([refused.status, refused.json.code], [401, "login.refused"], cookie.slice(0, 20));
    }
    assert.equal((await fetchSession(plane, code, alice.cookie)).status, 201);
    assert.equal((await fetchSession(plane, code, alice.cookie)).status, 401, "the code does once");
  });
}

test("what came back is changed and leads nowhere", async (t) => {
  const plane = await setup(t);
  assert.ok(plane !== undefined);
  const changes: [string, (query: URLSearchParams) => void, number][] = [
    ["another state", (query) => query.set("state", "x".repeat(43)), 401],
    ["no state", (query) => query.delete("state"), 401],
    ["another code", (query) => query.set("code", "x".repeat(43)), 401],
    ["no code", (query) => query.delete("code"), 401],
    ["another issuer", (query) => query.set("iss", "https://evil.example"), 401],
    ["refused by the person", (query) => query.set("error", "access_denied"), 401],
    ["two states", (query) => query.append("state", "x"), 400],
  ];
  for (const [what, change, status] of changes) {
    const { back, cookie } = await comeBack(plane, "alice.staff");
    const query = new URLSearchParams(back.search);
    change(query);
    const refused = await visit(plane, `/v1/auth/callback?${query}`, cookie);
    assert.equal(refused.status, status, `${what}: ${refused.text}`);
    assert.equal(refused.headers.get("location"), null, what);
  }
  const told = await plane.request("GET", "/v1/admin/audit?tenant=postern-system&tool=admin/login&limit=100");
  assert.equal(told.json.items.length, 6, "each refusal is told");
});

test("no login leads to an address that it names", async (t) => {
  const plane = await setup(t);
  assert.ok(plane !== undefined);
  for (const field of ["return_to", "redirect_uri", "next"]) {
    const asked = await visit(plane, `/v1/auth/login?${field}=https://evil.example`, "");
    assert.equal(asked.status, 400, field);
  }
  const { back, cookie } = await comeBack(plane, "alice.staff");
  const host = { authorization: "", cookie, host: "evil.example", "x-forwarded-host": "evil.example" };
  const path = `${back.pathname}${back.search}&redirect_uri=https://evil.example&next=//evil.example`;
  const landed = await plane.request("GET", path, { headers: host });
  assert.match(landed.headers.get("location") ?? "", /^\/console\/#signed-in=acme\./, landed.text);
});

test("a cookie never opens the admin interface", async (t) => {
  const plane = await setup(t);
  assert.ok(plane !== undefined);
  const { cookie, session } = await logIn(plane, "alice.admins");
  const { token } = session.json;
  for (const sent of [cookie, `postern_login=${token}`, `token=${token}; authorization=Bearer ${token}`]) {
    const refused = await visit(plane, "/v1/admin/me", sent);
    assert.equal(refused.status, 401);
  }
});

test("the groups of each login count, and who is in none, or was removed, stays out", async (t) => {
  const plane = await setup(t);
  assert.ok(plane !== undefined);
  const { path, cookie } = await comeBack(plane, "bob");
  const refused = await visit(plane, path, cookie);
  assert.deepEqual([refused.status, refused.json.code], [403, "operators.no_role"]);
  const { session } = await logIn(plane, "alice.staff");
  assert.deepEqual(session.json.roles, ["viewer"]);
  const mint = await plane.request("POST", "/v1/admin/mint", {
    token: session.json.token,
    body: { subject: "a" },
  });
  assert.equal(mint.status, 403);
  const [operator] = (await plane.request("GET", "/v1/admin/operators", { token: ACME })).json.items;
  await plane.request("DELETE", `/v1/admin/operators/${operator.id}`, { token: ACME });
  const me = await plane.request("GET", "/v1/admin/me", { token: session.json.token });
  assert.equal(me.status, 401, "a session ends with its operator");
  const again = await comeBack(plane, "alice.staff");
  assert.equal((await visit(plane, again.path, again.cookie)).json.code, "operators.removed");
});

test("a token that an admin issued is not ended as a session, nor is a wrong one", async (t) => {
  const plane = await setup(t);
  assert.ok(plane !== undefined);
  const body = { name: "ci", roles: ["operator"] };
  const { id } = (await plane.request("POST", "/v1/admin/operators", { token: ACME, body })).json;
  const issued = await plane.request("POST", `/v1/admin/operators/${id}/tokens`, { token: ACME, body: {} });
  for (const token of [issued.json.token, "wrong", ACME]) {
    assert.equal((await plane.request("DELETE", "/v1/auth/session", { token })).status, 401);
  }
  assert.equal((await plane.request("GET", "/v1/admin/me", { token: issued.json.token })).status, 200);
});

test("where no identity provider is configured, or it is down, a login says so and the rest works", async (t) => {
  const bare = await testPlane(t, "embedded");
  assert.ok(bare !== undefined);
  for (const path of ["/v1/auth/login", "/v1/auth/callback?code=c&state=s"]) {
    const refused = await visit(bare, path, "");
    assert.deepEqual([refused.status, refused.json.code], [503, "login.unconfigured"]);
  }
  assert.deepEqual((await visit(bare, "/v1/auth", "")).json, { methods: ["token"] });
  assert.equal((await fetchSession(bare, "acme.x", "")).status, 401);

  const apiOnly = await setup(t, "embedded", { redirectUrl: undefined });
  assert.ok(apiOnly !== undefined);
  assert.deepEqual((await visit(apiOnly, "/v1/auth", "")).json, { methods: ["token"] });
  assert.equal((await visit(apiOnly, "/v1/auth/login", "")).json.code, "login.unconfigured");

  const down = await setup(t, "embedded", { issuer: "http://127.0.0.1:1" });
  assert.ok(down !== undefined);
  assert.deepEqual((await visit(down, "/v1/auth", "")).json, { methods: ["token", "oidc"] });
  const unreachable = await visit(down, "/v1/auth/login", "");
  assert.deepEqual([unreachable.status, unreachable.json.code], [503, "login.provider"]);
  assert.equal((await down.request("GET", "/v1/admin/me", { token: ACME })).status, 200);
});

test("logins that fail are throttled", async (t) => {
  const plane = await testPlane(t, "embedded", { loginFailuresPerMinute: 2 });
  assert.ok(plane !== undefined);
  const statuses = [];
  for (let at = 0; at < 4; at += 1) statuses.push((await fetchSession(plane, "acme.x", "")).status);
  assert.deepEqual(statuses, [401, 401, 429, 429]);
});
