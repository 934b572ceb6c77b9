// Queries over registered upstreams.
import { and, asc, count, eq, inArray, type SQL, sql } from "drizzle-orm";
import type { Executor } from "../../database/connection.ts";
import type { Upstream, UpstreamKey } from "./model.ts";
import { upstreamRegisters, upstreams } from "./table.ts";

const isNamed = ({ tenant, name }: UpstreamKey) =>
  and(eq(upstreams.tenant, tenant), eq(upstreams.name, name));

/** The version of the tenant's list, locked until the transaction ends. */
export async function lockRegister(executor: Executor, tenant: string): Promise<number> {
  await executor.insert(upstreamRegisters).values({ tenant, version: 0 }).onConflictDoNothing();
  const [row] = await executor
    .select()
    .from(upstreamRegisters)
    .where(eq(upstreamRegisters.tenant, tenant))
    .for("update");
  return row?.version ?? 0;
}

export async function updateRegister(executor: Executor, tenant: string, version: number): Promise<void> {
  await executor.update(upstreamRegisters).set({ version }).where(eq(upstreamRegisters.tenant, tenant));
}

/** Versions by tenant; a tenant that never registered anything is absent. */
export async function selectVersions(
  executor: Executor,
  tenants: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await executor
    .select()
    .from(upstreamRegisters)
    .where(inArray(upstreamRegisters.tenant, [...tenants]));
  return new Map(rows.map((row) => [row.tenant, row.version]));
}

export async function countUpstreams(executor: Executor, tenant: string): Promise<number> {
  const [row] = await executor
    .select({ upstreams: count() })
    .from(upstreams)
    .where(eq(upstreams.tenant, tenant));
  return row?.upstreams ?? 0;
}

/** Whether it was added: a name stands for one server. */
export async function insertUpstream(executor: Executor, row: Upstream): Promise<boolean> {
  const added = await executor
    .insert(upstreams)
    .values(row)
    .onConflictDoNothing()
    .returning({ name: upstreams.name });
  return added.length === 1;
}

export async function findUpstream(executor: Executor, key: UpstreamKey): Promise<Upstream | undefined> {
  const [row] = await executor.select().from(upstreams).where(isNamed(key));
  return row;
}

export async function updateUpstream(executor: Executor, next: Upstream): Promise<void> {
  const { transport, url, auth, enabled, updatedAt, updatedBy } = next;
  await executor
    .update(upstreams)
    .set({ transport, url, auth, enabled, updatedAt, updatedBy })
    .where(isNamed(next));
}

export async function deleteUpstream(executor: Executor, key: UpstreamKey): Promise<void> {
  await executor.delete(upstreams).where(isNamed(key));
}

export interface UpstreamFilter {
  /** undefined = all tenants. */
  readonly tenant: string | undefined;
  readonly limit: number;
  readonly after: UpstreamKey | undefined;
}

/** By tenant and name. */
export async function selectUpstreams(
  executor: Executor,
  { tenant, limit, after }: UpstreamFilter,
): Promise<readonly Upstream[]> {
  const conditions: SQL[] = [];
  if (tenant !== undefined) conditions.push(eq(upstreams.tenant, tenant));
  if (after !== undefined)
    conditions.push(sql`(${upstreams.tenant}, ${upstreams.name}) > (${after.tenant}, ${after.name})`);
  return await executor
    .select()
    .from(upstreams)
    .where(and(...conditions))
    .orderBy(asc(upstreams.tenant), asc(upstreams.name))
    .limit(limit);
}

/** Those that sidecars are told of, by name. */
export async function selectEnabled(executor: Executor, tenant: string): Promise<readonly Upstream[]> {
  return await executor
    .select()
    .from(upstreams)
    .where(and(eq(upstreams.tenant, tenant), eq(upstreams.enabled, true)))
    .orderBy(asc(upstreams.name));
}
