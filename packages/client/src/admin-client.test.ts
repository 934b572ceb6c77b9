import assert from "node:assert/strict";
import { test } from "node:test";
import { type AdminClient, createAdminClient } from "./index.ts";
import { answers, scriptedServer } from "./scripted-server.fixture.ts";

const draft = {
  id: "d1",
  name: "n",
  description: "",
  tenant: "acme",
  created_by: "superadmin",
  created_at: "2026-01-01T00:00:00Z",
  rego_sha256: "0",
};
const active = {
  draft_id: "d1",
  name: "n",
  promoted_by: "p",
  promoted_at: "t",
  rego_sha256: "0",
  tenant: "acme",
};
const tenant = "acme";
const kid = `k4.pid.${"a".repeat(44)}`;
const key = { kid, public_key: `k4.public.${"a".repeat(43)}`, use: "log", status: "retired" };

const trust = {
  audiences: ["https://sidecar.example/v1/mcp"],
  rules: [{ name: "all", match: { "/sub": { glob: "*" } }, grant: { agent: "a" } }],
};
const issuer = {
  ...trust,
  algorithms: ["RS256" as const],
  scopes: [],
  rules: [{ ...trust.rules[0], grant: { agent: "a", caveats: [], ttl_seconds: 60 } }],
  ...{ id: "i1", tenant, issuer: "https://login.example" },
};

const dryRun = {
  decisions: [
    {
      ...{ input: { tool: "pay" }, candidate_decision: "block" as const, actual_decision: "allow" as const },
      ...{ rule: "limit", changed: true, uncertain: false, missing: [] },
    },
  ],
  summary: {
    ...{ evaluated: 1, unchanged: 0, changed: 1, uncertain: 0, failed: 0, allow_to_block: 1 },
    ...{ allow_to_escalate: 0, block_to_allow: 0, block_to_escalate: 0, escalate_to_allow: 0 },
    ...{ escalate_to_block: 0, tools: [{ name: "pay", changed: 1, evaluated: 1 }] },
  },
  safety: [{ finding: "mass_block", severity: "critical" as const, message: "1 of 1 calls." }],
  partial: false,
};

const tool = {
  ...{ id: "t1", tenant, upstream: "files", name: "read", status: "quarantined", held_by: "pin.changed" },
  ...{ approved_digests: ["0"], waiting_digest: "1", flags: ["invisible_unicode"] },
};

const upstream = {
  ...{ name: "crm", tenant, transport: "http" as const, url: "https://crm.example/mcp", enabled: true },
  auth: {
    ...{ kind: "header" as const, header: "authorization", prefix: "Bearer " },
    secret: { from: "vault" as const, path: "secret/crm#token" },
  },
};
const { tenant: _, name: __, ...upstreamRequest } = upstream;

const approval = {
  ...{ id: "a1", tenant, agent_id: "bot", capability_token_id: "j1", tool: "pay", arguments: { amount: 5 } },
  ...{ escalating_rule: "payments", created_at: "2026-01-01T00:00:00Z", status: "pending" },
};

const calls: {
  name: string;
  run: (client: AdminClient) => Promise<unknown>;
  request: string;
  body?: object;
  reply: unknown;
}[] = [
  {
    name: "upstreams",
    run: (client) => client.upstreams({ tenant, limit: 2 }),
    request: "GET /v1/admin/upstreams?tenant=acme&limit=2",
    reply: { items: [upstream], next_cursor: "c" },
  },
  {
    name: "upstream",
    run: (client) => client.upstream("crm", { tenant }),
    request: "GET /v1/admin/upstreams/crm?tenant=acme",
    reply: upstream,
  },
  {
    name: "addUpstream",
    run: (client) => client.addUpstream({ name: "crm", tenant, ...upstreamRequest }),
    request: "POST /v1/admin/upstreams",
    body: { name: "crm", tenant, ...upstreamRequest },
    reply: upstream,
  },
  {
    name: "replaceUpstream",
    run: (client) => client.replaceUpstream("crm", upstreamRequest, { tenant }),
    request: "PUT /v1/admin/upstreams/crm?tenant=acme",
    body: upstreamRequest,
    reply: upstream,
  },
  {
    name: "removeUpstream",
    run: (client) => client.removeUpstream("../crm", { tenant }),
    request: "DELETE /v1/admin/upstreams/..%2Fcrm?tenant=acme",
    reply: undefined,
  },
  {
    name: "mint",
    run: (client) => client.mint({ subject: "bot", tools: ["read_*"], ttl_seconds: 60 }),
    request: "POST /v1/admin/mint",
    body: { subject: "bot", tools: ["read_*"], ttl_seconds: 60 },
    reply: { token: "v4.public.x", jti: "j1" },
  },
  {
    name: "revoke",
    run: (client) => client.revoke("j1", { reason: "lost" }),
    request: "POST /v1/admin/revoke",
    body: { jti: "j1", reason: "lost" },
    reply: undefined,
  },
  {
    name: "revocations",
    run: (client) => client.revocations({ tenant, limit: 5 }),
    request: "GET /v1/admin/revocations?tenant=acme&limit=5",
    reply: { items: [], next_cursor: "c" },
  },
  {
    name: "drafts",
    run: (client) => client.drafts(),
    request: "GET /v1/admin/policies/drafts",
    reply: [draft],
  },
  {
    name: "createDraft",
    run: (client) => client.createDraft({ name: "n", rego_source: "package x", tenant }),
    request: "POST /v1/admin/policies/drafts",
    body: { name: "n", rego_source: "package x", tenant },
    reply: draft,
  },
  {
    name: "draft",
    run: (client) => client.draft("../keys"),
    request: "GET /v1/admin/policies/drafts/..%2Fkeys",
    reply: draft,
  },
  {
    name: "updateDraft",
    run: (client) => client.updateDraft("d1", { name: "m" }),
    request: "PUT /v1/admin/policies/drafts/d1",
    body: { name: "m" },
    reply: draft,
  },
  {
    name: "deleteDraft",
    run: (client) => client.deleteDraft("d1"),
    request: "DELETE /v1/admin/policies/drafts/d1",
    reply: undefined,
  },
  {
    name: "activePolicy",
    run: (client) => client.activePolicy({ tenant }),
    request: "GET /v1/admin/policies/active?tenant=acme",
    reply: active,
  },
  {
    name: "promote",
    run: (client) => client.promote("d1", { tenant }),
    request: "POST /v1/admin/policies/active",
    body: { draft_id: "d1", tenant },
    reply: active,
  },
  {
    name: "clearPolicy",
    run: (client) => client.clearPolicy({ tenant }),
    request: "DELETE /v1/admin/policies/active?tenant=acme",
    reply: undefined,
  },
  {
    name: "rollback",
    run: (client) => client.rollback({ tenant }),
    request: "POST /v1/admin/policies/rollback?tenant=acme",
    reply: active,
  },
  {
    name: "dryRunPolicy",
    run: (client) => client.dryRunPolicy({ rego_source: "package x", sample: "last:500", tenant }),
    request: "POST /v1/admin/policies/dry-run",
    body: { rego_source: "package x", sample: "last:500", tenant },
    reply: dryRun,
  },
  {
    name: "audit",
    run: (client) => client.audit({ decision: "block", tool: "a b" }),
    request: "GET /v1/admin/audit?decision=block&tool=a+b",
    reply: { items: [] },
  },
  {
    name: "verifyAudit",
    run: (client) => client.verifyAudit(),
    request: "GET /v1/admin/audit/verify",
    reply: { tenant, verified: true, events_checked: 3, duration_ms: 1 },
  },
  {
    name: "retireKey",
    run: (client) => client.retireKey(kid, { tenant, not_after: "2026-01-01T00:00:00Z" }),
    request: `POST /v1/admin/keys/${kid}/retire?tenant=acme`,
    body: { not_after: "2026-01-01T00:00:00Z" },
    reply: key,
  },
  {
    name: "keys",
    run: (client) => client.keys({ prepared: true }),
    request: "GET /v1/admin/keys?prepared=true",
    reply: [{ ...key, status: "prepared", vkey: "log+1+x" }],
  },
  {
    name: "removeSidecar",
    run: (client) => client.removeSidecar("s1", { tenant }),
    request: "DELETE /v1/admin/sidecars/s1?tenant=acme",
    reply: undefined,
  },
  {
    name: "issuers",
    run: (client) => client.issuers({ tenant }),
    request: "GET /v1/admin/issuers?tenant=acme",
    reply: [issuer],
  },
  {
    name: "addIssuer",
    run: (client) => client.addIssuer({ issuer: "https://login.example", tenant, ...trust }),
    request: "POST /v1/admin/issuers",
    body: { issuer: "https://login.example", tenant, ...trust },
    reply: issuer,
  },
  {
    name: "replaceIssuer",
    run: (client) => client.replaceIssuer("i1", trust),
    request: "PUT /v1/admin/issuers/i1",
    body: trust,
    reply: issuer,
  },
  {
    name: "removeIssuer",
    run: (client) => client.removeIssuer("../keys"),
    request: "DELETE /v1/admin/issuers/..%2Fkeys",
    reply: undefined,
  },
  {
    name: "explainIssuer",
    run: (client) => client.explainIssuer("i1", { claims: { sub: "alice" } }),
    request: "POST /v1/admin/issuers/i1/explain",
    body: { claims: { sub: "alice" } },
    reply: { accepted: false, problem: "no", claims: { sub: "alice" } },
  },
  {
    name: "tools",
    run: (client) => client.tools({ tenant, upstream: "files", status: "quarantined", limit: 5 }),
    request: "GET /v1/admin/tools?tenant=acme&upstream=files&status=quarantined&limit=5",
    reply: { items: [tool], next_cursor: "c" },
  },
  {
    name: "tool",
    run: (client) => client.tool("../keys", { tenant }),
    request: "GET /v1/admin/tools/..%2Fkeys?tenant=acme",
    reply: { ...tool, waiting: { name: "read" }, differences: [{ pointer: "/title", after: "x" }] },
  },
  {
    name: "approveTool",
    run: (client) => client.approveTool("t1", { digest: "d", keep: true }, { tenant }),
    request: "POST /v1/admin/tools/t1/approve?tenant=acme",
    body: { digest: "d", keep: true },
    reply: tool,
  },
  {
    name: "quarantineTool",
    run: (client) => client.quarantineTool("t1", { reason: "odd", tenant }),
    request: "POST /v1/admin/tools/t1/quarantine?tenant=acme",
    body: { reason: "odd" },
    reply: tool,
  },
  {
    name: "toolMode",
    run: (client) => client.toolMode({ tenant }),
    request: "GET /v1/admin/tools/mode?tenant=acme",
    reply: { tenant, mode: "trust_first" },
  },
  {
    name: "setToolMode",
    run: (client) => client.setToolMode({ tenant, mode: "approve_all" }),
    request: "PUT /v1/admin/tools/mode",
    body: { tenant, mode: "approve_all" },
    reply: { tenant, mode: "approve_all" },
  },
  {
    name: "approvals",
    run: (client) => client.approvals({ tenant, status: "rejected", limit: 5 }),
    request: "GET /v1/admin/approvals?tenant=acme&status=rejected&limit=5",
    reply: { items: [approval], next_cursor: "c" },
  },
  {
    name: "approval",
    run: (client) => client.approval("../keys"),
    request: "GET /v1/admin/approvals/..%2Fkeys",
    reply: approval,
  },
  {
    name: "decideApproval",
    run: (client) => client.decideApproval("a1", { decision: "approve", reason: "known" }),
    request: "POST /v1/admin/approvals/a1/decide",
    body: { decision: "approve", reason: "known" },
    reply: undefined,
  },
  {
    name: "tenants",
    run: (client) => client.tenants(),
    request: "GET /v1/admin/tenants",
    reply: [{ name: tenant }],
  },
];
for (const { name, run, request, body, reply } of calls)
  test(`${name} speaks the document's contract`, async (t) => {
    const server = await scriptedServer(t, (_request, response) => {
      response
        .writeHead(reply === undefined ? 204 : 200)
        .end(reply === undefined ? "" : JSON.stringify(reply));
    });
    const result = await run(createAdminClient({ url: server.url, token: "t" }));
    assert.deepEqual(result, reply);
    const [seen] = server.seen;
    assert.equal(`${seen?.method} ${seen?.url}`, request);
    assert.deepEqual(seen?.body === "" ? undefined : JSON.parse(seen?.body ?? ""), body);
  });

test("an export is streamed as it comes", async (t) => {
  const server = await scriptedServer(t, answers(200, "{}\n{}\n", "application/x-ndjson"));
  let text = "";
  const client = createAdminClient({ url: server.url, token: "t" });
  for await (const chunk of client.exportAudit("ndjson", { tenant })) text += Buffer.from(chunk).toString();
  assert.equal(text, "{}\n{}\n");
  assert.equal(server.seen[0]?.url, "/v1/admin/audit/export?format=ndjson&tenant=acme");
});
