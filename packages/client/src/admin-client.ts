// Every administrative act of the control plane as one typed function. Answers may hold fields that this version does not know.
import type { Caveat, IssuerTrust, KeyUse, PinMode, ToolStatus } from "@postern/contracts";
import { z } from "zod";
import {
  ActivePolicy,
  AddedSidecar,
  AuditPage,
  AuditVerification,
  Draft,
  Issuer,
  IssuerExplanation,
  ManagedKey,
  Minted,
  RevocationPage,
  SidecarPage,
  Tenant,
  ToolDetail,
  ToolMode,
  ToolPage,
} from "./admin-replies.ts";
import { type ConnectionOptions, createExchange, type RequestOptions } from "./exchange.ts";

export interface AdminClientOptions extends ConnectionOptions {
  /** Superadmin or tenant-admin token. */
  readonly token: string;
}

export interface MintRequest {
  readonly subject: string;
  readonly issuer?: string | undefined;
  readonly tenant?: string | undefined;
  readonly ttl_seconds?: number | undefined;
  readonly tools?: readonly string[] | undefined;
  readonly max_calls?: number | undefined;
  readonly step_up?: boolean | undefined;
  readonly caveats?: readonly Caveat[] | undefined;
  readonly attenuable?: boolean | undefined;
}

export interface DraftRequest {
  readonly name: string;
  readonly description?: string | undefined;
  readonly rego_source: string;
  readonly tenant?: string | undefined;
}

/** What has a default may be left out. */
export type TrustRequest = z.input<typeof IssuerTrust>;

/** What a tenant's admin may leave out; a superadmin names the tenant. */
interface Scope {
  readonly tenant?: string | undefined;
}
interface Page extends Scope {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}
interface Window extends Scope {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}
export interface AuditQuery extends Page, Window {
  readonly decision?: "allow" | "block" | "escalate" | undefined;
  readonly tool?: string | undefined;
  readonly subject?: string | undefined;
}

export interface ToolQuery extends Page {
  readonly upstream?: string | undefined;
  readonly status?: ToolStatus | undefined;
}
/** Which definition is approved, by its digest; `keep` leaves earlier ones approved beside it. */
export interface ToolApproval {
  readonly digest: string;
  readonly reason?: string | undefined;
  readonly keep?: boolean | undefined;
}

export type AdminClient = ReturnType<typeof createAdminClient>;

/**
 * The administrator's client. Every function raises Fault unavailable "client.timeout" | "client.unreachable", upstream "client.malformed",
 * and the control plane's own refusals with its code and sentence: unauthenticated, forbidden, not_found, invalid, conflict, …
 */
export function createAdminClient(options: AdminClientOptions) {
  const exchange = createExchange(options, options.token);
  const get = <S extends z.ZodType>(path: string, reply: S, query: object = {}) =>
    exchange.json("GET", `/v1/admin${path}`, reply, { query: { ...query } });
  const post = <S extends z.ZodType>(path: string, reply: S, body: object) =>
    exchange.json("POST", `/v1/admin${path}`, reply, { body });
  const act = async (method: string, path: string, request: RequestOptions = {}): Promise<void> => {
    await exchange.bytes(method, `/v1/admin${path}`, request);
  };
  const decideTool = (id: string, act: string, scope: Scope, body: object) => {
    const path = `/v1/admin/tools/${encodeURIComponent(id)}/${act}`;
    return exchange.json("POST", path, ToolDetail, { query: { ...scope }, body });
  };
  const stepKey = (kid: string, step: string, scope: Scope, body?: object) => {
    const path = `/v1/admin/keys/${encodeURIComponent(kid)}/${step}`;
    return exchange.json("POST", path, ManagedKey, { query: { ...scope }, body });
  };

  return {
    mint: (request: MintRequest) => post("/mint", Minted, request),
    revoke: (jti: string, scope: Scope & { reason?: string | undefined } = {}) =>
      act("POST", "/revoke", { body: { jti, ...scope } }),
    revocations: (page: Page = {}) => get("/revocations", RevocationPage, page),

    drafts: (scope: Scope = {}) => get("/policies/drafts", z.array(Draft), scope),
    createDraft: (request: DraftRequest) => post("/policies/drafts", Draft, request),
    draft: (id: string) => get(`/policies/drafts/${encodeURIComponent(id)}`, Draft),
    updateDraft: (id: string, change: Partial<Omit<DraftRequest, "tenant">>) =>
      exchange.json("PUT", `/v1/admin/policies/drafts/${encodeURIComponent(id)}`, Draft, { body: change }),
    deleteDraft: (id: string) => act("DELETE", `/policies/drafts/${encodeURIComponent(id)}`),

    activePolicy: (scope: Scope = {}) => get("/policies/active", ActivePolicy, scope),
    promote: (draftId: string, scope: Scope = {}) =>
      post("/policies/active", ActivePolicy, { draft_id: draftId, ...scope }),
    clearPolicy: (scope: Scope = {}) => act("DELETE", "/policies/active", { query: { ...scope } }),
    rollback: ({ tenant }: Scope = {}) =>
      exchange.json("POST", "/v1/admin/policies/rollback", ActivePolicy, { query: { tenant } }),

    audit: (query: AuditQuery = {}) => get("/audit", AuditPage, query),
    verifyAudit: (scope: Scope = {}) => get("/audit/verify", AuditVerification, scope),
    /** The export as it arrives: chain entries as lines of JSON ("ndjson"), or rows ("csv"). */
    exportAudit: (format: "ndjson" | "csv", window: Window = {}) =>
      exchange.stream("GET", "/v1/admin/audit/export", { query: { format, ...window } }),
    /** The latest signed checkpoint of a tenant's log: a C2SP signed note. */
    async checkpoint(scope: Scope = {}): Promise<string> {
      const note = await exchange.bytes("GET", "/v1/admin/audit/checkpoint", { query: { ...scope } });
      return new TextDecoder().decode(note);
    },

    tenants: () => get("/tenants", z.array(Tenant)),
    createTenant: (name: string) => post("/tenants", Tenant, { name }),
    addSidecar: (request: { tenant?: string | undefined; name?: string | undefined }) =>
      post("/sidecars", AddedSidecar, request),
    sidecars: (page: Page = {}) => get("/sidecars", SidecarPage, page),
    removeSidecar: (id: string, scope: Scope = {}) =>
      act("DELETE", `/sidecars/${encodeURIComponent(id)}`, { query: { ...scope } }),

    issuers: (scope: Scope = {}) => get("/issuers", z.array(Issuer), scope),
    addIssuer: (request: TrustRequest & Scope & { issuer: string }) => post("/issuers", Issuer, request),
    replaceIssuer: (id: string, trust: TrustRequest) =>
      exchange.json("PUT", `/v1/admin/issuers/${encodeURIComponent(id)}`, Issuer, { body: trust }),
    removeIssuer: (id: string) => act("DELETE", `/issuers/${encodeURIComponent(id)}`),
    /** Who would get what; gives nothing to anybody. */
    explainIssuer: (
      id: string,
      asked: { claims: object } | { token: string; resource?: string | undefined },
    ) => post(`/issuers/${encodeURIComponent(id)}/explain`, IssuerExplanation, asked),

    tools: (query: ToolQuery = {}) => get("/tools", ToolPage, query),
    tool: (id: string, scope: Scope = {}) => get(`/tools/${encodeURIComponent(id)}`, ToolDetail, scope),
    /** Fault conflict "tools.changed" when another definition waits by now. */
    approveTool: (id: string, approval: ToolApproval, scope: Scope = {}) =>
      decideTool(id, "approve", scope, approval),
    /** Takes the tool out of use, whatever its definition. */
    quarantineTool: (id: string, { reason, ...scope }: Scope & { reason?: string | undefined } = {}) =>
      decideTool(id, "quarantine", scope, { reason }),
    toolMode: (scope: Scope = {}) => get("/tools/mode", ToolMode, scope),
    setToolMode: (request: Scope & { mode: PinMode }) =>
      exchange.json("PUT", "/v1/admin/tools/mode", ToolMode, { body: request }),

    keys: (scope: Scope & { prepared?: boolean | undefined } = {}) =>
      get("/keys", z.array(ManagedKey), scope),
    prepareKey: (request: Scope & { use: KeyUse }) => post("/keys", ManagedKey, request),
    publishKey: (kid: string, scope: Scope = {}) => stepKey(kid, "publish", scope),
    activateKey: (kid: string, scope: Scope = {}) => stepKey(kid, "activate", scope),
    /** What the key signed is accepted until `not_after`. */
    retireKey: (kid: string, { not_after, ...scope }: Scope & { not_after: string }) =>
      stepKey(kid, "retire", scope, { not_after }),
  };
}
