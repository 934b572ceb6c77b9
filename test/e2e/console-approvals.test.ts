// A person at the queue and at the kill switch, in a real browser: hostile calls are text, what is approved is what may run, and who comes late
// hears what happened instead.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { canonicalize } from "@postern/audit";
import { type AdminClient, createSidecarClient } from "@postern/client";
import type { ApprovalRequest, JsonObject, OperatorRole } from "@postern/contracts";
import { confirm, open, signIn, skip, visit } from "./browser.ts";
import { ADMIN_TOKEN, eventually, startControlPlane, TENANT } from "./stack.ts";

const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
const HIDDEN = "pay\u202eeve\u200b\u{e0100}";

/** The digest is written down here anew: what people agree to is known by nothing else. */
function parkedCall(change: Partial<Omit<ApprovalRequest, "arguments">> & { arguments?: JsonObject } = {}) {
  const call = {
    ...{ agent_id: "robot", token_id: "token.1", root_token_id: "token", method: "tools/call", tool: "pay" },
    ...{ upstream: "bank", arguments: { amount: 5 }, intent_summary: "", reason: "A large amount." },
    ...{ escalating_rule: "large", requires_step_up: false, policy_revision: 1 },
    ...{ policy_sha256: "5".repeat(64), session_id: "s", request_id: "r", remote_address: "192.0.2.1" },
    ...change,
  };
  const { agent_id: agent, method, tool, upstream, arguments: args, policy_sha256 } = call;
  const form = { v: 1, tenant: TENANT, agent, method, tool, upstream, args, policy_sha256 };
  return {
    digest: createHash("sha256").update(canonicalize(form)).digest("hex"),
    ...call,
  } as ApprovalRequest;
}

async function startQueue(t: Parameters<typeof startControlPlane>[0]) {
  const { url, admin } = await startControlPlane(t);
  await admin.createTenant(TENANT);
  const { credential } = await admin.addSidecar({ tenant: TENANT, name: "e2e" });
  return { url, admin, sidecar: createSidecarClient({ url, credential }) };
}

async function operatorToken(admin: AdminClient, name: string, roles: readonly OperatorRole[]) {
  const { id } = await admin.addOperator({ tenant: TENANT, name, roles });
  return (await admin.issueOperatorToken(id, {}, { tenant: TENANT })).token;
}

test("a call full of hostile texts is read as text and approved in the browser, and may then be taken once", {
  timeout: 180_000,
  skip,
}, async (t) => {
  const { url, admin, sidecar } = await startQueue(t);
  const ada = await operatorToken(admin, "ada", ["approver"]);
  const { page, errors } = await visit(t, `${url}/console/#/${TENANT}/approvals`);
  await signIn(page, ada);
  await page.getByText("Nothing waits for a person.").waitFor();

  const call = parkedCall({
    ...{ agent_id: `${HOSTILE}<b>agent`, tool: `${HOSTILE}<b>tool`, upstream: HOSTILE, method: HOSTILE },
    ...{ intent_summary: HOSTILE, reason: `${HOSTILE} ${HIDDEN}`, escalating_rule: HOSTILE },
    ...{ session_id: HOSTILE, request_id: HOSTILE, remote_address: "<b>192.0.2.1</b>" },
    arguments: {
      [`${HOSTILE}key`]: HOSTILE,
      [HIDDEN]: `${"x ".repeat(3_000)}the end`,
      nested: [{ deep: "\u0001\r\n\u2028" }],
    },
  });
  const ticket = await sidecar.parkCall(call);
  const card = page.getByRole("article");
  await card.waitFor();
  await page.getByRole("link", { name: "Approvals 1 waiting" }).waitFor();
  await card.getByText("Where it comes from").click();
  const text = (await card.textContent()) ?? "";
  for (const written of [call.agent_id, call.tool, call.intent_summary, "token.1", "0 of 1", "the end"])
    assert.ok(text.includes(written), written);
  assert.ok(text.includes("pay\\u{202e}eve\\u{200b}\\u{e0100}"), "nothing is hidden in the reason");
  assert.ok(text.includes('"pay\\u{202e}eve\\u{200b}\\u{e0100}": "x x'), "nor in the arguments");
  const wide = "[...document.querySelectorAll('pre')].some((e) => e.scrollWidth > e.clientWidth)";
  assert.equal(await page.evaluate(wide), false, "no argument runs out of sight");
  assert.match(text, /Arguments, 6,\d\d\d characters in all/);
  assert.match(text, /\d+ min( \d+ s)? left/);
  assert.equal(await page.locator("img, b, main script").count(), 0, "no text became markup");

  await card.getByRole("button", { name: "Approve…" }).click();
  const dialog = page.getByRole("dialog", { name: "Approve this call?" });
  assert.ok((await dialog.textContent())?.includes(call.tool));
  await page.keyboard.press("Escape");
  assert.equal((await sidecar.approval(ticket.pending_id)).status, "pending", "Escape decides nothing");
  await card.getByRole("button", { name: "Approve…" }).click();
  await dialog.getByLabel("Reason").fill(`looks right ${HOSTILE}`);
  await confirm(page, "Approve");
  await page.getByText("Nothing waits for a person.").waitFor();
  await page.getByText("It was approved by operator:ada").waitFor();
  await page.getByRole("link", { name: "Approvals", exact: true }).first().waitFor();
  assert.equal((await sidecar.approval(ticket.pending_id)).decided_by, "operator:ada");

  const claim = { digest: call.digest, event_id: "e1" };
  assert.equal((await sidecar.claimApproval(ticket.pending_id, claim)).isTaken, true);
  const again = await sidecar.claimApproval(ticket.pending_id, { ...claim, event_id: "e2" });
  assert.equal(again.isTaken, false);
  await page.getByRole("link", { name: "Used" }).click();
  await page.getByText("the approval was used at").waitFor();
  await page.getByRole("row").filter({ hasText: "<b>tool" }).getByRole("link").click();
  await page.getByText(`They said: looks right ${HOSTILE}`).first().waitFor();

  await open(page, "Events");
  await page.getByRole("row").filter({ hasText: "admin/decide_approval" }).waitFor();
  assert.equal(await page.locator("img, b, main script").count(), 0);
  assert.equal(await page.title(), "Events · acme · Postern");
  assert.deepEqual(errors, []);
});

test("who comes late, or may not decide, is told so", { timeout: 180_000, skip }, async (t) => {
  const { url, admin, sidecar } = await startQueue(t);
  const vic = await operatorToken(admin, "vic", ["viewer"]);
  const { page, errors } = await visit(t, `${url}/console/#/${TENANT}/approvals`);
  await signIn(page);
  const late = await sidecar.parkCall(parkedCall({ tool: "late" }));
  await page
    .getByRole("article", { name: "late for robot" })
    .getByRole("button", { name: "Approve…" })
    .click();
  await page.getByLabel("Reason").fill("yes");
  await admin.decideApproval(late.pending_id, { decision: "reject", reason: "Not at night." });
  await confirm(page, "Approve");
  await page.getByText("It was rejected by superadmin").first().waitFor();
  await page.getByText("They said: Not at night.").first().waitFor();
  await page.keyboard.press("Escape");
  await page.getByText("Nothing waits for a person.").waitFor();

  const id = await sidecar.parkCall(parkedCall({ tool: "twice" }));
  const settings = { tenant: TENANT, approvals: { four_eyes: true } };
  const changed = await fetch(`${url}/v1/admin/settings`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify(settings),
  });
  assert.equal(changed.status, 200);
  await page
    .getByRole("article", { name: "twice for robot" })
    .getByRole("button", { name: "Reject…" })
    .click();
  await confirm(page, "Reject");
  await page.getByText("Nobody knows who issued the capability token").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Sign out" }).click();

  await page.goto(`${url}/console/#/${TENANT}/approvals/${id.pending_id}`);
  await signIn(page, vic);
  const card = page.getByRole("article", { name: "twice for robot" });
  await card.getByText("Your roles do not let you decide").waitFor();
  assert.equal(await card.getByRole("button").count(), 0);
  await open(page, "Approvals");
  await page.getByText("whoever issued a call's token may not decide on it").waitFor();
  assert.deepEqual(errors, []);
});

test("the kill switch is thrown after its effect was read, and released with a reason", {
  timeout: 180_000,
  skip,
}, async (t) => {
  const { url, admin } = await startQueue(t);
  const olga = await operatorToken(admin, "olga", ["operator"]);
  const { page, errors } = await visit(t, `${url}/console/#/${TENANT}/kill-switch`);
  await signIn(page, olga);
  await page.getByText("Nothing is stopped.").waitFor();
  assert.equal(
    await page.getByLabel("What to stop").getByText("Everybody").count(),
    0,
    "not for an operator",
  );
  await page.getByLabel("What to stop").selectOption("tool");
  await page.getByLabel("Name", { exact: true }).fill("drop_*");
  await page.getByRole("button", { name: "Stop…" }).click();
  await page.getByText("Say why").waitFor();
  await page.getByLabel("Reason").fill(HOSTILE);
  await page.getByRole("button", { name: "Stop…" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Every call of a tool whose name matches drop_*, by any agent of acme").waitFor();
  await page.keyboard.press("Escape");
  assert.deepEqual((await admin.halts({ tenant: TENANT })).items, [], "Escape is no");
  await page.getByRole("button", { name: "Stop…" }).click();
  await confirm(page, "Stop it now");
  await page.getByText("Stopped now:").waitFor();
  const [halt] = (await admin.halts({ tenant: TENANT })).items;
  assert.deepEqual(
    [halt?.scope, halt?.value, halt?.reason, halt?.engaged_by],
    ["tool", "drop_*", HOSTILE, "operator:olga"],
  );

  await page.getByRole("button", { name: "Release…" }).click();
  await confirm(page, "Release");
  await page.getByText("Say why it may go on.").waitFor();
  await dialog.getByLabel("Reason").fill("It is mended.");
  await confirm(page, "Release");
  await page.getByText("Nothing is stopped.").waitFor();
  await eventually(async () => assert.deepEqual((await admin.halts({ tenant: TENANT })).items, []));
  await page.getByRole("link", { name: "With what has ended" }).click();
  await page.getByText("by operator:olga: It is mended.").waitFor();
  assert.equal(await page.locator("img, main script").count(), 0);
  assert.deepEqual(errors, []);
});
