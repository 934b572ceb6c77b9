// Every administrative act of the control plane as one typed function. What it takes and answers is typed from the rows that serve it;
// `call` is for whatever has no function of its own.
import { type AdminCall, type BodyOf, createAdminCall, type QueryOf } from "./admin-call.ts";
import type { Proposal, RolloutChange } from "./admin-replies.ts";
import { type ConnectionOptions, createExchange } from "./exchange.ts";

export interface AdminClientOptions extends ConnectionOptions {
  /** Superadmin's, tenant admin's or operator's token. */
  readonly token: string;
  /** The elevation to act under. */
  readonly elevationId?: string;
}

/** What a tenant's admin may leave out; a superadmin names the tenant. */
interface Scope {
  readonly tenant?: string | undefined;
}
interface Reasoned extends Scope {
  readonly reason?: string | undefined;
}
type Window = Omit<QueryOf<"audit_export">, "format">;

export function isProposal(change: RolloutChange): change is Proposal {
  return "proposal_id" in change;
}

export type AdminClient = ReturnType<typeof createAdminClient>;

/**
 * The administrator's client. Every function raises Fault unavailable "client.timeout" | "client.unreachable", upstream "client.malformed",
 * invalid "client.path", and the control plane's own refusals with its code and sentence: unauthenticated, forbidden, not_found, conflict, …
 */
export function createAdminClient(options: AdminClientOptions) {
  const under = options.elevationId;
  const headers = under === undefined ? {} : { headers: { "x-postern-elevation-id": under } };
  const exchange = createExchange({ ...options, ...headers }, options.token);
  const call = createAdminCall(exchange);
  return {
    /** Any operation, by its `operationId` in the description of the interface. */
    call,
    ...capabilityCalls(call),
    ...policyCalls(call),
    ...registryCalls(call),
    ...peopleCalls(call),
    ...webhookCalls(call),

    audit: (query: QueryOf<"audit_query"> = {}) => call("audit_query", { query }),
    verifyAudit: (scope: Scope = {}) => call("audit_verify", { query: scope }),
    /** The export as it arrives: chain entries as lines of JSON ("ndjson") or as one array ("json"), or rows ("csv"). */
    exportAudit: (format: QueryOf<"audit_export">["format"], window: Window = {}) =>
      exchange.stream("GET", "/v1/admin/audit/export", { query: { format, ...window } }),
    /** The latest signed checkpoint of a tenant's log: a C2SP signed note. */
    checkpoint: (scope: Scope = {}) => call("audit_checkpoint", { query: scope }),
  };
}

function capabilityCalls(call: AdminCall) {
  return {
    mint: (body: BodyOf<"capability_mint">) => call("capability_mint", { body }),
    /** The token of this id again, with a factor of now. */
    stepUp: (jti: string, scope: Scope = {}) => call("capability_step_up", { body: { jti, ...scope } }),
    revoke: (jti: string, about: Reasoned = {}) => call("capability_revoke", { body: { jti, ...about } }),
    revocations: (query: QueryOf<"revocation_list"> = {}) => call("revocation_list", { query }),

    halts: (query: QueryOf<"halt_list"> = {}) => call("halt_list", { query }),
    /** The switch that is on now; when it was on already, the one that was. */
    engageHalt: (body: BodyOf<"halt_engage">) => call("halt_engage", { body }),
    /** Fault conflict "halts.over" when it is no longer on. */
    releaseHalt: (id: string, body: BodyOf<"halt_release">) => call("halt_release", { params: { id }, body }),
    /** Fault not_found "halts.unknown" when nothing of the kind is stopped. */
    releaseHaltOf: (body: BodyOf<"halt_release_target">) => call("halt_release_target", { body }),

    /** Those that wait, unless another status is asked for. */
    approvals: (query: QueryOf<"approval_list"> = {}) => call("approval_list", { query }),
    approval: (id: string) => call("approval_view", { params: { id } }),
    /** Fault conflict "approvals.<status>" when it was settled meanwhile; forbidden "approvals.four_eyes" | "approvals.role". */
    decideApproval: (id: string, body: BodyOf<"approval_decide">) =>
      call("approval_decide", { params: { id }, body }),
  };
}

function policyCalls(call: AdminCall) {
  return {
    drafts: (query: Scope = {}) => call("policy_draft_list", { query }),
    createDraft: (body: BodyOf<"policy_draft_create">) => call("policy_draft_create", { body }),
    draft: (id: string) => call("policy_draft_view", { params: { id } }),
    updateDraft: (id: string, body: BodyOf<"policy_draft_update">) =>
      call("policy_draft_update", { params: { id }, body }),
    deleteDraft: (id: string) => call("policy_draft_delete", { params: { id } }),
    /** Changes nothing. */
    dryRunPolicy: (body: BodyOf<"policy_dry_run">) => call("policy_dry_run", { body }),

    activePolicy: (query: Scope = {}) => call("policy_active_view", { query }),
    promote: (draft_id: string, scope: Scope = {}) =>
      call("policy_promote", { body: { draft_id, ...scope } }),
    clearPolicy: (query: Scope = {}) => call("policy_clear", { query }),
    /** To what was in force before, or to any revision of the history. */
    rollback: ({ tenant, revision }: Scope & { revision?: number | undefined } = {}) =>
      call("policy_rollback", { query: { tenant }, ...(revision !== undefined && { body: { revision } }) }),
    policyHistory: (query: QueryOf<"policy_history"> = {}) => call("policy_history", { query }),

    startRollout: (body: BodyOf<"policy_rollout_start">) => call("policy_rollout_start", { body }),
    rollouts: (query: QueryOf<"policy_rollout_list"> = {}) => call("policy_rollout_list", { query }),
    rollout: (id: string, query: Scope = {}) => call("policy_rollout_view", { params: { id }, query }),
    changeRollout: (id: string, { percent, ...query }: Scope & { percent: number }) =>
      call("policy_rollout_change", { params: { id }, query, body: { percent } }),
    completeRollout: (id: string, query: Scope = {}) =>
      call("policy_rollout_complete", { params: { id }, query }),
    stopRollout: (id: string, { reason, ...query }: Reasoned = {}) =>
      call("policy_rollout_stop", { params: { id }, query, body: { reason } }),

    proposals: (query: QueryOf<"policy_proposal_list"> = {}) => call("policy_proposal_list", { query }),
    proposal: (id: string, query: Scope = {}) => call("policy_proposal_view", { params: { id }, query }),
    /** Agreeing makes the change at once. Fault forbidden "proposals.own" for who proposed it. */
    decideProposal: (id: string, body: BodyOf<"policy_proposal_decide">, query: Scope = {}) =>
      call("policy_proposal_decide", { params: { id }, query, body }),
  };
}

/** Tenants and what each has: sidecars, servers, tools, issuers, keys. */
function registryCalls(call: AdminCall) {
  return {
    tenants: () => call("tenant_list"),
    createTenant: (name: string) => call("tenant_create", { body: { name } }),
    addSidecar: (body: BodyOf<"sidecar_create">) => call("sidecar_create", { body }),
    sidecars: (query: QueryOf<"sidecar_list"> = {}) => call("sidecar_list", { query }),
    removeSidecar: (id: string, query: Scope = {}) => call("sidecar_delete", { params: { id }, query }),

    upstreams: (query: QueryOf<"upstream_list"> = {}) => call("upstream_list", { query }),
    upstream: (name: string, query: Scope = {}) => call("upstream_view", { params: { name }, query }),
    /** Fault conflict "upstreams.exists" when the name is taken. */
    addUpstream: (body: BodyOf<"upstream_create">) => call("upstream_create", { body }),
    replaceUpstream: (name: string, body: BodyOf<"upstream_replace">, query: Scope = {}) =>
      call("upstream_replace", { params: { name }, query, body }),
    removeUpstream: (name: string, query: Scope = {}) => call("upstream_delete", { params: { name }, query }),

    tools: (query: QueryOf<"tool_list"> = {}) => call("tool_list", { query }),
    tool: (id: string, query: Scope = {}) => call("tool_view", { params: { id }, query }),
    /** Fault conflict "tools.changed" when another definition waits by now. */
    approveTool: (id: string, body: BodyOf<"tool_approve">, query: Scope = {}) =>
      call("tool_approve", { params: { id }, query, body }),
    /** Takes the tool out of use, whatever its definition. */
    quarantineTool: (id: string, { reason, ...query }: Reasoned = {}) =>
      call("tool_quarantine", { params: { id }, query, body: { reason } }),
    toolMode: (query: Scope = {}) => call("tool_mode_view", { query }),
    setToolMode: (body: BodyOf<"tool_mode_set">) => call("tool_mode_set", { body }),

    issuers: (query: Scope = {}) => call("issuer_list", { query }),
    addIssuer: (body: BodyOf<"issuer_create">) => call("issuer_create", { body }),
    replaceIssuer: (id: string, body: BodyOf<"issuer_replace">) =>
      call("issuer_replace", { params: { id }, body }),
    removeIssuer: (id: string) => call("issuer_delete", { params: { id } }),
    /** Who would get what; gives nothing to anybody. */
    explainIssuer: (id: string, body: BodyOf<"issuer_explain">) =>
      call("issuer_explain", { params: { id }, body }),

    keys: (query: QueryOf<"key_list"> = {}) => call("key_list", { query }),
    prepareKey: (body: BodyOf<"key_prepare">) => call("key_prepare", { body }),
    publishKey: (kid: string, query: Scope = {}) => call("key_publish", { params: { kid }, query }),
    activateKey: (kid: string, query: Scope = {}) => call("key_activate", { params: { kid }, query }),
    /** What the key signed is accepted until `not_after`. */
    retireKey: (kid: string, { not_after, ...query }: Scope & { not_after: string }) =>
      call("key_retire", { params: { kid }, query, body: { not_after } }),
  };
}

/** Who may do what: operators, elevations, and whose the token is. */
function peopleCalls(call: AdminCall) {
  return {
    /** Who the token is of, and what it may do. */
    me: () => call("operator_me"),
    operators: (query: QueryOf<"operator_list"> = {}) => call("operator_list", { query }),
    /** Fault conflict "operators.name" when somebody has or had the name. */
    addOperator: (body: BodyOf<"operator_create">) => call("operator_create", { body }),
    operator: (id: string, query: Scope = {}) => call("operator_view", { params: { id }, query }),
    changeOperator: (id: string, body: BodyOf<"operator_change">, query: Scope = {}) =>
      call("operator_change", { params: { id }, query, body }),
    removeOperator: (id: string, query: Scope = {}) => call("operator_remove", { params: { id }, query }),
    /** The token is told here and never again. */
    issueOperatorToken: (id: string, body: BodyOf<"operator_token_issue"> = {}, query: Scope = {}) =>
      call("operator_token_issue", { params: { id }, query, body }),
    operatorTokens: (id: string, query: Scope = {}) => call("operator_token_list", { params: { id }, query }),
    revokeOperatorToken: (id: string, token_id: string, query: Scope = {}) =>
      call("operator_token_revoke", { params: { id, token_id }, query }),

    elevations: (query: QueryOf<"elevation_list"> = {}) => call("elevation_list", { query }),
    elevation: (id: string) => call("elevation_view", { params: { id } }),
    requestElevation: (body: BodyOf<"elevation_request">) => call("elevation_request", { body }),
    /** Fault forbidden "elevations.own" | "elevations.under_elevation"; conflict "elevations.<status>" when it is not pending any more. */
    decideElevation: (id: string, body: BodyOf<"elevation_decide">) =>
      call("elevation_decide", { params: { id }, body }),
    endElevation: (id: string) => call("elevation_end", { params: { id } }),
  };
}

function webhookCalls(call: AdminCall) {
  return {
    webhooks: (query: Scope = {}) => call("webhook_list", { query }),
    webhook: (id: string) => call("webhook_view", { params: { id } }),
    /** The secret is told here and never again. */
    addWebhook: (body: BodyOf<"webhook_create">) => call("webhook_create", { body }),
    /** What is left out stays as it is. */
    changeWebhook: (id: string, body: BodyOf<"webhook_change">) =>
      call("webhook_change", { params: { id }, body }),
    removeWebhook: (id: string) => call("webhook_delete", { params: { id } }),
    /** Messages are signed with the secret before as well, for a day. */
    rotateWebhookSecret: (id: string) => call("webhook_secret_rotate", { params: { id } }),
    /** Sends a message now and tells what came of it. */
    testWebhook: (id: string) => call("webhook_test", { params: { id } }),
    webhookDeliveries: (id: string, query: QueryOf<"webhook_delivery_list"> = {}) =>
      call("webhook_delivery_list", { params: { id }, query }),
    /** Fault conflict "webhooks.disabled" | "webhooks.under_way". */
    retryWebhookDelivery: (id: string, delivery: string) =>
      call("webhook_delivery_retry", { params: { id, delivery } }),
    integrations: (query: Scope = {}) => call("integration_list", { query }),
  };
}
