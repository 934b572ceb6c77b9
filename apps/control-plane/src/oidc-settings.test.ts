// What the environment says of the identity provider and of the first tokens, and that the started service goes by it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@postern/telemetry";
import { defer, temporaryDirectory } from "@postern/testkit";
import { readConfig } from "./config.ts";
import { start } from "./runtime.ts";

const OIDC = { POSTERN_OIDC_ISSUER: "https://login.example", POSTERN_OIDC_CLIENT_ID: "postern" };
const oidcOf = (more: Record<string, string> = {}) => readConfig({ ...OIDC, ...more }).config.oidc;

test("an identity provider is configured whole or not at all", () => {
  assert.equal(readConfig({}).config.oidc, undefined);
  const settings = oidcOf({ POSTERN_PUBLIC_URL: "https://postern.example/" });
  assert.ok(settings !== undefined);
  assert.deepEqual(
    [settings.audience, settings.tenant, settings.nameClaim, settings.rolesClaim, settings.roleRules],
    ["postern", { fixed: "default" }, "email", "groups", []],
  );
  assert.equal(settings.redirectUrl, "https://postern.example/v1/auth/callback");
  assert.equal(oidcOf()?.redirectUrl, undefined);
  assert.deepEqual(oidcOf({ POSTERN_OIDC_TENANT_CLAIM: "org" })?.tenant, { claim: "org" });
  for (const wrong of [
    { POSTERN_OIDC_ISSUER: "https://login.example" },
    { POSTERN_OIDC_CLIENT_ID: "postern" },
    { ...OIDC, POSTERN_OIDC_ISSUER: "http://login.example" },
    { ...OIDC, POSTERN_OIDC_ISSUER: "https://login.example?x" },
    { ...OIDC, POSTERN_OIDC_TENANT: "Acme" },
    { ...OIDC, POSTERN_PUBLIC_URL: "ftp://postern.example" },
  ])
    assert.throws(() => readConfig(wrong), { code: "config.invalid" }, JSON.stringify(wrong));
});

test("groups are mapped to roles as a list or as JSON", () => {
  const rulesOf = (text: string) => oidcOf({ POSTERN_OIDC_ROLES: text })?.roleRules;
  assert.deepEqual(rulesOf("staff:viewer, urn:acme:ops:operator,"), [
    ["staff", "viewer"],
    ["urn:acme:ops", "operator"],
  ]);
  assert.deepEqual(rulesOf('{"CN=a,OU=b": ["admin", "approver"], "staff": "viewer"}'), [
    ["CN=a,OU=b", "admin"],
    ["CN=a,OU=b", "approver"],
    ["staff", "viewer"],
  ]);
  for (const wrong of ["staff", "staff:", ":viewer", "staff:superadmin", "{", '{"a": "root"}', '{"a": 1}']) {
    assert.throws(() => rulesOf(wrong), { code: "config.invalid" }, wrong);
  }
});

test("the environment's tokens are rotated without a gap, under either product's names", async (t) => {
  const { config } = readConfig({
    ...OIDC,
    POSTERN_DATA_DIR: temporaryDirectory(t),
    POSTERN_PORT: "0",
    POSTERN_PUBLIC_URL: "https://postern.example",
    INTENTGATE_ADMIN_TOKEN: "new-superadmin",
    POSTERN_ADMIN_TOKEN_PREVIOUS: "old-superadmin",
    INTENTGATE_TENANT_ADMIN_TOKENS: "acme:new-admin,acme:old-admin",
  });
  const running = await start(config, silentLogger);
  defer(t, () => running.stop());
  const nameOf = async (token: string) => {
    const answer = await fetch(`${running.url}/v1/admin/me`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return ((await answer.json()) as { name?: string }).name;
  };
  assert.equal(await nameOf("new-superadmin"), "superadmin");
  assert.equal(await nameOf("old-superadmin"), "superadmin");
  assert.equal(await nameOf("new-admin"), "tenant-admin:acme");
  assert.equal(await nameOf("old-admin"), "tenant-admin:acme");
  assert.equal(await nameOf("older-admin"), undefined);
  const methods = await (await fetch(`${running.url}/v1/auth`)).json();
  assert.deepEqual(methods, { methods: ["token", "oidc"] });
});
