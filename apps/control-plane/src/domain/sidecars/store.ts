// Queries over sidecars and their boots.
import { and, asc, eq, gt, isNull, type SQL, sql } from "drizzle-orm";
import type { Executor } from "../../database/connection.ts";
import type { ListedSidecar, Sidecar, SidecarBoot } from "./model.ts";
import { sidecarEpochs, sidecars } from "./table.ts";

type SidecarKey = Pick<Sidecar, "tenant" | "id">;
const isSidecar = (key: SidecarKey) => and(eq(sidecars.tenant, key.tenant), eq(sidecars.id, key.id));

export async function insertSidecar(executor: Executor, sidecar: Sidecar): Promise<void> {
  await executor.insert(sidecars).values(sidecar);
}

export async function findSidecar(executor: Executor, key: SidecarKey): Promise<Sidecar | undefined> {
  const [row] = await executor.select().from(sidecars).where(isSidecar(key));
  return row;
}

/** The sidecar, locked until the transaction ends: what arrives from one sidecar is taken in one at a time. */
export async function lockSidecarRow(executor: Executor, key: SidecarKey): Promise<Sidecar | undefined> {
  const [row] = await executor.select().from(sidecars).where(isSidecar(key)).for("update");
  return row;
}

/** Whether the sidecar was there to be removed. */
export async function markRemoved(executor: Executor, key: SidecarKey, at: Date): Promise<boolean> {
  const rows = await executor
    .update(sidecars)
    .set({ removedAt: at })
    .where(and(isSidecar(key), isNull(sidecars.removedAt)))
    .returning({ id: sidecars.id });
  return rows.length === 1;
}

/** Grants the next epoch; undefined when there is no such sidecar (any more). */
export async function nextEpoch(executor: Executor, key: SidecarKey): Promise<number | undefined> {
  const [row] = await executor
    .update(sidecars)
    .set({ epoch: sql`${sidecars.epoch} + 1` })
    .where(and(isSidecar(key), isNull(sidecars.removedAt)))
    .returning({ epoch: sidecars.epoch });
  return row?.epoch;
}

export async function insertEpoch(
  executor: Executor,
  key: SidecarKey,
  boot: SidecarBoot & { epoch: number; registeredAt: Date },
): Promise<void> {
  await executor.insert(sidecarEpochs).values({ tenant: key.tenant, sidecarId: key.id, ...boot });
}

/** By tenant and id, removed ones left out. Without a tenant, those of all tenants. */
export async function selectSidecars(
  executor: Executor,
  options: { tenant: string | undefined; limit: number; after: SidecarKey | undefined },
): Promise<readonly ListedSidecar[]> {
  const { tenant, limit, after } = options;
  const conditions: SQL[] = [isNull(sidecars.removedAt)];
  if (tenant !== undefined) conditions.push(eq(sidecars.tenant, tenant));
  if (tenant !== undefined && after !== undefined) conditions.push(gt(sidecars.id, after.id));
  if (tenant === undefined && after !== undefined) {
    conditions.push(sql`(${sidecars.tenant}, ${sidecars.id}) > (${after.tenant}, ${after.id})`);
  }
  return await executor
    .select({
      tenant: sidecars.tenant,
      id: sidecars.id,
      name: sidecars.name,
      credentialSha256: sidecars.credentialSha256,
      createdAt: sidecars.createdAt,
      createdBy: sidecars.createdBy,
      epoch: sidecars.epoch,
      removedAt: sidecars.removedAt,
      version: sidecarEpochs.version,
      hostname: sidecarEpochs.hostname,
      registeredAt: sidecarEpochs.registeredAt,
    })
    .from(sidecars)
    .leftJoin(
      sidecarEpochs,
      and(
        eq(sidecarEpochs.tenant, sidecars.tenant),
        eq(sidecarEpochs.sidecarId, sidecars.id),
        eq(sidecarEpochs.epoch, sidecars.epoch),
      ),
    )
    .where(and(...conditions))
    .orderBy(asc(sidecars.tenant), asc(sidecars.id))
    .limit(limit);
}

/** Ids of those that were not removed. */
export async function selectPresent(executor: Executor, tenant: string): Promise<ReadonlySet<string>> {
  const rows = await executor
    .select({ id: sidecars.id })
    .from(sidecars)
    .where(and(eq(sidecars.tenant, tenant), isNull(sidecars.removedAt)));
  return new Set(rows.map(({ id }) => id));
}
