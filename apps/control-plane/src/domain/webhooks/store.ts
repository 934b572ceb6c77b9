// Queries over webhooks and their deliveries.
import { and, asc, desc, eq, isNotNull, lt, lte, or, type SQL, sql } from "drizzle-orm";
import { type Executor, rowsOf } from "../../database/connection.ts";
import type { Delivery, Webhook, WebhookKey } from "./model.ts";
import { deliveries, webhooks } from "./table.ts";

type OwnKey = Pick<Webhook, "tenant" | "id">;

function isNamed({ tenant, id }: WebhookKey): SQL | undefined {
  const byId = eq(webhooks.id, id);
  return tenant === undefined ? byId : and(eq(webhooks.tenant, tenant), byId);
}
const isOf = ({ tenant, id }: OwnKey) => and(eq(deliveries.tenant, tenant), eq(deliveries.webhookId, id));
const isDelivery = ({ tenant, id }: OwnKey) => and(eq(deliveries.tenant, tenant), eq(deliveries.id, id));
const isPending = eq(deliveries.status, "pending");

/** Serialises additions to one tenant until the transaction ends, so that a limit on their number holds. */
export async function lockTenant(executor: Executor, tenant: string): Promise<void> {
  await executor.execute(sql`select 1 from tenants where tenant = ${tenant} for no key update`);
}

export async function insertWebhook(executor: Executor, webhook: Webhook): Promise<void> {
  await executor.insert(webhooks).values(webhook);
}

export async function findWebhook(executor: Executor, key: WebhookKey): Promise<Webhook | undefined> {
  const [row] = await executor.select().from(webhooks).where(isNamed(key));
  return row;
}

/** The webhook, locked until the transaction ends; deliveries may still be added. */
export async function lockWebhook(executor: Executor, key: WebhookKey): Promise<Webhook | undefined> {
  const [row] = await executor.select().from(webhooks).where(isNamed(key)).for("no key update");
  return row;
}

/** By tenant and time of making. Without a tenant, those of all tenants. */
export async function selectWebhooks(
  executor: Executor,
  tenant: string | undefined,
): Promise<readonly Webhook[]> {
  return await executor
    .select()
    .from(webhooks)
    .where(tenant === undefined ? undefined : eq(webhooks.tenant, tenant))
    .orderBy(asc(webhooks.tenant), asc(webhooks.createdAt), asc(webhooks.id));
}

export async function updateWebhook(executor: Executor, webhook: Webhook): Promise<void> {
  await executor.update(webhooks).set(webhook).where(isNamed(webhook));
}

export async function deleteWebhook(executor: Executor, key: OwnKey): Promise<void> {
  await executor.delete(webhooks).where(isNamed(key));
}

export async function insertDeliveries(executor: Executor, added: readonly Delivery[]): Promise<void> {
  if (added.length > 0) await executor.insert(deliveries).values([...added]);
}

export async function lockDelivery(executor: Executor, key: OwnKey): Promise<Delivery | undefined> {
  const [row] = await executor.select().from(deliveries).where(isDelivery(key)).for("update");
  return row;
}

export async function updateDelivery(executor: Executor, delivery: Delivery): Promise<void> {
  await executor.update(deliveries).set(delivery).where(isDelivery(delivery));
}

export interface DeliveryFilter extends OwnKey {
  readonly status: Delivery["status"] | undefined;
  readonly limit: number;
  /** Where the page before ended. */
  readonly before: { readonly at: Date; readonly id: string } | undefined;
}

/** The latest first. */
export async function selectDeliveries(
  executor: Executor,
  { status, limit, before, ...key }: DeliveryFilter,
): Promise<readonly Delivery[]> {
  const isEarlier =
    before === undefined
      ? undefined
      : or(
          lt(deliveries.createdAt, before.at),
          and(eq(deliveries.createdAt, before.at), lt(deliveries.id, before.id)),
        );
  return await executor
    .select()
    .from(deliveries)
    .where(and(isOf(key), status === undefined ? undefined : eq(deliveries.status, status), isEarlier))
    .orderBy(desc(deliveries.createdAt), desc(deliveries.id))
    .limit(limit);
}

/** Enabled webhooks with something due, of whatever tenant; the one that waits longest first. */
export async function selectDue(
  executor: Executor,
  due: { at: Date; except: readonly OwnKey[]; exceptTenants: readonly string[]; limit: number },
): Promise<readonly OwnKey[]> {
  const at = due.at.toISOString();
  const others = [
    ...due.except.map(({ tenant, id }) => sql`and not (w.tenant = ${tenant} and w.id = ${id})`),
    ...due.exceptTenants.map((tenant) => sql`and w.tenant <> ${tenant}`),
  ];
  const rows = await rowsOf(
    executor,
    sql`select w.tenant, w.id from webhooks w cross join lateral (
        select d.next_at from webhook_deliveries d
        where d.tenant = w.tenant and d.webhook_id = w.id and d.status = 'pending' and d.next_at <= ${at}::timestamptz
        order by d.next_at limit 1
      ) first
      where w.status = 'enabled' ${sql.join(others, sql` `)}
      order by first.next_at limit ${due.limit}`,
  );
  return rows.map(({ tenant, id }) => ({ tenant: String(tenant), id: String(id) }));
}

/** Takes what is due for one webhook, for one process until `until`. What another one is just taking is left to it. */
export async function leaseDue(
  executor: Executor,
  key: OwnKey,
  { at, until, lease, limit }: { at: Date; until: Date; lease: string; limit: number },
): Promise<readonly Delivery[]> {
  const due = executor
    .select({ id: deliveries.id })
    .from(deliveries)
    .where(and(isOf(key), isPending, lte(deliveries.nextAt, at)))
    .orderBy(asc(deliveries.nextAt))
    .limit(limit)
    .for("update", { skipLocked: true });
  return await executor
    .update(deliveries)
    .set({ lease, nextAt: until, attempts: sql`${deliveries.attempts} + 1` })
    // An array is made once; the planner may run a plain subquery again and again, and then it takes more than the limit.
    .where(and(eq(deliveries.tenant, key.tenant), sql`${deliveries.id} = any(array(${due}))`))
    .returning();
}

/** Gives up all that waits for a webhook. How many that were. */
export async function giveUpPending(
  executor: Executor,
  key: OwnKey,
  at: Date,
  error: string,
): Promise<number> {
  const given = await executor
    .update(deliveries)
    .set({ status: "failed", lease: null, finishedAt: at, lastError: error })
    .where(and(isOf(key), isPending))
    .returning({ id: deliveries.id });
  return given.length;
}

/** Forgets deliveries that ended before an instant, up to `limit` of them. How many that were. */
export async function deleteFinished(executor: Executor, before: Date, limit: number): Promise<number> {
  const old = executor
    .select({ tenant: deliveries.tenant, id: deliveries.id })
    .from(deliveries)
    .where(and(isNotNull(deliveries.finishedAt), lt(deliveries.finishedAt, before)))
    .limit(limit);
  const gone = await executor
    .delete(deliveries)
    .where(sql`(${deliveries.tenant}, ${deliveries.id}) in (${old})`)
    .returning({ id: deliveries.id });
  return gone.length;
}
