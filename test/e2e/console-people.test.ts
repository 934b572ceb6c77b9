// People with different roles at one console, in a real browser: two of them for a policy, and a role that is lent.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AdminClient } from "@postern/client";
import type { OperatorRole } from "@postern/contracts";
import { confirm, open, signIn, skip, visit } from "./browser.ts";
import { POLICY } from "./rego.ts";
import { ADMIN_TOKEN, startStack, TENANT } from "./stack.ts";

async function operatorToken(admin: AdminClient, name: string, roles: readonly OperatorRole[]) {
  const { id } = await admin.addOperator({ tenant: TENANT, name, roles });
  return (await admin.issueOperatorToken(id, {}, { tenant: TENANT })).token;
}

test("a draft is tried on calls of the past, proposed by one author and agreed to by another, and history leads back", {
  timeout: 240_000,
  skip,
}, async (t) => {
  const { admin, agent, mint, controlPlane } = await startStack(t, POLICY);
  await agent((await mint()).token).toolCall("record", { nonce: "1" });
  const paula = await operatorToken(admin, "paula", ["policy_author"]);
  const pete = await operatorToken(admin, "pete", ["policy_author"]);
  const { page, errors } = await visit(t, `${controlPlane.url}/console/#/${TENANT}/settings`);
  await signIn(page);
  await page.getByLabel("Promoting and rolling back policies need a second person").check();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();

  await page.goto(`${controlPlane.url}/console/#/${TENANT}/policies/new`);
  await signIn(page, paula);
  await page.getByLabel("Name", { exact: true }).fill("closed");
  await page
    .getByLabel("Rego", { exact: true })
    .fill('package intentgate.policy\n\ndecision := {"allow": false}\n');
  await page.getByRole("button", { name: "Run" }).click();
  await page.getByText("1 of 1 call would be decided otherwise.").waitFor();
  const report = page.getByRole("region", { name: "What the dry run found" });
  await report.getByText("allow → block").waitFor();
  await report.getByRole("row").filter({ hasText: "record" }).getByText("block").waitFor();
  await page.getByRole("button", { name: "Compile and save" }).click();
  await page.getByRole("button", { name: "Promote" }).click();
  await confirm(page, "Promote");
  const proposals = page.locator("section.panel", { hasText: "Proposals" });
  await proposals.getByText("operator:paula").waitFor();
  assert.equal(await proposals.getByRole("button", { name: "Agree…" }).count(), 0, "not one's own");
  assert.equal((await admin.activePolicy({ tenant: TENANT })).name, "test");
  await page.getByRole("button", { name: "Sign out" }).click();

  await page.goto(`${controlPlane.url}/console/#/${TENANT}/policies`);
  await signIn(page, pete);
  await proposals.getByRole("button", { name: "Agree…" }).click();
  await page.getByRole("dialog").getByText('decision := {"allow": false}').waitFor();
  await confirm(page, "Agree");
  await page.getByText("Agreed and done").waitFor();
  assert.equal((await admin.activePolicy({ tenant: TENANT })).name, "closed");
  await page.getByRole("button", { name: "Go back to revision 1" }).click();
  await confirm(page, "Go back to this");
  await proposals.getByText("operator:pete").waitFor();
  assert.deepEqual(errors, []);
});

test("a role is asked for, lent, used under a bar, and given back", { timeout: 240_000, skip }, async (t) => {
  const { admin, controlPlane } = await startStack(t, POLICY);
  const vic = await operatorToken(admin, "vic", ["viewer"]);
  const { page, errors } = await visit(t, `${controlPlane.url}/console/#/${TENANT}/people`);
  await signIn(page, vic);
  await page.getByText("operator:vic").first().waitFor();
  assert.equal(await page.getByRole("form", { name: "Add an operator" }).count(), 0);
  await page.getByLabel("Role", { exact: true }).selectOption("operator");
  await page.getByLabel("Reason").fill("<b>It burns.</b>");
  await page.getByRole("button", { name: "Ask" }).click();
  const row = page.getByRole("row").filter({ hasText: "<b>It burns.</b>" });
  await row.waitFor();
  const [elevation] = (await admin.elevations({ tenant: TENANT })).items;
  assert.ok(elevation);
  await admin.decideElevation(elevation.id, { decision: "approve" });
  await page.reload();
  await signIn(page, vic);
  await row.getByRole("button", { name: "Act under it" }).click();
  const bar = page.getByRole("region", { name: "Elevation" });
  await bar.getByText("You act with the role operator in acme").waitFor();

  const told: (string | undefined)[] = [];
  page.on("request", (request) => {
    if (request.url().includes("/v1/admin/kill-switch"))
      told.push(request.headers()["x-postern-elevation-id"]);
  });
  await open(page, "Kill switch");
  await page.getByLabel("What to stop").selectOption("tenant");
  await page.getByLabel("Reason").fill("It burns.");
  await page.getByRole("button", { name: "Stop…" }).click();
  await confirm(page, "Stop it now");
  await page.getByText("Stopped now:").waitFor();
  assert.ok(told.length > 0 && told.every((id) => id === elevation.id), "every call names it");

  await bar.getByRole("button", { name: "Act without it" }).click();
  await page.getByText("This is for those who have the role operator.").waitFor();
  assert.equal(await bar.count(), 0);
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const log = await (
    await fetch(`${controlPlane.url}/v1/admin/audit?tenant=${TENANT}&tool=admin/engage_halt`, { headers })
  ).json();
  const [event] = (log as { items: { actor: string; elevation_id: string }[] }).items;
  assert.deepEqual([event?.actor, event?.elevation_id], ["operator:vic", elevation.id]);
  assert.deepEqual(errors, []);
});
