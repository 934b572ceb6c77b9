// Webhooks: who outside is told of what, and what became of it.
import { Identifier } from "@postern/contracts";
import { pageOf, pageQuery } from "@postern/surface";
import { z } from "zod";
import { errorOf, isTaken } from "../../domain/webhooks/attempt.ts";
import { DELIVERY_STATUSES, WebhookEvent, WebhookUrl } from "../../domain/webhooks/model.ts";
import { type AdminContext, operation, pageOfItems, startOf } from "./context.ts";
import { NO_TENANT, tenantField, tenantQuery } from "./fields.ts";
import { DeliveryView, deliveryView, WebhookView, webhookView } from "./webhook-views.ts";

const path = "/v1/admin/webhooks";
const tag = "Webhooks";
const NO_WEBHOOK = "There is no such webhook.";
const NO_KEY = "The master key is not configured, or is another one.";
const byId = { params: z.strictObject({ id: Identifier }) };
const text = z.string();

const events = z
  .array(WebhookEvent)
  .min(1, "must name an event")
  .max(WebhookEvent.options.length)
  .describe("Types of the messages that it is sent.");
const description = z.string().max(200);
const Secret = { secret: text.describe("What messages are signed with, `whsec_…`. Shown once.") };

/** The webhook that a path names; another tenant's is not there. */
const keyOf = async ({ id }: { id: string }, { scope }: AdminContext) => ({
  id,
  tenant: await scope.any(undefined),
});

const create = operation({
  id: "webhook_create",
  method: "POST",
  path,
  summary: "Have an address told of what happens",
  description: "Messages have the form, headers and signatures of Standard Webhooks.",
  tag,
  permission: "administer",
  audit: "admin/create_webhook",
  status: 201,
  replies: { 404: NO_TENANT, 429: "The tenant has too many.", 503: NO_KEY },
  body: z.strictObject({
    url: WebhookUrl.describe("Where messages are sent by POST; https. Redirects are not followed."),
    events,
    description: description.default(""),
    tenant: tenantField,
  }),
  example: {
    body: {
      url: "https://hooks.acme-corp.example/postern",
      events: ["approval.pending", "halt.engaged"],
      description: "ops",
      tenant: "acme-corp",
    },
  },
  links: [
    { to: "webhook_view", params: { id: "id" } },
    { to: "webhook_change", params: { id: "id" } },
    { to: "webhook_secret_rotate", params: { id: "id" } },
    { to: "webhook_test", params: { id: "id" } },
    { to: "webhook_delivery_list", params: { id: "id" } },
    { to: "webhook_delete", params: { id: "id" } },
  ],
  reply: WebhookView.extend(Secret),
  run: async ({ body: { tenant: asked, ...request } }, context) => {
    const tenant = await context.scope.body(asked);
    const { webhooks, work } = context;
    const { webhook, secret } = await work.commit((unit) => webhooks.add(unit, { tenant, ...request }));
    return { ...webhookView(webhook), secret };
  },
});

const list = operation({
  id: "webhook_list",
  method: "GET",
  path,
  summary: "List webhooks",
  description: "An address may hold what its receiver knows its callers by, so this is for administrators.",
  tag,
  permission: "administer",
  audit: "none",
  status: 200,
  replies: { 404: NO_TENANT },
  query: z.strictObject(tenantQuery),
  example: { query: { tenant: "acme-corp" } },
  links: [{ to: "webhook_view", params: { id: "0/id" } }],
  reply: z.array(WebhookView),
  run: async ({ query }, context) => {
    const tenant = await context.scope.any(query.tenant);
    const found = await context.work.read((executor) => context.webhooks.list(executor, tenant));
    return found.map(webhookView);
  },
});

const view = operation({
  id: "webhook_view",
  method: "GET",
  path: `${path}/{id}`,
  summary: "Read a webhook",
  tag,
  permission: "administer",
  audit: "none",
  status: 200,
  replies: { 404: NO_WEBHOOK },
  ...byId,
  reply: WebhookView,
  run: async ({ params }, context) => {
    const key = await keyOf(params, context);
    return webhookView(await context.work.read((executor) => context.webhooks.find(executor, key)));
  },
});

const change = operation({
  id: "webhook_change",
  method: "PATCH",
  path: `${path}/{id}`,
  summary: "Change some of a webhook, or turn it off and on",
  description:
    "What is left out stays as it is. When it is turned off, what waits for it is given up. Turning it on forgets why it was off.",
  tag,
  permission: "administer",
  audit: "admin/update_webhook",
  status: 200,
  replies: { 404: NO_WEBHOOK },
  ...byId,
  body: z.strictObject({
    url: WebhookUrl.optional(),
    events: events.optional(),
    description: description.optional(),
    enabled: z.boolean().optional(),
  }),
  example: { body: { events: ["approval.pending"], description: "ops", enabled: true } },
  reply: WebhookView,
  run: async ({ params, body }, context) => {
    const key = await keyOf(params, context);
    return webhookView(await context.work.commit((unit) => context.webhooks.change(unit, key, body)));
  },
});

const remove = operation({
  id: "webhook_delete",
  method: "DELETE",
  path: `${path}/{id}`,
  summary: "Forget a webhook and its deliveries",
  tag,
  permission: "administer",
  audit: "admin/delete_webhook",
  status: 204,
  replies: { 404: NO_WEBHOOK },
  ...byId,
  run: async ({ params }, context) => {
    const key = await keyOf(params, context);
    await context.work.commit((unit) => context.webhooks.remove(unit, key));
  },
});

const rotate = operation({
  id: "webhook_secret_rotate",
  method: "POST",
  path: `${path}/{id}/secret`,
  summary: "Give a webhook a new secret",
  description:
    "For a day messages are signed with the secret before as well, so that the receiver can change over.",
  tag,
  permission: "administer",
  audit: "admin/rotate_webhook_secret",
  status: 200,
  replies: { 404: NO_WEBHOOK, 503: NO_KEY },
  ...byId,
  reply: WebhookView.extend(Secret),
  run: async ({ params }, context) => {
    const key = await keyOf(params, context);
    const { webhook, secret } = await context.work.commit((unit) => context.webhooks.rotate(unit, key));
    return { ...webhookView(webhook), secret };
  },
});

const test = operation({
  id: "webhook_test",
  method: "POST",
  path: `${path}/{id}/test`,
  summary: "Send a message of type `webhook.test` now",
  description: "Tried once, also when the webhook is turned off. What came of it is the answer.",
  tag,
  permission: "administer",
  audit: "admin/test_webhook",
  status: 200,
  replies: { 404: NO_WEBHOOK, 503: NO_KEY },
  ...byId,
  links: [{ to: "webhook_delivery_retry", params: { id: "$request.path.id", delivery: "delivery_id" } }],
  reply: z.strictObject({
    delivered: z.boolean().describe("Whether the receiver answered 2xx."),
    response_status: z.int().min(100).optional().describe("Absent when there was no answer."),
    error: text.describe('"" when it was delivered.'),
    delivery_id: text.describe("The message's `webhook-id`."),
  }),
  run: async ({ params }, context) => {
    const key = await keyOf(params, context);
    const { webhooks, work, clock } = context;
    const leased = await work.commit((unit) => webhooks.leaseTest(unit, key));
    const attempt = await webhooks.attempt(leased, clock.nowMs());
    await work.commit((unit) => webhooks.settle(unit, leased, attempt));
    return {
      delivered: isTaken(attempt),
      ...("status" in attempt && { response_status: attempt.status }),
      error: errorOf(attempt),
      delivery_id: leased.delivery.id,
    };
  },
});

const deliveries = operation({
  id: "webhook_delivery_list",
  method: "GET",
  path: `${path}/{id}/deliveries`,
  summary: "List what was sent to a webhook, or waits to be, the latest first",
  description: "What has ended is kept for 30 days.",
  tag,
  permission: "read",
  audit: "none",
  status: 200,
  replies: { 404: NO_WEBHOOK },
  ...byId,
  query: z.strictObject({ status: z.enum(DELIVERY_STATUSES).optional(), ...pageQuery() }),
  example: { query: { status: "failed", limit: 100 } },
  reply: pageOf(DeliveryView),
  run: async ({ params, query: { status, limit, cursor } }, context) => {
    const key = await keyOf(params, context);
    const paged = { sort: "webhook_deliveries", filter: { id: params.id, status: status ?? null } };
    const [at, id] = startOf(context, paged, cursor) ?? [];
    const before = id === undefined ? undefined : { at: new Date(Number(at)), id: String(id) };
    const items = await context.work.read(async (executor) => {
      const { tenant } = await context.webhooks.find(executor, key);
      const filter = { tenant, id: params.id, status, before, limit: limit + 1 };
      return await context.webhooks.deliveries(executor, filter);
    });
    const keyOfItem = (item: { createdAt: Date; id: string }) => [item.createdAt.getTime(), item.id];
    return pageOfItems(context, paged, { items, limit, keyOf: keyOfItem, view: deliveryView });
  },
});

const retry = operation({
  id: "webhook_delivery_retry",
  method: "POST",
  path: `${path}/{id}/deliveries/{delivery}/retry`,
  summary: "Send a message again, as if it were new",
  description: "Its `webhook-id` stays the same. It goes out within a second.",
  tag,
  permission: "administer",
  audit: "admin/retry_webhook_delivery",
  status: 200,
  replies: {
    404: "There is no such webhook, or no such delivery to it.",
    409: "The webhook is disabled, or the delivery is being tried just now.",
  },
  params: z.strictObject({ id: Identifier, delivery: Identifier }),
  reply: DeliveryView,
  run: async ({ params }, context) => {
    const key = await keyOf(params, context);
    const { webhooks, work } = context;
    return deliveryView(await work.commit((unit) => webhooks.retry(unit, key, params.delivery)));
  },
});

export const webhookRows = [create, list, view, change, remove, rotate, test, deliveries, retry];
