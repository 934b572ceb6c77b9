// How a tenant is set up: its rules, whom it tells, which tool servers it has, and which tools are approved.
import type { PinMode, RegisteredUpstream, ToolStatus } from "@postern/contracts";
import type { Exchange, Query } from "./exchange.ts";
import type { Page } from "./replies.ts";

export interface Settings {
  readonly approvals: {
    readonly four_eyes: boolean;
    readonly approvers_required: number;
    readonly role: "approver" | "admin";
    readonly pending_seconds: number;
    readonly use_seconds: number;
  };
  readonly policies: { readonly two_person: boolean };
}

export const WEBHOOK_EVENTS = [
  "approval.pending",
  "approval.decided",
  "approval.expired",
  "halt.engaged",
  "halt.released",
  "policy.promoted",
  "rollout.stopped",
] as const;

export interface Webhook {
  readonly id: string;
  readonly tenant: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly description: string;
  readonly enabled: boolean;
  readonly disabled_because?: string;
  readonly delivered: number;
  readonly dropped: number;
  readonly last_delivered_at?: string;
  readonly failing_since?: string;
  readonly last_error: string;
  readonly created_at: string;
  readonly created_by: string;
}

export interface WebhookTest {
  readonly delivered: boolean;
  readonly response_status?: number;
  readonly error: string;
  readonly delivery_id: string;
}

export interface Delivery {
  readonly id: string;
  readonly type: string;
  readonly status: "pending" | "delivered" | "failed";
  readonly attempts: number;
  readonly created_at: string;
  readonly next_attempt_at?: string;
  readonly finished_at?: string;
  readonly response_status?: number;
  readonly last_error: string;
}

export interface Upstream extends RegisteredUpstream {
  readonly tenant: string;
  readonly enabled: boolean;
  readonly updated_at: string;
  readonly updated_by: string;
}

export interface Tool {
  readonly id: string;
  readonly tenant: string;
  readonly upstream: string;
  readonly name: string;
  readonly status: ToolStatus;
  readonly held_by?: string;
  readonly approved_digests: readonly string[];
  readonly waiting_digest?: string;
  readonly flags: readonly string[];
  readonly approved_by_person: boolean;
  readonly first_seen_at: string;
  readonly last_seen_at: string;
  readonly seen_by: string;
  readonly decided_by: string;
  readonly decided_at?: string;
  readonly decision_reason: string;
}

export interface Difference {
  readonly pointer: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface ToolDetail extends Tool {
  readonly approved?: object;
  readonly waiting?: object;
  readonly differences?: readonly Difference[];
  readonly differences_whole?: boolean;
}

export function setupCalls({ json, act }: Exchange) {
  const at = encodeURIComponent;
  const decideTool = (step: string) => (tool: Tool, body: object) =>
    json<ToolDetail>("POST", `/tools/${at(tool.id)}/${step}`, { query: { tenant: tool.tenant }, body });
  return {
    settings: (tenant: string) => json<Settings>("GET", "/settings", { query: { tenant } }),
    changeSettings: (change: object) => json<Settings>("PATCH", "/settings", { body: change }),

    webhooks: (tenant: string) => json<Webhook[]>("GET", "/webhooks", { query: { tenant } }),
    webhook: (id: string) => json<Webhook>("GET", `/webhooks/${at(id)}`),
    addWebhook: (webhook: object) =>
      json<Webhook & { readonly secret: string }>("POST", "/webhooks", { body: webhook }),
    changeWebhook: (id: string, change: object) =>
      json<Webhook>("PATCH", `/webhooks/${at(id)}`, { body: change }),
    removeWebhook: (id: string) => act("DELETE", `/webhooks/${at(id)}`),
    rotateWebhookSecret: (id: string) =>
      json<Webhook & { readonly secret: string }>("POST", `/webhooks/${at(id)}/secret`),
    testWebhook: (id: string) => json<WebhookTest>("POST", `/webhooks/${at(id)}/test`),
    deliveries: (id: string, query: Query) =>
      json<Page<Delivery>>("GET", `/webhooks/${at(id)}/deliveries`, { query }),
    retryDelivery: (id: string, delivery: string) =>
      json<Delivery>("POST", `/webhooks/${at(id)}/deliveries/${at(delivery)}/retry`),

    upstreams: (query: Query) => json<Page<Upstream>>("GET", "/upstreams", { query }),
    addUpstream: (upstream: object) => json<Upstream>("POST", "/upstreams", { body: upstream }),
    replaceUpstream: (tenant: string, name: string, settings: object) =>
      json<Upstream>("PUT", `/upstreams/${at(name)}`, { query: { tenant }, body: settings }),
    removeUpstream: (tenant: string, name: string) =>
      act("DELETE", `/upstreams/${at(name)}`, { query: { tenant } }),

    tools: (query: Query) => json<Page<Tool>>("GET", "/tools", { query }),
    tool: (tenant: string, id: string) => json<ToolDetail>("GET", `/tools/${at(id)}`, { query: { tenant } }),
    approveTool: decideTool("approve"),
    quarantineTool: decideTool("quarantine"),
    toolMode: (tenant: string) =>
      json<{ readonly mode: PinMode }>("GET", "/tools/mode", { query: { tenant } }),
    setToolMode: (tenant: string, mode: string) =>
      json<{ readonly mode: PinMode }>("PUT", "/tools/mode", { body: { tenant, mode } }),
  };
}
