// How webhooks and their deliveries look on the wire. No secret, and nothing of what a receiver answered but its status.
import { z } from "zod";
import {
  DELIVERY_STATUSES,
  type Delivery,
  TEST_EVENT,
  type Webhook,
  WebhookEvent,
  type WebhookStatus,
} from "../../domain/webhooks/model.ts";

const text = z.string();
const count = z.int().min(0);
const instant = z.iso.datetime();

export const WebhookView = z.strictObject({
  id: text,
  tenant: text,
  url: text,
  events: z.array(WebhookEvent),
  description: text,
  enabled: z.boolean(),
  disabled_because: text.optional().describe("Absent when it is enabled."),
  delivered: count.describe("Messages that were taken."),
  dropped: count.describe("Messages that were given up."),
  last_delivered_at: instant.optional(),
  failing_since: instant.optional().describe("First failure since a message was taken last."),
  last_error: text.describe('"" since a message was taken last.'),
  secrets: z
    .array(z.strictObject({ until: instant.optional() }))
    .describe(
      "Those that sign, the latest first, and until when; the secrets themselves are never shown again.",
    ),
  created_at: instant,
  created_by: text,
  updated_at: instant,
  updated_by: text,
});

const DISABLED_BECAUSE: Readonly<Record<Exclude<WebhookStatus, "enabled">, string>> = {
  disabled: "an administrator disabled it",
  gone: "it answered 410",
  failing: "it took nothing for days",
};

export function webhookView(webhook: Webhook): z.input<typeof WebhookView> {
  const { id, tenant, url, events, description, status, secrets, delivered, dropped } = webhook;
  const { lastDeliveredAt, failingSince } = webhook;
  return {
    ...{ id, tenant, url, events: [...events], description, enabled: status === "enabled" },
    ...(status !== "enabled" && { disabled_because: DISABLED_BECAUSE[status] }),
    ...{ delivered, dropped },
    ...(lastDeliveredAt !== null && { last_delivered_at: lastDeliveredAt.toISOString() }),
    ...(failingSince !== null && { failing_since: failingSince.toISOString() }),
    last_error: webhook.lastError,
    secrets: secrets.map(({ until }) => (until === null ? {} : { until })),
    created_at: webhook.createdAt.toISOString(),
    created_by: webhook.createdBy,
    updated_at: webhook.updatedAt.toISOString(),
    updated_by: webhook.updatedBy,
  };
}

export const DeliveryView = z.strictObject({
  id: text.describe("The message's `webhook-id`: the same however often it is sent."),
  type: z.enum([...WebhookEvent.options, TEST_EVENT]),
  status: z.enum(DELIVERY_STATUSES).describe("failed = given up."),
  attempts: count.describe("Since it was put in line last."),
  created_at: instant,
  next_attempt_at: instant.optional().describe("While it is pending and not being tried."),
  finished_at: instant.optional(),
  response_status: count.optional().describe("Of the latest attempt. Absent when there was no answer."),
  last_error: text,
});

export function deliveryView(delivery: Delivery): z.input<typeof DeliveryView> {
  const { id, type, status, attempts, lease, responseStatus, finishedAt, lastError } = delivery;
  const isWaiting = status === "pending" && lease === null;
  return {
    ...{ id, type, status, attempts, created_at: delivery.createdAt.toISOString() },
    ...(isWaiting && { next_attempt_at: delivery.nextAt.toISOString() }),
    ...(finishedAt !== null && { finished_at: finishedAt.toISOString() }),
    ...(responseStatus !== null && { response_status: responseStatus }),
    last_error: lastError,
  };
}
