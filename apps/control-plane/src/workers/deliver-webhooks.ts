// Sends webhooks: what is due, as soon as there is room. Room is shared out, so that a receiver that is slow, or a tenant that has many such, holds up
// nobody else. It looks again whenever something was put in line here or a sending has ended; the poll finds the rest.
import type { Clock } from "@postern/fault";
import type { Logger } from "@postern/telemetry";
import type { Actor, Units } from "../domain/unit.ts";
import type { Leased } from "../domain/webhooks/model.ts";
import type { Webhooks } from "../domain/webhooks/service.ts";
import type { Loop } from "./every.ts";

/** Sendings under way at once. */
const ROOM = { total: 64, perTenant: 16, perWebhook: 4 } as const;

export interface WebhookDelivery extends Loop {
  /** Looks for what is due; returns at once. */
  wake(): void;
  /** Resolves when nothing is under way and nothing was left to take. */
  idle(): Promise<void>;
}

export interface WebhookDeliveryPorts {
  readonly webhooks: Webhooks;
  readonly units: Units;
  readonly actor: Actor;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Sending {
  readonly tenant: string;
  /** Of the webhook. */
  readonly id: string;
  readonly done: Promise<void>;
}

export function createWebhookDelivery(ports: WebhookDeliveryPorts): WebhookDelivery {
  const { webhooks, units, actor, clock, log } = ports;
  const underWay = new Set<Sending>();
  let looking: Promise<void> | undefined;
  let mustLook = false;
  let isStopped = false;

  function wake(): void {
    mustLook = true;
    if (!isStopped) looking ??= look();
  }

  async function look(): Promise<void> {
    while (mustLook && !isStopped) {
      mustLook = false;
      try {
        if (await beginDue()) mustLook = true;
      } catch (caught) {
        log.error("worker failed", caught, { worker: "deliver-webhooks" });
      }
    }
    looking = undefined;
  }

  /** Whether anything was begun: then there may be more. */
  async function beginDue(): Promise<boolean> {
    const room = roomFor();
    if (room <= 0) return false;
    const all = [...underWay];
    const due = await units.read((executor) =>
      webhooks.due(executor, {
        at: new Date(clock.nowMs()),
        except: all.filter(({ tenant, id }) => roomFor(tenant, id) <= 0),
        exceptTenants: [...new Set(all.map(({ tenant }) => tenant))].filter((each) => roomFor(each) <= 0),
        limit: room,
      }),
    );
    let begun = 0;
    for (const key of due) {
      const limit = roomFor(key.tenant, key.id);
      if (limit <= 0) continue;
      const leased = await units.commit(actor, (unit) => webhooks.lease(unit, key, limit));
      for (const each of leased) begin(each);
      begun += leased.length;
    }
    return begun > 0;
  }

  function roomFor(tenant?: string, id?: string): number {
    const all = [...underWay];
    const ofTenant = all.filter((each) => each.tenant === tenant);
    const ofWebhook = ofTenant.filter((each) => each.id === id);
    return Math.min(
      ROOM.total - all.length,
      ROOM.perTenant - ofTenant.length,
      ROOM.perWebhook - ofWebhook.length,
    );
  }

  function begin(leased: Leased): void {
    const { tenant, id } = leased.webhook;
    const done = deliver(leased).finally(() => {
      underWay.delete(sending);
      wake();
    });
    const sending: Sending = { tenant, id, done };
    underWay.add(sending);
  }

  async function deliver(leased: Leased): Promise<void> {
    try {
      const attempt = await webhooks.attempt(leased, clock.nowMs());
      await units.commit(actor, (unit) => webhooks.settle(unit, leased, attempt));
    } catch (caught) {
      // It is due again when its lease ends.
      const { tenant, id } = leased.delivery;
      log.error("a webhook could not be delivered", caught, { tenant, delivery: id });
    }
  }

  async function idle(): Promise<void> {
    while (looking !== undefined || underWay.size > 0) {
      await Promise.all([looking, ...[...underWay].map(({ done }) => done)]);
    }
  }

  return {
    wake,
    idle,
    async stop() {
      isStopped = true;
      await idle();
    },
  };
}
