// One call of every row with every field that the row declares, about things of the tenant acme: what the sweeps over all rows start from.
// A row that is missing here, or has a field that is missing here, fails the sweep.
import type { Caveat } from "@postern/contracts";
import type { OperationInfo } from "@postern/surface";
import type { z } from "zod";
import { ACME, type TestPlane } from "../control-plane.fixture.ts";
import { administrativeEvent } from "../domain/audit/model.ts";
import { sightingOf } from "../domain/tools/sighting.fixture.ts";
import { adminRows } from "./admin/surface.ts";
import { loginRows } from "./fleet/login.ops.ts";
import { fleetRows } from "./fleet/sidecar.ops.ts";

/** A row as the sweeps see it. */
export interface Row extends OperationInfo {
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
}

export const ADMIN_ROWS: readonly Row[] = adminRows;
export const FLEET_ROWS: readonly Row[] = [...fleetRows, ...loginRows];

export interface Sample {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** What acme has: ids that no other tenant may learn. */
export interface Belongings {
  readonly draft: string;
  readonly jti: string;
  readonly sidecar: string;
  readonly kid: string;
  readonly issuer: string;
  readonly credential: string;
  readonly tool: string;
  readonly toolDigest: string;
}

export async function belongingsOf(plane: TestPlane): Promise<Belongings> {
  const post = (path: string, body: object) =>
    plane.request("POST", `/v1/admin/${path}`, { token: ACME, body });
  const draft = (await post("policies/drafts", { name: "acme's", rego_source: "package x" })).json.id;
  await post("policies/active", { draft_id: draft });
  const { jti } = (await post("mint", { subject: "agent", max_calls: 50 })).json;
  const added = (await post("sidecars", {})).json;
  const sighting = sightingOf("files", { name: "acme_tool" });
  const report = { upstreams: ["files"], tools: [sighting] };
  await plane.request("POST", "/v1/sidecar/tools", { token: added.credential, body: report });
  const [tool] = (await plane.request("GET", "/v1/admin/tools", { token: ACME })).json.items;
  const { id: issuer } = (await post("issuers", { issuer: ISSUER, ...TRUST })).json;
  const [key] = (await plane.request("GET", "/v1/admin/keys", { token: ACME })).json;
  const { sidecar_id: sidecar, credential } = added;
  return {
    draft,
    jti,
    sidecar,
    kid: key.kid,
    issuer,
    credential,
    tool: tool.id,
    toolDigest: sighting.digest,
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

export function samplesOf(things: Belongings): Readonly<Record<string, Sample>> {
  const { draft, jti, sidecar, kid, issuer, tool, toolDigest } = things;
  const ofTool = { params: { id: tool }, query: { tenant } };
  const ofDraft = { params: { id: draft } };
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
    capability_revoke: { body: { jti, reason: "why", tenant } },
    revocation_list: { query: { tenant, ...page } },
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
    policy_rollback: { query: { tenant }, body: { rolled_back_by: "me", tenant } },
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
    fleet_lease_return: { body: { lease_id: "lease", unspent: 1 } },
  };
}

/** Path and query of a call. */
export function addressOf(row: Row, { params = {}, query = {} }: Sample): string {
  const path = row.path.replace(/\{([^}]*)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  return `${path}?${new URLSearchParams(query)}`;
}
