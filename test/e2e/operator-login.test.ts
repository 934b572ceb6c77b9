// An operator in a real browser: to the company's identity provider and back to the console, acting under a name, out again, and refused
// after that.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createAdminClient } from "@postern/client";
import {
  defer,
  freePort,
  repositoryRoot,
  startProcess,
  type TestScope,
  temporaryDirectory,
} from "@postern/testkit";
import { chromium } from "playwright-core";
import { ADMIN_TOKEN, TENANT } from "./stack.ts";

const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];
const WAIT_MS = 30_000;
const executablePath = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";
const skip = existsSync(executablePath)
  ? false
  : `no Chromium at ${executablePath}: install it, or name one in CHROMIUM_BIN`;
const FIXTURE = "apps/control-plane/src/surfaces/login/provider.fixture.ts";

async function startAll(t: TestScope): Promise<string> {
  // The provider must know the way back before the control plane has started.
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const provider = await startProcess(t, {
    command: process.execPath,
    args: [join(repositoryRoot, FIXTURE), `${url}/v1/auth/callback`],
    ready: /^\{"url":.*\}$/m,
    timeoutMs: 60_000,
  });
  const { url: issuer } = JSON.parse(provider.match[0] ?? "{}") as { url: string };
  await startProcess(t, {
    command: process.execPath,
    args: [join(repositoryRoot, "apps/control-plane/src/main.ts")],
    env: {
      PATH: process.env.PATH,
      OPA_BIN: process.env.OPA_BIN,
      POSTERN_DATA_DIR: temporaryDirectory(t),
      POSTERN_PORT: String(port),
      POSTERN_ADMIN_TOKEN: ADMIN_TOKEN,
      POSTERN_TENANT_ADMIN_TOKENS: `${TENANT}:unused`,
      POSTERN_PUBLIC_URL: url,
      POSTERN_OIDC_ISSUER: issuer,
      POSTERN_OIDC_CLIENT_ID: "postern",
      POSTERN_OIDC_CLIENT_SECRET: "a-secret-of-postern-in-a-test",
      POSTERN_OIDC_TENANT: TENANT,
      POSTERN_OIDC_ROLES: "policy-people:policy_author",
    },
    ready: /"msg":"listening"/,
    timeoutMs: 60_000,
  });
  return url;
}

test("an operator signs in to the console with the company's identity provider, acts under a name, and signs out", {
  timeout: 180_000,
  skip,
}, async (t) => {
  const url = await startAll(t);
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  defer(t, () => browser.close());
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  let bearer = "";
  page.on("request", (request) => {
    if (request.url().includes("/v1/admin/")) {
      bearer = request.headers().authorization ?? "";
      assert.equal(request.headers().cookie, undefined, "no cookie is sent to the admin interface");
    }
  });

  await page.goto(`${url}/console/`);
  await page.getByRole("button", { name: "Sign in with your organisation" }).click();
  await page.locator("input[name=login]").fill("alice.policy-people");
  await page.locator("input[name=password]").fill("any");
  await page.locator("button[type=submit]").click();
  await page.locator("input[name=login]").waitFor({ state: "detached" });
  await page.locator("button[type=submit]").click();
  await page.getByRole("heading", { name: "Decisions" }).waitFor();
  assert.doesNotMatch(page.url(), /signed-in/, "the code has left the address");
  assert.deepEqual(
    (await context.cookies(`${url}/v1/auth`)).filter(({ name }) => name === "postern_login"),
    [],
    "nor is the cookie left",
  );

  await page.getByRole("navigation").getByRole("link", { name: "Policies" }).click();
  await page.getByRole("link", { name: "New draft" }).click();
  await page.getByLabel("Name").fill("alice's");
  await page.getByLabel("Rego").fill('package intentgate.policy\n\ndecision := {"allow": false}\n');
  await page.getByRole("button", { name: "Compile and save" }).click();
  await page.getByRole("button", { name: "Promote" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
  assert.deepEqual(errors, []);

  const admin = createAdminClient({ url, token: ADMIN_TOKEN });
  const told = (await admin.audit({ tenant: TENANT, limit: 100 })).items;
  const acts = told.map(({ tool, actor }) => `${tool} ${actor}`);
  for (const act of ["admin/login", "admin/create_draft", "admin/logout"]) {
    assert.ok(acts.includes(`${act} operator:alice@acme.example`), `${act}: ${acts.join(", ")}`);
  }
  const token = bearer.replace("Bearer ", "");
  assert.match(token, /^pst_acme\./);
  await assert.rejects(createAdminClient({ url, token }).me(), { kind: "unauthenticated" });
});
