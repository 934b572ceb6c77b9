// One call of every row with every field that the row declares, about things of the tenant acme: what the sweeps over all rows start from.
// A row that is missing here, or has a field that is missing here, fails the sweep.
import type { Caveat } from "@postern/contracts";
import type { OperationInfo } from "@postern/surface";
import type { z } from "zod";
import { ACME, BETA, type TestPlane } from "../control-plane.fixture.ts";
import { parkedCall } from "../domain/approvals/parked-call.fixture.ts";
import { administrativeEvent } from "../domain/audit/model.ts";
import { changeSettings, type SettingsChange } from "../domain/tenants/settings.ts";
import { sightingOf } from "../domain/tools/sighting.fixture.ts";
import { adminRows } from "./admin/surface.ts";
import { approvalRows } from "./fleet/approvals.ops.ts";
import { loginRows } from "./fleet/login.ops.ts";
import { fleetRows } from "./fleet/sidecar.ops.ts";

/** A row as the sweeps see it. */
export interface Row extends OperationInfo {
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
}

export const ADMIN_ROWS: readonly Row[] = adminRows;
export const FLEET_ROWS: readonly Row[] = [...fleetRows, ...loginRows, ...approvalRows];

export interface Sample {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** What a tenant has: ids that no other tenant may learn. */
export interface Belongings {
  readonly draft: string;
  readonly rollout: string;
  readonly proposal: string;
  readonly jti: string;
  readonly sidecar: string;
  readonly kid: string;
  readonly issuer: string;
  readonly operator: string;
  readonly operatorToken: string;
  readonly credential: string;
  readonly tool: string;
  readonly toolDigest: string;
  readonly halt: string;
  readonly approval: string;
  readonly webhook: string;
  readonly delivery: string;
  readonly elevation: string;
}

/** Sets rules of a tenant as two people may. */
export async function ruled(plane: TestPlane, tenant: string, rules: SettingsChange): Promise<void> {
  await plane.units.commit({ ...plane.actor, isSeconded: true }, (unit) =>
    changeSettings(unit, tenant, rules),
  );
}

export async function belongingsOf(plane: TestPlane, tenant: "acme" | "beta" = "acme"): Promise<Belongings> {
  const token = tenant === "acme" ? ACME : BETA;
  const post = (path: string, body: object) => plane.request("POST", `/v1/admin/${path}`, { token, body });
  const draft = (await post("policies/drafts", { name: "acme's", rego_source: "package x" })).json.id;
  await post("policies/active", { draft_id: draft });
  const { id: rollout } = (await post("policies/rollouts", { draft_id: draft, mode: "shadow" })).json;
  const twoPerson = (two_person: boolean) => ruled(plane, tenant, { policies: { two_person } });
  await twoPerson(true);
  const { proposal_id: proposal } = (await post("policies/active", { draft_id: draft })).json;
  await twoPerson(false);
  const { jti } = (await post("mint", { subject: "agent", max_calls: 50 })).json;
  const added = (await post("sidecars", {})).json;
  const sighting = sightingOf("files", { name: "acme_tool" });
  const report = { upstreams: ["files"], tools: [sighting] };
  await plane.request("POST", "/v1/sidecar/tools", { token: added.credential, body: report });
  const [tool] = (await plane.request("GET", "/v1/admin/tools", { token })).json.items;
  const parked = await plane.request("POST", "/v1/sidecar/approvals", {
    token: added.credential,
    body: parkedCall({ tenant }),
  });
  const { id: issuer } = (await post("issuers", { issuer: ISSUER, ...TRUST })).json;
  const { id: operator } = (await post("operators", { name: "olga", roles: ["viewer"] })).json;
  const operatorToken = (await post(`operators/${operator}/tokens`, {})).json.id;
  const [key] = (await plane.request("GET", "/v1/admin/keys", { token })).json;
  const { id: halt } = (await post("kill-switch", { scope: "agent", value: "agent-x", reason: "why" })).json;
  await post("upstreams", UPSTREAM);
  const { id: webhook } = (await post("webhooks", WEBHOOK)).json;
  const tried = await plane.request("POST", `/v1/admin/webhooks/${webhook}/test`, { token });
  const { id: elevation } = (await post("elevations", { reason: "why", role: "operator" })).json;
  const { sidecar_id: sidecar, credential } = added;
  return {
    ...{ draft, rollout, proposal },
    jti,
    sidecar,
    kid: key.kid,
    issuer,
    operator,
    operatorToken,
    credential,
    tool: tool.id,
    toolDigest: sighting.digest,
    halt,
    approval: parked.json.pending_id,
    ...{ webhook, delivery: tried.json.delivery_id, elevation },
  };
}

const tenant = "acme";
const instant = "2026-01-01T00:00:00.000Z";
const page = { limit: "1", cursor: "x" };
const window = { since: instant, until: instant, from: instant, to: instant };

const CAVEATS: readonly Caveat[] = [
  { type: "expiry", at: "2030-01-01T00:00:00.000Z" },
  { type: "tool_allow", tools: ["a"] },
  { type: "tool_deny", tools: ["b"] },
  { type: "agent_lock", agent: "agent" },
  { type: "arguments", tool: "a", predicates: [{ op: "eq", path: "/x", value: "v" }] },
  { type: "arguments", predicates: [{ op: "in", path: "/x", values: ["v"] }] },
  { type: "arguments", predicates: [{ op: "glob", path: "/x", value: "v*" }] },
  { type: "upstreams", names: ["u"] },
  { type: "callee_allow", agents: ["c"] },
];

const UPSTREAM = {
  ...{ name: "acme_crm", transport: "http", url: "https://crm.example/mcp", enabled: true },
  auth: {
    ...{ kind: "oauth", token_url: "https://login.example/token", client_id: "postern" },
    ...{ secret: { from: "vault", path: "secret/crm#client_secret" }, scopes: ["call"] },
    resource: "https://crm.example/mcp",
  },
};
const HEADER_AUTH = {
  ...{ kind: "header", header: "X-Api-Key", prefix: "Bearer " },
  secret: { from: "file", name: "crm" },
};

/** Nobody listens there. */
const WEBHOOK = { url: "https://127.0.0.1:1/hook?k=v", events: ["halt.engaged"], description: "d" };

const ISSUER = "https://login.example";
const TRUST = {
  audiences: ["https://sidecar.example/v1/mcp"],
  jwks_uri: "https://login.example/keys",
  algorithms: ["RS256"],
  scopes: ["mcp"],
  rules: [
    {
      name: "everybody",
      match: { "/sub": { glob: "*" }, "/groups": { one_of: ["a"] }, "/org": "acme" },
      grant: {
        agent: `\${sub}@acme`,
        caveats: [{ type: "tool_allow", tools: ["a"] }],
        ttl_seconds: 60,
      },
    },
  ],
};

const NOTHING = { allowed: 0, blocked: 0, escalated: 0 };

export function samplesOf(things: Belongings): Readonly<Record<string, Sample>> {
  const { draft, jti, sidecar, kid, issuer, tool, toolDigest, approval, halt } = things;
  const ofWebhook = { params: { id: things.webhook } };
  const ofElevation = { params: { id: things.elevation }, query: { tenant } };
  const ofApproval = { params: { id: approval } };
  const ofTool = { params: { id: tool }, query: { tenant } };
  const { name: upstreamName, ...upstream } = UPSTREAM;
  const ofUpstream = { params: { name: upstreamName }, query: { tenant } };
  const ofRollout = { params: { id: things.rollout }, query: { tenant } };
  const ofProposal = { params: { id: things.proposal }, query: { tenant } };
  const ofDraft = { params: { id: draft } };
  const { operator } = things;
  const ofOperator = { params: { id: operator }, query: { tenant } };
  const ofIssuer = { params: { id: issuer } };
  const ofKey = { params: { kid }, query: { tenant } };
  const actor = { name: "", remoteAddress: "", requestId: "" };
  const event = administrativeEvent({ tenant, name: "x", details: { a: "b" } }, actor, 0, "event-1");
  const body = { kind: "event", event, args_salt: "s" };
  const hash = "0".repeat(64);
  return {
    capability_mint: {
      body: {
        ...{ subject: "agent", issuer: "issuer", tenant, ttl_seconds: 60, tools: ["a*"], max_calls: 1 },
        ...{ step_up: true, with_memory_signing_key: false, caveats: CAVEATS, attenuable: true },
      },
    },
    capability_step_up: { body: { jti, tenant } },
    capability_revoke: { body: { jti, reason: "why", tenant } },
    revocation_list: { query: { tenant, ...page } },
    halt_engage: {
      body: { scope: "agent", value: "agent-y", tenant, reason: "why", ttl_seconds: 60, expires_at: instant },
    },
    halt_list: { query: { tenant, state: "all", ...page } },
    halt_release: { params: { id: halt }, body: { reason: "why" } },
    halt_release_target: { body: { scope: "agent", value: "agent-z", tenant, reason: "why" } },
    policy_draft_list: { query: { tenant } },
    policy_draft_create: {
      body: { name: "n", description: "d", rego_source: "package x", tenant, created_by: "me" },
    },
    policy_draft_view: ofDraft,
    policy_draft_update: { ...ofDraft, body: { name: "n", description: "d", rego_source: "package x" } },
    policy_draft_delete: ofDraft,
    policy_active_view: { query: { tenant } },
    policy_promote: { body: { draft_id: draft, tenant, promoted_by: "me" } },
    policy_clear: { query: { tenant } },
    policy_dry_run: {
      body: {
        ...{ rego_source: "package x", rego: undefined, tenant, input: undefined, sample: "last:1" },
        ...{ from: instant, to: instant, limit: undefined, agent_id: "agent", tool: "t", max_samples: 1 },
      },
    },
    policy_rollback: { query: { tenant }, body: { rolled_back_by: "me", tenant, revision: 1 } },
    policy_history: { query: { tenant, ...page } },
    policy_proposal_list: { query: { tenant, ...page } },
    policy_proposal_view: ofProposal,
    policy_proposal_decide: {
      ...ofProposal,
      body: { decision: "reject", rego_sha256: "0".repeat(64), reason: "why", decided_by: "me" },
    },
    policy_rollout_start: {
      body: {
        ...{ draft_id: draft, tenant, mode: "staged", percent: 1, labels: { env: "prod" }, started_by: "me" },
        stop_when: { denials_up_percent_points: 5, calls_min: 10 },
      },
    },
    policy_rollout_list: { query: { tenant, ...page } },
    policy_rollout_view: ofRollout,
    policy_rollout_change: { ...ofRollout, body: { percent: 50 } },
    policy_rollout_complete: { ...ofRollout, body: { promoted_by: "me" } },
    policy_rollout_stop: { ...ofRollout, body: { reason: "why" } },
    fleet_rollout_report: {
      params: { id: things.rollout },
      body: {
        ...{ epoch: 1, takes_part: true, loaded: true, active: NOTHING, candidate: NOTHING },
        ...{ compared: 0, skipped: 0, load_failures: 0, problem: "why" },
        differences: {
          ...{ allow_to_block: 1, allow_to_escalate: 0, block_to_allow: 0 },
          ...{ block_to_escalate: 0, escalate_to_allow: 0, escalate_to_block: 0 },
        },
        samples: [{ difference: "allow_to_block", tool: "t", agent: "a", request_id: "r" }],
      },
    },
    audit_query: {
      query: { tenant, ...window, decision: "allow", tool: "t", subject: "s", agent_id: "s", ...page },
    },
    audit_verify: { query: { tenant } },
    audit_checkpoint: { query: { tenant } },
    audit_export: { query: { tenant, ...window, format: "json" } },
    tenant_list: {},
    tenant_create: { body: { name: "gamma" } },
    sidecar_create: { body: { tenant, name: "n" } },
    sidecar_list: { query: { tenant, ...page } },
    sidecar_delete: { params: { id: sidecar }, query: { tenant } },
    key_list: { query: { tenant, prepared: "true" } },
    key_prepare: { body: { use: "log", tenant } },
    key_publish: ofKey,
    key_activate: ofKey,
    key_retire: { ...ofKey, body: { not_after: instant } },
    issuer_create: { body: { tenant, issuer: "https://other.example", ...TRUST } },
    issuer_list: { query: { tenant } },
    issuer_view: ofIssuer,
    issuer_replace: { ...ofIssuer, body: TRUST },
    issuer_delete: ofIssuer,
    issuer_explain: {
      ...ofIssuer,
      body: { claims: { sub: "alice", list: ["a"] }, token: "a.b.c", resource: TRUST.audiences[0] },
    },
    operator_me: {},
    operator_create: {
      body: { tenant, name: "otto", roles: ["viewer"], identity: { issuer: ISSUER, subject: "otto" } },
    },
    operator_list: { query: { tenant, ...page } },
    operator_view: ofOperator,
    operator_change: {
      ...ofOperator,
      body: { roles: ["approver"], identity: { issuer: ISSUER, subject: "olga" } },
    },
    operator_remove: ofOperator,
    operator_token_issue: { ...ofOperator, body: { label: "laptop", ttl_seconds: 60 } },
    operator_token_list: ofOperator,
    operator_token_revoke: { params: { id: operator, token_id: things.operatorToken }, query: { tenant } },
    settings_view: { query: { tenant } },
    settings_change: {
      body: {
        tenant,
        approvals: {
          ...{ four_eyes: true, approvers_required: 2, role: "admin", pending_seconds: 60, use_seconds: 60 },
        },
        policies: { two_person: true },
      },
    },
    tool_list: { query: { tenant, upstream: "files", status: "pinned", ...page } },
    tool_mode_view: { query: { tenant } },
    tool_mode_set: { body: { mode: "approve_all", tenant } },
    tool_view: ofTool,
    tool_approve: { ...ofTool, body: { digest: toolDigest, reason: "why", keep: true } },
    tool_quarantine: { ...ofTool, body: { reason: "why" } },
    upstream_create: { body: { tenant, ...UPSTREAM, name: "acme_mail", auth: HEADER_AUTH } },
    upstream_list: { query: { tenant, ...page } },
    upstream_view: ofUpstream,
    upstream_replace: { ...ofUpstream, body: upstream },
    upstream_delete: ofUpstream,
    webhook_create: { body: { tenant, ...WEBHOOK } },
    webhook_list: { query: { tenant } },
    webhook_view: ofWebhook,
    webhook_change: { ...ofWebhook, body: { ...WEBHOOK, enabled: true } },
    webhook_delete: ofWebhook,
    webhook_secret_rotate: ofWebhook,
    webhook_test: ofWebhook,
    webhook_delivery_list: { ...ofWebhook, query: { status: "failed", ...page } },
    webhook_delivery_retry: { params: { id: things.webhook, delivery: things.delivery } },
    integration_list: { query: { tenant } },
    elevation_request: { body: { tenant, reason: "why", role: "operator", ttl_seconds: 60 } },
    elevation_list: { query: { tenant, status: "pending", ...page } },
    elevation_view: ofElevation,
    elevation_decide: { ...ofElevation, body: { decision: "reject", reason: "why" } },
    elevation_end: ofElevation,
    approval_list: { query: { tenant, status: "pending", ...page } },
    approval_view: { ...ofApproval, query: { tenant } },
    approval_decide: {
      ...ofApproval,
      query: { tenant },
      body: { decision: "approve", reason: "why", note: "why", decided_by: "me" },
    },
    fleet_approval_park: { body: { ...parkedCall() } },
    fleet_approval_view: ofApproval,
    fleet_approval_claim: {
      ...ofApproval,
      body: { digest: parkedCall().digest, event_id: "event-1", root_token_id: "token" },
    },
    fleet_tools: { body: { upstreams: ["files"], tools: [sightingOf("files", { name: "acme_tool" })] } },
    fleet_login: {},
    fleet_exchange: { body: { access_token: "a.b.c", resource: TRUST.audiences[0] } },
    fleet_register: { body: { version: "1", hostname: "pod" } },
    fleet_sync: {},
    fleet_bundle: { params: { digest: hash } },
    fleet_audit: {
      body: {
        ...{ epoch: 1, previous_hash: hash, missing: { from: 1, to: 1 } },
        records: [{ sequence: 1, hash, body }],
      },
    },
    fleet_lease: { body: { epoch: 1, account: `calls:${jti}`, limit: 50, want: 1 } },
    fleet_memory_key: { body: { jti } },
    fleet_lease_return: { body: { lease_id: "lease", unspent: 1 } },
  };
}

/** Path and query of a call. */
export function addressOf(row: Row, { params = {}, query = {} }: Sample): string {
  const path = row.path.replace(/\{([^}]*)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  return `${path}?${new URLSearchParams(query)}`;
}
