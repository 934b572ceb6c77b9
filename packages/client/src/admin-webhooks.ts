// Webhooks and where events go, as typed functions for administrators.
import { z } from "zod";
import type { Exchange } from "./exchange.ts";

const text = z.string();
const count = z.int().min(0);

const Webhook = z.object({
  id: text,
  tenant: text,
  url: text,
  events: z.array(text),
  description: text.optional(),
  enabled: z.boolean(),
  disabled_because: text.optional(),
  delivered: count.optional(),
  /** Messages that were given up. */
  dropped: count.optional(),
  last_delivered_at: text.optional(),
  failing_since: text.optional(),
  last_error: text.optional(),
});

/** `secret` is "whsec_…" and is never told again. */
const WebhookWithSecret = Webhook.extend({ secret: text });

const WebhookDelivery = z.object({
  /** The message's `webhook-id`. */
  id: text,
  type: text,
  status: z.enum(["pending", "delivered", "failed"]),
  attempts: count,
  created_at: text,
  next_attempt_at: text.optional(),
  finished_at: text.optional(),
  response_status: count.optional(),
  last_error: text.optional(),
});
const WebhookDeliveryPage = z.object({ items: z.array(WebhookDelivery), next_cursor: text.optional() });

const WebhookTest = z.object({
  delivered: z.boolean(),
  /** Absent when there was no answer. */
  response_status: count.optional(),
  error: text,
  delivery_id: text.optional(),
});

const Integration = z.object({
  name: text,
  configured: z.boolean(),
  endpoint: text,
  /** Absent when nothing was taken yet. */
  last_flush_ts: text.optional(),
  events_flushed: count,
  events_dropped: count,
  last_error: text,
});

export type Webhook = z.infer<typeof Webhook>;
export type WebhookDelivery = z.infer<typeof WebhookDelivery>;
export type Integration = z.infer<typeof Integration>;

export interface WebhookRequest {
  readonly url: string;
  readonly events: readonly string[];
  readonly description?: string | undefined;
  readonly tenant?: string | undefined;
}

export interface WebhookChange extends Partial<Omit<WebhookRequest, "tenant">> {
  readonly enabled?: boolean | undefined;
}

export interface DeliveryQuery {
  readonly status?: WebhookDelivery["status"] | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export function webhookCalls(exchange: Exchange) {
  const root = "/v1/admin/webhooks";
  const at = (id: string) => `${root}/${encodeURIComponent(id)}`;
  return {
    webhooks: (scope: { tenant?: string | undefined } = {}) =>
      exchange.json("GET", root, z.array(Webhook), { query: { ...scope } }),
    webhook: (id: string) => exchange.json("GET", at(id), Webhook),
    addWebhook: (request: WebhookRequest) =>
      exchange.json("POST", root, WebhookWithSecret, { body: request }),
    /** What is left out stays as it is. */
    changeWebhook: (id: string, change: WebhookChange) =>
      exchange.json("PATCH", at(id), Webhook, { body: change }),
    async removeWebhook(id: string): Promise<void> {
      await exchange.bytes("DELETE", at(id));
    },
    /** Messages are signed with the secret before as well, for a day. */
    rotateWebhookSecret: (id: string) => exchange.json("POST", `${at(id)}/secret`, WebhookWithSecret),
    /** Sends a message now and tells what came of it. */
    testWebhook: (id: string) => exchange.json("POST", `${at(id)}/test`, WebhookTest),
    webhookDeliveries: (id: string, query: DeliveryQuery = {}) =>
      exchange.json("GET", `${at(id)}/deliveries`, WebhookDeliveryPage, { query: { ...query } }),
    /** Fault conflict "webhooks.disabled" | "webhooks.under_way". */
    retryWebhookDelivery: (id: string, delivery: string) =>
      exchange.json("POST", `${at(id)}/deliveries/${encodeURIComponent(delivery)}/retry`, WebhookDelivery),
    integrations: (scope: { tenant?: string | undefined } = {}) =>
      exchange.json("GET", "/v1/admin/integrations", z.array(Integration), { query: { ...scope } }),
  };
}
