// Every administrative act of the control plane as one typed function. Answers may hold fields that this version does not know.
import type {
  ApprovalStatus,
  Caveat,
  HaltScope,
  IssuerTrust,
  KeyUse,
  OperatorRole,
  PinMode,
  RegisteredUpstream,
  ToolStatus,
} from "@postern/contracts";
import { z } from "zod";
import { elevationCalls } from "./admin-elevations.ts";
import {
  ActivePolicy,
  AddedSidecar,
  Approval,
  ApprovalPage,
  AuditPage,
  AuditVerification,
  Draft,
  Halt,
  HaltPage,
  IssuedOperatorToken,
  Issuer,
  IssuerExplanation,
  ManagedKey,
  Me,
  Minted,
  Operator,
  OperatorPage,
  OperatorToken,
  RevocationPage,
  SidecarPage,
  Tenant,
  ToolDetail,
  ToolMode,
  ToolPage,
  Upstream,
  UpstreamPage,
} from "./admin-replies.ts";
import { PolicyChange, rolloutCalls } from "./admin-rollouts.ts";
import { webhookCalls } from "./admin-webhooks.ts";
import { DryRun, type DryRunRequest } from "./dry-run.ts";
import { type ConnectionOptions, createExchange, type RequestOptions } from "./exchange.ts";

export interface AdminClientOptions extends ConnectionOptions {
  /** Superadmin or tenant-admin token. */
  readonly token: string;
  /** The elevation to act under. */
  readonly elevationId?: string;
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
  readonly with_memory_signing_key?: boolean | undefined;
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

export interface HaltQuery extends Page {
  /** Default "on". */
  readonly state?: "on" | "all" | undefined;
}
/** What a kill switch stops; `value` names an agent, a tool (or a glob) or a token. */
export interface HaltTarget extends Scope {
  readonly scope: HaltScope;
  readonly value?: string | undefined;
}
/** Without an end: until it is released. */
export interface HaltRequest extends HaltTarget {
  readonly reason: string;
  readonly ttl_seconds?: number | undefined;
  readonly expires_at?: string | undefined;
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

/** Who a decision is said to be of is noted beside the credential, and counts for nothing. */
export interface ApprovalDecision {
  readonly decision: "approve" | "reject";
  readonly reason?: string | undefined;
  readonly decided_by?: string | undefined;
}

/** What has a default may be left out: transport "http", no authentication, enabled. */
export interface UpstreamRequest {
  readonly transport?: RegisteredUpstream["transport"] | undefined;
  readonly url: string;
  readonly auth?: z.input<typeof RegisteredUpstream>["auth"] | undefined;
  readonly enabled?: boolean | undefined;
}

/** Who somebody is at the identity provider. */
interface Identity {
  readonly issuer: string;
  readonly subject: string;
}
export interface OperatorRequest extends Scope {
  readonly name: string;
  readonly roles: readonly OperatorRole[];
  readonly identity?: Identity | undefined;
}
/** What is left out stays; `identity: null` takes it away. */
export interface OperatorChange {
  readonly roles?: readonly OperatorRole[] | undefined;
  readonly identity?: Identity | null | undefined;
}

export type AdminClient = ReturnType<typeof createAdminClient>;

/**
 * The administrator's client. Every function raises Fault unavailable "client.timeout" | "client.unreachable", upstream "client.malformed",
 * and the control plane's own refusals with its code and sentence: unauthenticated, forbidden, not_found, invalid, conflict, …
 */
export function createAdminClient(options: AdminClientOptions) {
  const under = options.elevationId;
  const headers = under === undefined ? {} : { headers: { "x-postern-elevation-id": under } };
  const exchange = createExchange({ ...options, ...headers }, options.token);
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
  const operatorPath = (id: string, rest = "") => `/operators/${encodeURIComponent(id)}${rest}`;
  const stepKey = (kid: string, step: string, scope: Scope, body?: object) => {
    const path = `/v1/admin/keys/${encodeURIComponent(kid)}/${step}`;
    return exchange.json("POST", path, ManagedKey, { query: { ...scope }, body });
  };

  return {
    mint: (request: MintRequest) => post("/mint", Minted, request),
    /** The token of this id again, with a factor of now. */
    stepUp: (jti: string, scope: Scope = {}) => post("/step-up", Minted, { jti, ...scope }),
    revoke: (jti: string, scope: Scope & { reason?: string | undefined } = {}) =>
      act("POST", "/revoke", { body: { jti, ...scope } }),
    revocations: (page: Page = {}) => get("/revocations", RevocationPage, page),

    halts: (query: HaltQuery = {}) => get("/kill-switch", HaltPage, query),
    /** The switch that is on now; when it was on already, the one that was. */
    engageHalt: (request: HaltRequest) => post("/kill-switch", Halt, request),
    /** Fault conflict "halts.over" when it is no longer on. */
    releaseHalt: (id: string, { reason }: { reason: string }) =>
      act("POST", `/kill-switch/${encodeURIComponent(id)}/release`, { body: { reason } }),
    /** Fault not_found "halts.unknown" when nothing of the kind is stopped. */
    releaseHaltOf: (target: HaltTarget & { reason?: string | undefined }) =>
      act("POST", "/kill-switch/release", { body: target }),

    drafts: (scope: Scope = {}) => get("/policies/drafts", z.array(Draft), scope),
    createDraft: (request: DraftRequest) => post("/policies/drafts", Draft, request),
    draft: (id: string) => get(`/policies/drafts/${encodeURIComponent(id)}`, Draft),
    updateDraft: (id: string, change: Partial<Omit<DraftRequest, "tenant">>) =>
      exchange.json("PUT", `/v1/admin/policies/drafts/${encodeURIComponent(id)}`, Draft, { body: change }),
    deleteDraft: (id: string) => act("DELETE", `/policies/drafts/${encodeURIComponent(id)}`),

    activePolicy: (scope: Scope = {}) => get("/policies/active", ActivePolicy, scope),
    promote: (draftId: string, scope: Scope = {}) =>
      post("/policies/active", PolicyChange, { draft_id: draftId, ...scope }),
    clearPolicy: (scope: Scope = {}) => act("DELETE", "/policies/active", { query: { ...scope } }),
    /** To what was in force before, or to any revision of the history. */
    rollback: ({ tenant, revision }: Scope & { revision?: number | undefined } = {}) =>
      exchange.json("POST", "/v1/admin/policies/rollback", PolicyChange, {
        query: { tenant },
        ...(revision === undefined ? {} : { body: { revision } }),
      }),

    /** Changes nothing. */
    dryRunPolicy: (request: DryRunRequest) => post("/policies/dry-run", DryRun, request),

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

    /** Those that wait, unless another status is asked for. */
    approvals: (query: Page & { status?: ApprovalStatus | undefined } = {}) =>
      get("/approvals", ApprovalPage, query),
    approval: (id: string) => get(`/approvals/${encodeURIComponent(id)}`, Approval),
    /** Fault conflict "approvals.<status>" when it was settled meanwhile; forbidden "approvals.four_eyes" | "approvals.role". */
    decideApproval: (id: string, decision: ApprovalDecision) =>
      act("POST", `/approvals/${encodeURIComponent(id)}/decide`, { body: decision }),

    upstreams: (page: Page = {}) => get("/upstreams", UpstreamPage, page),
    upstream: (name: string, scope: Scope = {}) =>
      get(`/upstreams/${encodeURIComponent(name)}`, Upstream, scope),
    /** Fault conflict "upstreams.exists" when the name is taken. */
    addUpstream: (request: UpstreamRequest & Scope & { name: string }) =>
      post("/upstreams", Upstream, request),
    replaceUpstream: (name: string, request: UpstreamRequest, scope: Scope = {}) =>
      exchange.json("PUT", `/v1/admin/upstreams/${encodeURIComponent(name)}`, Upstream, {
        query: { ...scope },
        body: request,
      }),
    removeUpstream: (name: string, scope: Scope = {}) =>
      act("DELETE", `/upstreams/${encodeURIComponent(name)}`, { query: { ...scope } }),

    /** Who the token is of, and what it may do. */
    me: () => get("/me", Me),
    operators: (page: Page = {}) => get("/operators", OperatorPage, page),
    /** Fault conflict "operators.name" when somebody has or had the name. */
    addOperator: (request: OperatorRequest) => post("/operators", Operator, request),
    operator: (id: string, scope: Scope = {}) => get(operatorPath(id), Operator, scope),
    changeOperator: (id: string, change: OperatorChange, scope: Scope = {}) =>
      exchange.json("PATCH", `/v1/admin${operatorPath(id)}`, Operator, { query: { ...scope }, body: change }),
    removeOperator: (id: string, scope: Scope = {}) =>
      act("DELETE", operatorPath(id), { query: { ...scope } }),
    /** The token is told here and never again. */
    issueOperatorToken: (
      id: string,
      request: { label?: string | undefined; ttl_seconds?: number | undefined } = {},
      scope: Scope = {},
    ) =>
      exchange.json("POST", `/v1/admin${operatorPath(id, "/tokens")}`, IssuedOperatorToken, {
        query: { ...scope },
        body: request,
      }),
    operatorTokens: (id: string, scope: Scope = {}) =>
      get(operatorPath(id, "/tokens"), z.array(OperatorToken), scope),
    revokeOperatorToken: (id: string, tokenId: string, scope: Scope = {}) =>
      act("DELETE", operatorPath(id, `/tokens/${encodeURIComponent(tokenId)}`), { query: { ...scope } }),

    keys: (scope: Scope & { prepared?: boolean | undefined } = {}) =>
      get("/keys", z.array(ManagedKey), scope),
    prepareKey: (request: Scope & { use: KeyUse }) => post("/keys", ManagedKey, request),
    publishKey: (kid: string, scope: Scope = {}) => stepKey(kid, "publish", scope),
    activateKey: (kid: string, scope: Scope = {}) => stepKey(kid, "activate", scope),
    /** What the key signed is accepted until `not_after`. */
    retireKey: (kid: string, { not_after, ...scope }: Scope & { not_after: string }) =>
      stepKey(kid, "retire", scope, { not_after }),

    ...rolloutCalls(exchange),
    ...webhookCalls(exchange),
    ...elevationCalls(exchange),
  };
}
