// Webhooks of a tenant: who outside is told of what, and with which secret the messages are signed. A secret is shown once, to whoever made it.
import { Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import { requireServed } from "../tenants/service.ts";
import type { Unit } from "../unit.ts";
import {
  createDeliveries,
  type DeliveryPorts,
  disable,
  existing,
  unknownWebhook,
  type WebhookDeliveries,
} from "./deliveries.ts";
import {
  SECRET_OVERLAP_MS,
  SECRETS_MAX,
  type StoredSecret,
  WEBHOOKS_MAX,
  type Webhook,
  type WebhookChange,
  type WebhookKey,
  type WebhookRequest,
} from "./model.ts";
import { SECRET_BYTES, secretText } from "./signature.ts";
import {
  deleteWebhook,
  insertWebhook,
  lockTenant,
  lockWebhook,
  selectWebhooks,
  updateWebhook,
} from "./store.ts";

export interface Webhooks extends WebhookDeliveries {
  /**
   * `secret` is "whsec_…". Faults: invalid "webhooks.address" · limited "webhooks.many" · unavailable "keys.no_master_key".
   */
  add(
    unit: Unit,
    request: WebhookRequest & { tenant: string },
  ): Promise<{ webhook: Webhook; secret: string }>;
  /** What is left out stays. Faults, as all that follow: not_found "webhooks.unknown" · invalid "webhooks.address". */
  change(unit: Unit, key: WebhookKey, change: WebhookChange): Promise<Webhook>;
  /** A new secret; the one before signs beside it for a day. Faults: unavailable "keys.no_master_key" too. */
  rotate(unit: Unit, key: WebhookKey): Promise<{ webhook: Webhook; secret: string }>;
  /** Its deliveries are forgotten with it. */
  remove(unit: Unit, key: WebhookKey): Promise<void>;
  find(executor: Executor, key: WebhookKey): Promise<Webhook>;
  list(executor: Executor, tenant: string | undefined): Promise<readonly Webhook[]>;
}

export function createWebhooks(ports: DeliveryPorts): Webhooks {
  const { keys, sender, randomBytes } = ports;

  function newSecret(): { secret: string; stored: StoredSecret } {
    const secret = randomBytes(SECRET_BYTES);
    return { secret: secretText(secret), stored: { wrapped: keys.wrap(secret), until: null } };
  }

  function requireAllowed(url: string): void {
    const refusal = sender.refusalOf(new URL(url));
    if (refusal === undefined) return;
    throw new Fault("invalid", "webhooks.address", `url: the address may not be used: ${refusal}.`);
  }

  return {
    ...createDeliveries(ports),

    async add(unit, { tenant, ...request }) {
      requireAllowed(request.url);
      await requireServed(unit.executor, tenant);
      await lockTenant(unit.executor, tenant);
      if ((await selectWebhooks(unit.executor, tenant)).length >= WEBHOOKS_MAX) {
        throw new Fault("limited", "webhooks.many", `A tenant has ${WEBHOOKS_MAX} webhooks at most.`);
      }
      const { secret, stored } = newSecret();
      const at = new Date(unit.nowMs);
      const by = unit.actor.name;
      const webhook: Webhook = {
        ...{ tenant, id: unit.newId(), ...request, status: "enabled", secrets: [stored] },
        ...{ failingSince: null, delivered: 0, dropped: 0, lastDeliveredAt: null, lastError: "" },
        ...{ createdAt: at, createdBy: by, updatedAt: at, updatedBy: by },
      };
      await insertWebhook(unit.executor, webhook);
      recordWebhook(unit, "create_webhook", webhook);
      return { webhook, secret };
    },

    async change(unit, key, { url, events, description, enabled }) {
      if (url !== undefined) requireAllowed(url);
      const webhook = await locked(unit, key);
      const next = touched(unit, {
        ...webhook,
        ...(url !== undefined && { url }),
        ...(events !== undefined && { events }),
        ...(description !== undefined && { description }),
        ...(enabled === true && { status: "enabled", failingSince: null, lastError: "" }),
      });
      recordWebhook(unit, "update_webhook", next);
      if (enabled === false && webhook.status === "enabled") {
        return await disable(unit, { ...next, status: "disabled" }, "An administrator disabled it.");
      }
      await updateWebhook(unit.executor, next);
      return next;
    },

    async rotate(unit, key) {
      const webhook = await locked(unit, key);
      const { secret, stored } = newSecret();
      const until = new Date(unit.nowMs + SECRET_OVERLAP_MS).toISOString();
      const before = webhook.secrets
        .map((each) => ({ ...each, until: each.until ?? until }))
        .filter((each) => Date.parse(each.until) > unit.nowMs);
      const secrets = [stored, ...before].slice(0, SECRETS_MAX);
      const next = touched(unit, { ...webhook, secrets });
      await updateWebhook(unit.executor, next);
      const details = { webhook_id: webhook.id, previous_until: until };
      unit.record({ tenant: webhook.tenant, name: "rotate_webhook_secret", details });
      return { webhook: next, secret };
    },

    async remove(unit, key) {
      const webhook = await existing(unit.executor, key);
      await deleteWebhook(unit.executor, webhook);
      recordWebhook(unit, "delete_webhook", webhook);
    },

    find: existing,
    list: selectWebhooks,
  };
}

async function locked({ executor }: Unit, key: WebhookKey): Promise<Webhook> {
  const webhook = await lockWebhook(executor, key);
  if (webhook === undefined) throw unknownWebhook();
  return webhook;
}

function touched(unit: Unit, webhook: Webhook): Webhook {
  return { ...webhook, updatedAt: new Date(unit.nowMs), updatedBy: unit.actor.name };
}

/** Path and query of an address may be what its receiver knows its callers by, so the chain tells the origin only. */
function recordWebhook(unit: Unit, name: string, { tenant, id, url, events, status }: Webhook): void {
  const details = { webhook_id: id, origin: new URL(url).origin, events: [...events], status };
  unit.record({ tenant, name, details });
}
