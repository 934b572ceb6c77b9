// Queries over elevations.
import { and, desc, eq, gt, inArray, lt, lte, or, type SQL, sql } from "drizzle-orm";
import type { Executor } from "../../database/connection.ts";
import type { Elevation, ElevationKey, ElevationStatus } from "./model.ts";
import { elevations } from "./table.ts";

function isNamed({ tenant, id }: ElevationKey): SQL | undefined {
  const byId = eq(elevations.id, id);
  return tenant === undefined ? byId : and(eq(elevations.tenant, tenant), byId);
}

/** Serialises requests in one tenant until the transaction ends, so that a limit on their number holds. */
export async function lockTenant(executor: Executor, tenant: string): Promise<void> {
  await executor.execute(sql`select 1 from tenants where tenant = ${tenant} for no key update`);
}

export async function insertElevation(executor: Executor, elevation: Elevation): Promise<void> {
  await executor.insert(elevations).values(elevation);
}

export async function findElevation(executor: Executor, key: ElevationKey): Promise<Elevation | undefined> {
  const [row] = await executor.select().from(elevations).where(isNamed(key));
  return row;
}

/** The elevation, locked until the transaction ends. */
export async function lockElevation(executor: Executor, key: ElevationKey): Promise<Elevation | undefined> {
  const [row] = await executor.select().from(elevations).where(isNamed(key)).for("update");
  return row;
}

export async function updateElevation(executor: Executor, elevation: Elevation): Promise<void> {
  await executor.update(elevations).set(elevation).where(isNamed(elevation));
}

/** How many of an identity's are pending or active. */
export async function countOpen(
  executor: Executor,
  of: { tenant: string; requester: string; now: Date },
): Promise<number> {
  return await executor.$count(
    elevations,
    and(
      eq(elevations.tenant, of.tenant),
      eq(elevations.requester, of.requester),
      inArray(elevations.status, ["pending", "active"]),
      gt(elevations.expiresAt, of.now),
    ),
  );
}

export interface ElevationFilter {
  /** undefined = all tenants. */
  readonly tenant: string | undefined;
  readonly status: ElevationStatus | undefined;
  readonly now: Date;
  readonly limit: number;
  /** Where the page before ended. */
  readonly before: { readonly at: Date; readonly tenant: string; readonly id: string } | undefined;
}

/** The latest first. */
export async function selectElevations(
  executor: Executor,
  { tenant, status, now, limit, before }: ElevationFilter,
): Promise<readonly Elevation[]> {
  return await executor
    .select()
    .from(elevations)
    .where(
      and(
        tenant === undefined ? undefined : eq(elevations.tenant, tenant),
        status === undefined ? undefined : standsAs(status, now),
        before === undefined ? undefined : isBefore(before),
      ),
    )
    .orderBy(desc(elevations.createdAt), desc(elevations.tenant), desc(elevations.id))
    .limit(limit);
}

function standsAs(status: ElevationStatus, now: Date): SQL | undefined {
  const isOpen = inArray(elevations.status, ["pending", "active"]);
  if (status === "expired") return and(isOpen, lte(elevations.expiresAt, now));
  const isStored = eq(elevations.status, status);
  if (status === "rejected" || status === "ended") return isStored;
  return and(isStored, gt(elevations.expiresAt, now));
}

function isBefore({ at, tenant, id }: { at: Date; tenant: string; id: string }): SQL | undefined {
  const isSameTime = eq(elevations.createdAt, at);
  return or(
    lt(elevations.createdAt, at),
    and(isSameTime, lt(elevations.tenant, tenant)),
    and(isSameTime, eq(elevations.tenant, tenant), lt(elevations.id, id)),
  );
}
