// Where events go, as document 001 shows it: names and counters, never a secret.
import { z } from "zod";
import type { Webhook } from "../../domain/webhooks/model.ts";
import { operation } from "./context.ts";
import { NO_TENANT, tenantQuery } from "./fields.ts";

const text = z.string();
const count = z.int().min(0);

const IntegrationView = z.strictObject({
  name: text.describe(
    "`webhook:` and the webhook's description, or its id where it has none; else the kind of system.",
  ),
  configured: z.boolean(),
  endpoint: text.describe('Without query and credentials; "" when nothing is configured.'),
  last_flush_ts: z.iso.datetime().optional().describe("Absent when nothing was taken yet."),
  events_flushed: count.describe("Events that were taken."),
  events_dropped: count.describe("Events that were given up."),
  last_error: text.describe('"" when there is none since something was taken last.'),
});
type IntegrationView = z.input<typeof IntegrationView>;

/** Kinds of systems that document 001 tells of and events cannot be sent to yet. */
const KINDS = ["splunk", "datadog", "sentinel", "elastic", "s3", "otlp"] as const;

const NOT_CONFIGURED = {
  ...{ configured: false, endpoint: "", events_flushed: 0, events_dropped: 0, last_error: "" },
} as const;

const list = operation({
  id: "integration_list",
  method: "GET",
  path: "/v1/admin/integrations",
  summary: "See where events are sent, and whether they arrive",
  description: "A superadmin who names no tenant sees those of all tenants.",
  tag: "Integrations",
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject(tenantQuery),
  example: { query: { tenant: "acme-corp" } },
  reply: z.array(IntegrationView),
  run: async ({ query }, context) => {
    const tenant = await context.scope.any(query.tenant);
    const webhooks = await context.work.read((executor) => context.webhooks.list(executor, tenant));
    return [...KINDS.map((name) => ({ name, ...NOT_CONFIGURED })), ...webhooks.map(integrationView)];
  },
});

function integrationView(webhook: Webhook): IntegrationView {
  const { id, description, status, url, lastDeliveredAt, delivered, dropped, lastError } = webhook;
  const { origin, pathname } = new URL(url);
  return {
    name: `webhook:${description === "" ? id : description}`,
    configured: status === "enabled",
    endpoint: `${origin}${pathname}`,
    ...(lastDeliveredAt !== null && { last_flush_ts: lastDeliveredAt.toISOString() }),
    events_flushed: delivered,
    events_dropped: dropped,
    last_error: lastError,
  };
}

export const integrationRows = [list];
