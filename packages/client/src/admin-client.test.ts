// What each function asks for, and that it gives back what was answered.
import assert from "node:assert/strict";
import { test } from "node:test";
import { plainAnswer, plainAnswers } from "./admin-call.fixture.ts";
import { type AdminClient, type BodyOf, createAdminClient } from "./index.ts";

const tenant = "acme";
const draft = { name: "n", rego_source: "package x" };
const sha256 = "0f".repeat(32);
const trust = {
  audiences: ["https://tools.example/v1/mcp"],
  rules: [{ name: "all", match: { "/sub": { glob: "*" } }, grant: { agent: "a" } }],
};
const upstream = {
  ...{ url: "https://crm.example/mcp", enabled: true },
  auth: { kind: "header", header: "x-key", secret: { from: "vault", path: "secret/crm#token" } },
} satisfies BodyOf<"upstream_replace">;
const webhook = {
  url: "https://hooks.example/",
  events: ["halt.engaged"],
} satisfies BodyOf<"webhook_create">;
const halt = { scope: "agent", value: "a", reason: "why", ttl_seconds: 60, tenant } as const;
const approve = { decision: "approve", reason: "known" } as const;

type Call = [line: string, run: (client: AdminClient) => Promise<unknown>, body?: object];
const calls: readonly Call[] = [
  ["POST /mint", (c) => c.mint({ subject: "bot", tools: ["read_*"] }), { subject: "bot", tools: ["read_*"] }],
  ["POST /step-up", (c) => c.stepUp("j1", { tenant }), { jti: "j1", tenant }],
  ["POST /revoke", (c) => c.revoke("j1", { reason: "lost" }), { jti: "j1", reason: "lost" }],
  ["GET /revocations?tenant=acme&limit=5", (c) => c.revocations({ tenant, limit: 5 })],

  ["GET /kill-switch?tenant=acme&state=all", (c) => c.halts({ tenant, state: "all" })],
  ["POST /kill-switch", (c) => c.engageHalt(halt), halt],
  ["POST /kill-switch/h%2F1/release", (c) => c.releaseHalt("h/1", { reason: "over" }), { reason: "over" }],
  [
    "POST /kill-switch/release",
    (c) => c.releaseHaltOf({ scope: "tenant", tenant }),
    { scope: "tenant", tenant },
  ],

  ["GET /approvals?tenant=acme&status=rejected", (c) => c.approvals({ tenant, status: "rejected" })],
  ["GET /approvals/..%2Fkeys", (c) => c.approval("../keys")],
  ["POST /approvals/a1/decide", (c) => c.decideApproval("a1", approve), approve],

  ["GET /policies/drafts", (c) => c.drafts()],
  ["POST /policies/drafts", (c) => c.createDraft({ ...draft, tenant }), { ...draft, tenant }],
  ["GET /policies/drafts/..%2Fkeys", (c) => c.draft("../keys")],
  ["PUT /policies/drafts/d1", (c) => c.updateDraft("d1", { description: "x" }), { description: "x" }],
  ["DELETE /policies/drafts/d1", (c) => c.deleteDraft("d1")],
  [
    "POST /policies/dry-run",
    (c) => c.dryRunPolicy({ rego: "x", sample: "24h" }),
    { rego: "x", sample: "24h" },
  ],
  ["GET /policies/active?tenant=acme", (c) => c.activePolicy({ tenant })],
  ["POST /policies/active", (c) => c.promote("d1", { tenant }), { draft_id: "d1", tenant }],
  ["DELETE /policies/active?tenant=acme", (c) => c.clearPolicy({ tenant })],
  ["POST /policies/rollback?tenant=acme", (c) => c.rollback({ tenant })],
  ["POST /policies/rollback?tenant=acme", (c) => c.rollback({ tenant, revision: 3 }), { revision: 3 }],
  ["GET /policies/history?tenant=acme&limit=2", (c) => c.policyHistory({ tenant, limit: 2 })],

  [
    "POST /policies/rollouts",
    (c) => c.startRollout({ draft_id: "d1", percent: 5 }),
    { draft_id: "d1", percent: 5 },
  ],
  ["GET /policies/rollouts?tenant=acme", (c) => c.rollouts({ tenant })],
  ["GET /policies/rollouts/..%2Fr", (c) => c.rollout("../r")],
  [
    "PATCH /policies/rollouts/r1?tenant=acme",
    (c) => c.changeRollout("r1", { percent: 50, tenant }),
    { percent: 50 },
  ],
  ["POST /policies/rollouts/r1/complete?tenant=acme", (c) => c.completeRollout("r1", { tenant })],
  [
    "POST /policies/rollouts/r1/stop?tenant=acme",
    (c) => c.stopRollout("r1", { reason: "x", tenant }),
    { reason: "x" },
  ],
  ["GET /policies/proposals?tenant=acme", (c) => c.proposals({ tenant })],
  ["GET /policies/proposals/p1?tenant=acme", (c) => c.proposal("p1", { tenant })],
  [
    "POST /policies/proposals/p1/decide?tenant=acme",
    (c) => c.decideProposal("p1", { decision: "approve", rego_sha256: sha256 }, { tenant }),
    { decision: "approve", rego_sha256: sha256 },
  ],

  [
    "GET /audit?tenant=acme&decision=block&tool=pay",
    (c) => c.audit({ tenant, decision: "block", tool: "pay" }),
  ],
  ["GET /audit/verify?tenant=acme", (c) => c.verifyAudit({ tenant })],
  ["GET /audit/checkpoint?tenant=acme", (c) => c.checkpoint({ tenant })],

  ["GET /tenants", (c) => c.tenants()],
  ["POST /tenants", (c) => c.createTenant("acme"), { name: "acme" }],
  ["POST /sidecars", (c) => c.addSidecar({ tenant, name: "s" }), { tenant, name: "s" }],
  ["GET /sidecars?cursor=c", (c) => c.sidecars({ cursor: "c" })],
  ["DELETE /sidecars/s1?tenant=acme", (c) => c.removeSidecar("s1", { tenant })],

  ["GET /upstreams?tenant=acme&limit=2", (c) => c.upstreams({ tenant, limit: 2 })],
  ["GET /upstreams/crm?tenant=acme", (c) => c.upstream("crm", { tenant })],
  [
    "POST /upstreams",
    (c) => c.addUpstream({ name: "crm", tenant, ...upstream }),
    { name: "crm", tenant, ...upstream },
  ],
  ["PUT /upstreams/crm?tenant=acme", (c) => c.replaceUpstream("crm", upstream, { tenant }), upstream],
  ["DELETE /upstreams/..%2Fcrm?tenant=acme", (c) => c.removeUpstream("../crm", { tenant })],

  ["GET /tools?upstream=files&status=pinned", (c) => c.tools({ upstream: "files", status: "pinned" })],
  ["GET /tools/..%2Fkeys?tenant=acme", (c) => c.tool("../keys", { tenant })],
  [
    "POST /tools/t1/approve?tenant=acme",
    (c) => c.approveTool("t1", { digest: sha256, keep: true }, { tenant }),
    { digest: sha256, keep: true },
  ],
  [
    "POST /tools/t1/quarantine?tenant=acme",
    (c) => c.quarantineTool("t1", { reason: "x", tenant }),
    { reason: "x" },
  ],
  ["GET /tools/mode?tenant=acme", (c) => c.toolMode({ tenant })],
  ["PUT /tools/mode", (c) => c.setToolMode({ mode: "off", tenant }), { mode: "off", tenant }],

  ["GET /issuers?tenant=acme", (c) => c.issuers({ tenant })],
  [
    "POST /issuers",
    (c) => c.addIssuer({ issuer: "https://i.example", ...trust }),
    { issuer: "https://i.example", ...trust },
  ],
  ["PUT /issuers/..%2Fi", (c) => c.replaceIssuer("../i", trust), trust],
  ["DELETE /issuers/i1", (c) => c.removeIssuer("i1")],
  [
    "POST /issuers/i1/explain",
    (c) => c.explainIssuer("i1", { claims: { sub: "a" } }),
    { claims: { sub: "a" } },
  ],

  ["GET /keys?tenant=acme&prepared=true", (c) => c.keys({ tenant, prepared: true })],
  ["POST /keys", (c) => c.prepareKey({ use: "log", tenant }), { use: "log", tenant }],
  ["POST /keys/k4.pid.a/publish?tenant=acme", (c) => c.publishKey("k4.pid.a", { tenant })],
  ["POST /keys/k4.pid.a/activate", (c) => c.activateKey("k4.pid.a")],
  [
    "POST /keys/k4.pid.a/retire?tenant=acme",
    (c) => c.retireKey("k4.pid.a", { not_after: "t", tenant }),
    { not_after: "t" },
  ],

  ["GET /me", (c) => c.me()],
  ["GET /operators?tenant=acme&limit=2", (c) => c.operators({ tenant, limit: 2 })],
  [
    "POST /operators",
    (c) => c.addOperator({ name: "olga", roles: ["viewer"] }),
    { name: "olga", roles: ["viewer"] },
  ],
  ["GET /operators/..%2Fkeys?tenant=acme", (c) => c.operator("../keys", { tenant })],
  [
    "PATCH /operators/o1?tenant=acme",
    (c) => c.changeOperator("o1", { identity: null }, { tenant }),
    { identity: null },
  ],
  ["DELETE /operators/o1?tenant=acme", (c) => c.removeOperator("o1", { tenant })],
  [
    "POST /operators/o1/tokens?tenant=acme",
    (c) => c.issueOperatorToken("o1", { label: "ci" }, { tenant }),
    { label: "ci" },
  ],
  ["GET /operators/o1/tokens?tenant=acme", (c) => c.operatorTokens("o1", { tenant })],
  ["DELETE /operators/o1/tokens/t%2F1", (c) => c.revokeOperatorToken("o1", "t/1")],

  ["GET /elevations?status=pending", (c) => c.elevations({ status: "pending" })],
  ["GET /elevations/e1", (c) => c.elevation("e1")],
  [
    "POST /elevations",
    (c) => c.requestElevation({ reason: "why", role: "admin" }),
    { reason: "why", role: "admin" },
  ],
  ["POST /elevations/e1/decide", (c) => c.decideElevation("e1", approve), approve],
  ["POST /elevations/e1/end", (c) => c.endElevation("e1")],

  ["GET /webhooks?tenant=acme", (c) => c.webhooks({ tenant })],
  ["GET /webhooks/..%2Fkeys", (c) => c.webhook("../keys")],
  ["POST /webhooks", (c) => c.addWebhook(webhook), webhook],
  ["PATCH /webhooks/w1", (c) => c.changeWebhook("w1", { enabled: false }), { enabled: false }],
  ["DELETE /webhooks/w1", (c) => c.removeWebhook("w1")],
  ["POST /webhooks/w1/secret", (c) => c.rotateWebhookSecret("w1")],
  ["POST /webhooks/w1/test", (c) => c.testWebhook("w1")],
  ["GET /webhooks/w1/deliveries?status=failed", (c) => c.webhookDeliveries("w1", { status: "failed" })],
  ["POST /webhooks/w1/deliveries/d1/retry", (c) => c.retryWebhookDelivery("w1", "d1")],
  ["GET /integrations", (c) => c.integrations()],
];

test("every function asks for exactly what its name says, and gives back what was answered", async (t) => {
  const { url, seen } = await plainAnswers(t);
  const client = createAdminClient({ url, token: "t" });
  for (const [line, run, body] of calls) {
    const [method = "", path = ""] = line.split(" ");
    const address = `/v1/admin${path}`;
    assert.deepEqual(await run(client), plainAnswer(method, address), line);
    const asked = seen.at(-1);
    assert.deepEqual(`${asked?.method} ${asked?.url}`, `${method} ${address}`);
    assert.deepEqual(asked?.body === "" ? undefined : JSON.parse(asked?.body ?? ""), body, line);
  }
  const called = new Set(calls.flatMap(([, run]) => /\.(\w+)\(/.exec(String(run))?.[1] ?? []));
  const others = Object.keys(client).filter((name) => !called.has(name));
  assert.deepEqual(others, ["call", "exportAudit"]);
});
