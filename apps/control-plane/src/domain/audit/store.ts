// Queries over the log. Appending is one statement for any number of events; reading goes by the chain's own order, never by time alone.
import { ZERO_HASH } from "@postern/audit";
import { and, asc, desc, eq, gte, inArray, lt, lte, type SQL, sql } from "drizzle-orm";
import { type Executor, rowsOf } from "../../database/connection.ts";
import type { Chain, Checkpoint, EventFilter, ReplayFilter, StoredEvent } from "./model.ts";
import { auditChains, auditCheckpoints, auditEvents } from "./table.ts";

type ChainRow = typeof auditChains.$inferSelect;

/** The tenant's chain, made when it is not there, locked until the transaction ends. */
export async function lockChain(executor: Executor, tenant: string): Promise<Chain> {
  const select = () =>
    executor.select().from(auditChains).where(eq(auditChains.tenant, tenant)).for("update");
  const [row] = await select();
  if (row !== undefined) return chainOf(row);
  const empty = { tenant, size: 0, headHash: ZERO_HASH, headEventId: "", headAt: null, tree: emptyTree };
  await executor.insert(auditChains).values(empty).onConflictDoNothing();
  const [made] = await select();
  return chainOf(made ?? empty);
}

const emptyTree = '{"size":0,"hashes":[]}';

/** undefined = nothing was ever appended. */
export async function findChain(executor: Executor, tenant: string): Promise<Chain | undefined> {
  const [row] = await executor.select().from(auditChains).where(eq(auditChains.tenant, tenant));
  return row === undefined ? undefined : chainOf(row);
}

function chainOf(row: ChainRow): Chain {
  return { ...row, tree: JSON.parse(row.tree) as Chain["tree"] };
}

export async function updateChain(executor: Executor, chain: Chain): Promise<void> {
  await executor
    .update(auditChains)
    .set({ ...chain, tree: JSON.stringify(chain.tree) })
    .where(eq(auditChains.tenant, chain.tenant));
}

/** Which of these events are in the chain already. */
export async function selectKnownIds(
  executor: Executor,
  tenant: string,
  eventIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (eventIds.length === 0) return new Set();
  const rows = await executor
    .select({ eventId: auditEvents.eventId })
    .from(auditEvents)
    .where(and(eq(auditEvents.tenant, tenant), inArray(auditEvents.eventId, [...eventIds])));
  return new Set(rows.map((row) => row.eventId));
}

/** A row of the log as it is sent to the database. */
export interface EventRow {
  readonly idx: number;
  readonly event_id: string;
  readonly ts: string;
  readonly decision: string;
  readonly tool: string;
  readonly agent_id: string;
  readonly event: string;
  readonly prev_hash: string;
  readonly hash: string;
  readonly args_salt: string | null;
}

/** Adds rows to the chain, which must be locked. One statement and one parameter, however many they are. */
export async function insertEvents(
  executor: Executor,
  tenant: string,
  rows: readonly EventRow[],
): Promise<void> {
  await executor.execute(sql`
    insert into audit_events (tenant, idx, event_id, ts, decision, tool, agent_id, event, prev_hash, hash, args_salt)
    select ${tenant}, r.idx, r.event_id, r.ts, r.decision, r.tool, r.agent_id, r.event, r.prev_hash, r.hash, r.args_salt
    from json_to_recordset(${JSON.stringify(rows)}::json) as r(
      idx bigint, event_id text, ts timestamptz, decision text, tool text, agent_id text,
      event text, prev_hash text, hash text, args_salt text)
    order by r.idx`);
}

const stored = {
  tenant: auditEvents.tenant,
  idx: auditEvents.idx,
  seq: auditEvents.seq,
  event: auditEvents.event,
  prevHash: auditEvents.prevHash,
  hash: auditEvents.hash,
};

/** Newest first. `before` is where the page before ended: an index within one tenant, else a sequence number. */
export async function selectEvents(
  executor: Executor,
  filter: EventFilter,
  page: { limit: number; before: number | undefined },
): Promise<readonly StoredEvent[]> {
  const order = filter.tenant === undefined ? auditEvents.seq : auditEvents.idx;
  return await executor
    .select(stored)
    .from(auditEvents)
    .where(and(...conditionsOf(filter), page.before === undefined ? undefined : lt(order, page.before)))
    .orderBy(desc(order))
    .limit(page.limit);
}

/** Newest first, with what is stored beside the event. `before` is the index of the last one of the page before. */
export async function selectSalted(
  executor: Executor,
  filter: ReplayFilter,
  page: { limit: number; before: number | undefined },
): Promise<readonly { idx: number; event: string; argsSalt: string | null }[]> {
  const { eventId } = filter;
  return await executor
    .select({ idx: auditEvents.idx, event: auditEvents.event, argsSalt: auditEvents.argsSalt })
    .from(auditEvents)
    .where(
      and(
        ...conditionsOf({ ...filter, decision: undefined }),
        eventId === undefined ? undefined : eq(auditEvents.eventId, eventId),
        page.before === undefined ? undefined : lt(auditEvents.idx, page.before),
      ),
    )
    .orderBy(desc(auditEvents.idx))
    .limit(page.limit);
}

function conditionsOf(filter: EventFilter): readonly SQL[] {
  const { tenant, since, until, decision, tool, agentId } = filter;
  const conditions: (SQL | undefined)[] = [
    tenant === undefined ? undefined : eq(auditEvents.tenant, tenant),
    since === undefined ? undefined : gte(auditEvents.ts, since),
    until === undefined ? undefined : lt(auditEvents.ts, until),
    decision === undefined ? undefined : eq(auditEvents.decision, decision),
    tool === undefined ? undefined : eq(auditEvents.tool, tool),
    agentId === undefined ? undefined : eq(auditEvents.agentId, agentId),
  ];
  return conditions.filter((condition) => condition !== undefined);
}

/** A stretch of the chain in its order, with the columns that repeat parts of the events. */
export async function selectStretch(
  executor: Executor,
  tenant: string,
  stretch: { from: number; to: number; limit: number },
): Promise<readonly (typeof auditEvents.$inferSelect)[]> {
  return await executor
    .select()
    .from(auditEvents)
    .where(
      and(
        eq(auditEvents.tenant, tenant),
        gte(auditEvents.idx, stretch.from),
        lte(auditEvents.idx, stretch.to),
      ),
    )
    .orderBy(asc(auditEvents.idx))
    .limit(stretch.limit);
}

/** First and last index among the events of a window of time; undefined when there is none. */
export async function selectWindow(
  executor: Executor,
  filter: EventFilter,
): Promise<{ from: number; to: number } | undefined> {
  const [row] = await executor
    .select({
      from: sql<string | null>`min(${auditEvents.idx})`,
      to: sql<string | null>`max(${auditEvents.idx})`,
    })
    .from(auditEvents)
    .where(and(...conditionsOf(filter)));
  if (row === undefined || row.from === null || row.to === null) return undefined;
  return { from: Number(row.from), to: Number(row.to) };
}

/** By tenant: how many events were chained since the first one that is younger than an instant. */
export async function selectRecentCounts(
  executor: Executor,
  tenants: readonly string[],
  since: Date,
): Promise<ReadonlyMap<string, number>> {
  if (tenants.length === 0) return new Map();
  // Two steps along indexes per tenant; counting the rows themselves would grow with the traffic.
  const rows = await rowsOf(
    executor,
    sql`select c.tenant, c.size - first.idx as recent
        from ${auditChains} c
        cross join lateral (
          select e.idx from ${auditEvents} e
          where e.tenant = c.tenant and e.ts >= ${since.toISOString()}::timestamptz
          order by e.ts, e.idx limit 1) first
        where ${inArray(sql`c.tenant`, [...tenants])}`,
  );
  return new Map(rows.map((row) => [String(row.tenant), Number(row.recent)]));
}

export async function findLatestCheckpoint(
  executor: Executor,
  tenant: string,
): Promise<Checkpoint | undefined> {
  const [row] = await executor
    .select()
    .from(auditCheckpoints)
    .where(eq(auditCheckpoints.tenant, tenant))
    .orderBy(desc(auditCheckpoints.size))
    .limit(1);
  return row;
}

export async function insertCheckpoint(
  executor: Executor,
  checkpoint: Checkpoint & { signedAt: Date },
): Promise<void> {
  await executor.insert(auditCheckpoints).values(checkpoint);
}

/** Tenants whose chain has grown since its last checkpoint. */
export async function selectTenantsAhead(executor: Executor): Promise<readonly string[]> {
  const rows = await executor
    .select({ tenant: auditChains.tenant })
    .from(auditChains)
    .where(
      sql`${auditChains.size} > coalesce(
        (select max(k.size) from audit_checkpoints k where k.tenant = ${auditChains.tenant}), 0)`,
    )
    .orderBy(asc(auditChains.tenant));
  return rows.map((row) => row.tenant);
}
