// Queries over kill switches.
import { HALTS_MAX } from "@postern/contracts";
import { and, asc, count, desc, eq, gt, inArray, isNull, or, type SQL, sql } from "drizzle-orm";
import type { Executor } from "../../database/connection.ts";
import { SYSTEM_TENANT } from "../tenants/model.ts";
import type { HaltKey, HaltTarget, KillSwitch } from "./model.ts";
import { halts, haltVersions } from "./table.ts";

const isHalt = ({ tenant, id }: { tenant: string; id: string }) =>
  and(eq(halts.tenant, tenant), eq(halts.id, id));
/** What was released is off whatever the time is here: it may have been released by a clock that is ahead of ours. */
const isOn = (nowMs: number) =>
  and(isNull(halts.releasedAt), or(isNull(halts.expiresAt), gt(halts.expiresAt, new Date(nowMs))));
/** The tenant's own, and what stops everybody. */
const reaches = (tenant: string) => inArray(halts.tenant, [tenant, SYSTEM_TENANT]);

/** The version of the tenant's halts, locked until the transaction ends. */
export async function lockHalts(executor: Executor, tenant: string): Promise<number> {
  await executor.insert(haltVersions).values({ tenant, version: 0 }).onConflictDoNothing();
  const [row] = await executor
    .select({ version: haltVersions.version })
    .from(haltVersions)
    .where(eq(haltVersions.tenant, tenant))
    .for("update");
  return row?.version ?? 0;
}

export async function updateVersion(executor: Executor, tenant: string, version: number): Promise<void> {
  await executor.update(haltVersions).set({ version }).where(eq(haltVersions.tenant, tenant));
}

/** Version by tenant; one whose halts were never changed is absent. */
export async function selectVersions(
  executor: Executor,
  tenants: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await executor
    .select()
    .from(haltVersions)
    .where(inArray(haltVersions.tenant, [...tenants]));
  return new Map(rows.map(({ tenant, version }) => [tenant, version]));
}

export async function insertHalt(executor: Executor, halt: KillSwitch): Promise<void> {
  await executor.insert(halts).values(halt);
}

export async function updateEnd(executor: Executor, halt: KillSwitch): Promise<void> {
  const { expiresAt, releasedAt, releasedBy, releaseReason } = halt;
  await executor.update(halts).set({ expiresAt, releasedAt, releasedBy, releaseReason }).where(isHalt(halt));
}

/** Of a tenant's own and those that stop everybody. */
export async function findHalt(executor: Executor, { id, tenant }: HaltKey): Promise<KillSwitch | undefined> {
  const [row] = await executor
    .select()
    .from(halts)
    .where(and(eq(halts.id, id), tenant === undefined ? undefined : reaches(tenant)));
  return row;
}

/** The one that is on for exactly this target. */
export async function findOn(
  executor: Executor,
  { tenant, scope, value }: HaltTarget,
  nowMs: number,
): Promise<KillSwitch | undefined> {
  const [row] = await executor
    .select()
    .from(halts)
    .where(and(eq(halts.tenant, tenant), eq(halts.scope, scope), eq(halts.value, value), isOn(nowMs)));
  return row;
}

export async function countOn(executor: Executor, tenant: string, nowMs: number): Promise<number> {
  const [row] = await executor
    .select({ on: count() })
    .from(halts)
    .where(and(eq(halts.tenant, tenant), isOn(nowMs)));
  return row?.on ?? 0;
}

/**
 * What is on for a tenant, the one that lasts longest first. Where clocks differ that may be more than one state can tell of: what is left out
 * then has ended for whoever engaged the others.
 */
export async function selectOn(
  executor: Executor,
  tenant: string,
  nowMs: number,
): Promise<readonly KillSwitch[]> {
  return await executor
    .select()
    .from(halts)
    .where(and(reaches(tenant), isOn(nowMs)))
    .orderBy(sql`${halts.expiresAt} desc nulls first`, asc(halts.engagedAt), asc(halts.id))
    .limit(HALTS_MAX);
}

export interface HaltFilter {
  /** undefined = all tenants. */
  readonly tenant: string | undefined;
  /** Those that are on at this instant; undefined = those that were, too. */
  readonly onAtMs: number | undefined;
  readonly limit: number;
  readonly after: Pick<KillSwitch, "engagedAt" | "tenant" | "id"> | undefined;
}

/** Newest first. */
export async function selectHalts(executor: Executor, filter: HaltFilter): Promise<readonly KillSwitch[]> {
  const { tenant, onAtMs, limit, after } = filter;
  const conditions: (SQL | undefined)[] = [];
  if (tenant !== undefined) conditions.push(reaches(tenant));
  if (onAtMs !== undefined) conditions.push(isOn(onAtMs));
  if (after !== undefined) {
    conditions.push(
      sql`(${halts.engagedAt}, ${halts.tenant}, ${halts.id}) < (${after.engagedAt.toISOString()}::timestamptz, ${after.tenant}, ${after.id})`,
    );
  }
  return await executor
    .select()
    .from(halts)
    .where(and(...conditions))
    .orderBy(desc(halts.engagedAt), desc(halts.tenant), desc(halts.id))
    .limit(limit);
}
