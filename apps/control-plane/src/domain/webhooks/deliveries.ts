// What is delivered, and how it goes on. A notice becomes deliveries in the transaction of what it tells of; a process that tries one holds a lease on
// it, so that each is tried by one process at a time and by another one when that dies: at least once, always under the same id.
import { Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import type { Keys } from "../keys/service.ts";
import { SYSTEM_TENANT } from "../tenants/model.ts";
import type { Notice, Unit } from "../unit.ts";
import { type Attempt, deliveryAfter, isGone, webhookAfter } from "./attempt.ts";
import {
  type Delivery,
  FAIL_FOR_MS,
  KEEP_MS,
  LEASE_MS,
  type Leased,
  TEST_EVENT,
  TRY_FOR_MS,
  type Webhook,
  type WebhookKey,
} from "./model.ts";
import type { WebhookSender } from "./sender.ts";
import { signedHeaders } from "./signature.ts";
import {
  type DeliveryFilter,
  deleteFinished,
  findWebhook,
  giveUpPending,
  insertDeliveries,
  leaseDue,
  lockDelivery,
  lockWebhook,
  selectDeliveries,
  selectDue,
  selectWebhooks,
  updateDelivery,
  updateWebhook,
} from "./store.ts";

export interface WebhookDeliveries {
  /** Puts notices in line for every webhook that wants them. */
  keep(unit: Unit, notices: readonly Notice[]): Promise<void>;
  /** Webhooks with something due, the one that waits longest first. */
  due: typeof selectDue;
  /** Takes up to `limit` deliveries of a webhook that are due, for the caller alone. */
  lease(unit: Unit, key: { tenant: string; id: string }, limit: number): Promise<readonly Leased[]>;
  /** Takes a test message for a webhook, to be tried once. Faults: not_found "webhooks.unknown". */
  leaseTest(unit: Unit, key: WebhookKey): Promise<Leased>;
  /** Sends it once. Faults: unavailable "keys.no_master_key", "keys.master_key_differs". */
  attempt(leased: Leased, nowMs: number): Promise<Attempt>;
  /** Writes down what came of it; nothing when the lease was lost meanwhile. */
  settle(unit: Unit, leased: Leased, attempt: Attempt): Promise<void>;
  deliveries(executor: Executor, filter: DeliveryFilter): Promise<readonly Delivery[]>;
  /**
   * Puts a delivery in line again, as if it were new.
   * Faults: not_found "webhooks.unknown", "webhooks.no_delivery" · conflict "webhooks.disabled", "webhooks.under_way".
   */
  retry(unit: Unit, key: WebhookKey, deliveryId: string): Promise<Delivery>;
  /** Forgets what ended long ago, a part at a time. How much that was. */
  prune(unit: Unit): Promise<number>;
}

export interface DeliveryPorts {
  readonly keys: Keys;
  readonly sender: WebhookSender;
  readonly randomBytes: (count: number) => Uint8Array;
}

const PRUNED_AT_ONCE = 5_000;

export function createDeliveries({ keys, sender, randomBytes }: DeliveryPorts): WebhookDeliveries {
  const jitter = () => Buffer.from(randomBytes(2)).readUInt16BE() / 0xffff;
  return {
    async keep(unit, notices) {
      for (const tenant of new Set(notices.map((notice) => notice.tenant))) {
        // What concerns everybody is told to everybody.
        const webhooks = await selectWebhooks(unit.executor, tenant === SYSTEM_TENANT ? undefined : tenant);
        const told = notices.filter((notice) => notice.tenant === tenant);
        const added = told.flatMap(({ type, data }) =>
          webhooks
            .filter(({ status, events }) => status === "enabled" && events.includes(type))
            .map((webhook) => newDelivery(unit, webhook, type, data)),
        );
        await insertDeliveries(unit.executor, added);
      }
    },

    due: selectDue,

    async lease({ executor, nowMs, newId }, key, limit) {
      const webhook = await findWebhook(executor, key);
      if (webhook?.status !== "enabled") return [];
      const lease = newId();
      const until = new Date(nowMs + LEASE_MS);
      const taken = await leaseDue(executor, key, { at: new Date(nowMs), until, lease, limit });
      return taken.map((delivery) => ({ webhook, delivery: { ...delivery, lease } }));
    },

    async leaseTest(unit, key) {
      const webhook = await existing(unit.executor, key);
      const lease = unit.newId();
      const test = newDelivery(unit, webhook, TEST_EVENT, { webhook_id: webhook.id });
      const delivery = {
        ...{ ...test, lease, attempts: 1 },
        ...{ nextAt: new Date(unit.nowMs + LEASE_MS), giveUpAt: new Date(unit.nowMs) },
      };
      await insertDeliveries(unit.executor, [delivery]);
      unit.record({ tenant: webhook.tenant, name: "test_webhook", details: { webhook_id: webhook.id } });
      return { webhook, delivery };
    },

    async attempt({ webhook, delivery: { id, body } }, nowMs) {
      const secrets = webhook.secrets
        .filter(({ until }) => until === null || Date.parse(until) > nowMs)
        .map(({ wrapped }) => keys.unwrap(wrapped));
      const headers = signedHeaders({ id, body, atMs: nowMs }, secrets);
      return await sender.send(new URL(webhook.url), { headers, body });
    },

    async settle(unit, leased, attempt) {
      const { executor } = unit;
      const webhook = await lockWebhook(executor, leased.webhook);
      const delivery = await lockDelivery(executor, leased.delivery);
      if (webhook === undefined || delivery?.lease !== leased.delivery.lease) return;
      const settled = deliveryAfter(delivery, attempt, unit.nowMs, jitter());
      await updateDelivery(executor, settled);
      await updateWebhook(executor, webhookAfter(webhook, settled, attempt, unit.nowMs));
      if (webhook.status === "enabled") await disableIfDead(unit, webhook, settled, attempt);
    },

    deliveries: selectDeliveries,

    async retry(unit, key, deliveryId) {
      const webhook = await existing(unit.executor, key);
      const { tenant, id } = webhook;
      const delivery = await lockDelivery(unit.executor, { tenant, id: deliveryId });
      if (delivery === undefined || delivery.webhookId !== id) {
        throw new Fault("not_found", "webhooks.no_delivery", "There is no such delivery.");
      }
      if (webhook.status !== "enabled") {
        throw new Fault("conflict", "webhooks.disabled", "The webhook is disabled: enable it first.");
      }
      if (delivery.lease !== null && delivery.nextAt.getTime() > unit.nowMs) {
        throw new Fault("conflict", "webhooks.under_way", "The delivery is being tried just now.");
      }
      const again: Delivery = {
        ...{ ...delivery, status: "pending", attempts: 0, lease: null, finishedAt: null },
        ...{ nextAt: new Date(unit.nowMs), giveUpAt: new Date(unit.nowMs + TRY_FOR_MS) },
      };
      await updateDelivery(unit.executor, again);
      const details = { webhook_id: id, delivery_id: deliveryId };
      unit.record({ tenant, name: "retry_webhook_delivery", details });
      return again;
    },

    prune: ({ executor, nowMs }) => deleteFinished(executor, new Date(nowMs - KEEP_MS), PRUNED_AT_ONCE),
  };
}

/** Faults: not_found "webhooks.unknown". */
export async function existing(executor: Executor, key: WebhookKey): Promise<Webhook> {
  const webhook = await findWebhook(executor, key);
  if (webhook === undefined) throw unknownWebhook();
  return webhook;
}

export function unknownWebhook(): Fault {
  return new Fault("not_found", "webhooks.unknown", "There is no such webhook.");
}

function newDelivery(
  { newId, nowMs }: Unit,
  webhook: { tenant: string; id: string },
  type: Delivery["type"],
  data: Notice["data"],
): Delivery {
  const { tenant } = webhook;
  const at = new Date(nowMs);
  const body = JSON.stringify({ type, timestamp: at.toISOString(), data: { tenant, ...data } });
  return {
    ...{ tenant, id: newId(), webhookId: webhook.id, type, body, status: "pending", attempts: 0 },
    ...{ nextAt: at, giveUpAt: new Date(nowMs + TRY_FOR_MS), lease: null },
    ...{ responseStatus: null, lastError: "", createdAt: at, finishedAt: null },
  };
}

/** A receiver that says that it is gone, or has taken nothing for days, is left alone until a person enables it again. */
async function disableIfDead(
  unit: Unit,
  before: Webhook,
  delivery: Delivery,
  attempt: Attempt,
): Promise<void> {
  const hasFailedForMs = unit.nowMs - (before.failingSince?.getTime() ?? unit.nowMs);
  const isFailing = delivery.status === "failed" && hasFailedForMs >= FAIL_FOR_MS;
  if (!isGone(attempt) && !isFailing) return;
  const webhook = await existing(unit.executor, before);
  const status = isGone(attempt) ? "gone" : "failing";
  const reason = isGone(attempt) ? "The receiver answered 410." : "It has taken nothing for days.";
  await disable(unit, { ...webhook, status }, reason);
}

/** Stores a webhook that is not sent to any more. What waits for it is given up, and can be put in line again by hand. */
export async function disable(unit: Unit, webhook: Webhook, reason: string): Promise<Webhook> {
  const { tenant, id } = webhook;
  const given = await giveUpPending(
    unit.executor,
    webhook,
    new Date(unit.nowMs),
    "The webhook was disabled.",
  );
  const disabled = { ...webhook, dropped: webhook.dropped + given };
  await updateWebhook(unit.executor, disabled);
  unit.record({ tenant, name: "disable_webhook", reason, details: { webhook_id: id, given_up: given } });
  return disabled;
}
