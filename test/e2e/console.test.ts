// The console in a real browser, on a real control plane: what an operator does in the first hour, with hostile names in the log.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { verifyExport } from "@postern/audit";
import { confirm, open, signIn, skip, visit } from "./browser.ts";
import { POLICY } from "./rego.ts";
import { ADMIN_TOKEN, eventually, startControlPlane, startStack, TENANT, toolCallEvents } from "./stack.ts";

const HOSTILE = '<img src=x onerror="document.title=1">';
const BROKEN_REGO = 'package intentgate.policy\n\ndecision := {"allow" true}\n';

test("hostile names in the log are shown as text, and an event's hash is checked in the browser", {
  timeout: 180_000,
  skip,
}, async (t) => {
  const stack = await startStack(t, POLICY);
  const { token } = await stack.mint();
  await stack.agent(token).toolCall(HOSTILE, { "<b>key</b>": 1 });
  await stack.agent(token).toolCall("record", { nonce: "1" });
  await eventually(async () => assert.equal((await toolCallEvents(stack.admin)).length, 2));

  const { page, errors } = await visit(t, stack.controlPlane.url);
  assert.match(page.url(), /\/console\/$/, "a browser is led to the console");
  await signIn(page, "not-the-token");
  await page.getByText("The admin token is not valid.").waitFor();
  await signIn(page);
  await page.getByRole("heading", { name: "Decisions" }).waitFor();

  await open(page, "Events");
  const row = page.getByRole("row").filter({ hasText: HOSTILE });
  assert.match((await row.textContent()) ?? "", /policy\.denied/);
  await row.getByRole("button").click();
  const dialog = page.getByRole("dialog", { name: "Event" });
  await dialog.getByText("<b>key</b>", { exact: true }).waitFor();
  await dialog.getByRole("button", { name: "Find and check the hash" }).click();
  await dialog.getByText("This browser computed the same hash").waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("img, b").count(), 0, "no name became markup");
  assert.equal(await page.title(), "Events · acme · Postern");

  await page.getByLabel("Decision").selectOption("allow");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.waitForURL(/decision=allow/);
  await row.waitFor({ state: "detached" });
  assert.ok(!page.url().includes(ADMIN_TOKEN));
  await page.reload();
  await page.getByLabel("Admin token").waitFor();
  assert.deepEqual(errors, []);
});

test("a policy is written, refused by the compiler, mended and promoted; a token is minted and revoked; the log verifies", {
  timeout: 180_000,
  skip,
}, async (t) => {
  const { url, admin } = await startControlPlane(t);
  await admin.createTenant(TENANT);
  const { page, errors } = await visit(t, `${url}/console/#/${TENANT}/policies`);
  await page.getByLabel("Stay signed in").check();
  await signIn(page);

  await page.getByText("Nothing is in force").waitFor();
  await page.getByRole("link", { name: "New draft" }).click();
  await page.getByLabel("Name").fill("first");
  await page.getByLabel("Rego").fill(BROKEN_REGO);
  await page.getByRole("button", { name: "Compile and save" }).click();
  const compilerSaid = await admin
    .createDraft({ name: "x", rego_source: BROKEN_REGO, tenant: TENANT })
    .catch((caught: Error) => caught.message);
  assert.equal(await page.getByRole("alert").locator("pre").textContent(), compilerSaid);
  await page.getByLabel("Rego").fill(POLICY);
  await page.getByRole("button", { name: "Compile and save" }).click();
  await page.getByRole("button", { name: "Promote" }).click();
  await confirm(page, "Promote");
  await page.getByText("Bundle SHA-256").waitFor();
  assert.equal((await admin.activePolicy({ tenant: TENANT })).name, "first");

  await open(page, "Tokens");
  await page.getByLabel("Agent").fill("agent-x");
  await page.getByLabel("Tools").fill("record\nread_*");
  await page.getByLabel("Calls at most").fill("3");
  await page.getByRole("button", { name: "Mint" }).click();
  const token = (await page.locator(".secret").textContent()) ?? "";
  assert.match(token, /^v4\.public\./);
  const jti = (await page.locator(".once dd").first().textContent()) ?? "";
  await page.getByLabel("Token id").fill(jti);
  await page.getByLabel("Reason").fill("lost");
  await page.getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("row").filter({ hasText: jti }).waitFor();
  assert.equal(await page.locator(".secret").count(), 0, "the token is shown once");
  assert.deepEqual(
    (await admin.revocations({ tenant: TENANT })).items.map((item) => item.jti),
    [jti],
  );

  await open(page, "Sidecars");
  await page.getByRole("button", { name: "Enrol" }).click();
  await page.locator(".secret").waitFor();

  await open(page, "Verify");
  await page.getByRole("button", { name: "Verify now" }).click();
  await page.getByText(/^Whole: \d+ events/).waitFor();
  const vkey = (await page.getByLabel("Verifier key").textContent()) ?? "";
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export NDJSON" }).click();
  const file = await (await downloading).path();
  const report = await verifyExport([await readFile(file)], { publicKey: vkey });
  assert.equal(report.verified, true, "what was downloaded verifies with the key that was shown");

  await open(page, "Policies");
  await page.getByRole("button", { name: "Clear" }).click();
  await page.keyboard.press("Escape");
  assert.equal((await admin.activePolicy({ tenant: TENANT })).name, "first", "Escape is no");
  await page.getByRole("button", { name: "Clear" }).click();
  await confirm(page, "Clear the policy");
  await page.getByText("Nothing is in force").waitFor();

  await page.reload();
  await page.getByText("Nothing is in force").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.reload();
  await page.getByLabel("Admin token").waitFor();
  assert.deepEqual(errors, []);
});

test("every screen fits a window of 400 pixels and can be reached with the keyboard", {
  timeout: 120_000,
  skip,
}, async (t) => {
  const { url } = await startControlPlane(t);
  const { page, errors } = await visit(t, `${url}/console/`, { width: 400, height: 800 });
  await page.getByLabel("Admin token").fill(ADMIN_TOKEN);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Decisions" }).waitFor();
  for (const screen of [
    "Overview",
    "Approvals",
    "Kill switch",
    "Events",
    "Verify",
    "Policies",
    "Tools",
    "Upstreams",
    "Tokens",
    "Sidecars",
    "Keys",
    "People",
    "Webhooks",
    "Settings",
    "Tenants",
  ]) {
    await page.getByRole("link", { name: screen, exact: true }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: screen }).waitFor();
    await page.locator("main:not([aria-busy])").waitFor();
    assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 400, screen);
    const unlabelled =
      "[...document.querySelectorAll('input,select,textarea')].filter((e) => !e.labels.length).length";
    assert.equal(await page.evaluate(unlabelled), 0, screen);
  }
  assert.deepEqual(errors, []);
});
