// Queries over keys.
import { and, asc, eq, inArray, sql } from "drizzle-orm";
import type { Executor } from "../../database/connection.ts";
import type { KeyState, KeyUse } from "./model.ts";
import { keys, keyVersions } from "./table.ts";

export type StoredKey = typeof keys.$inferSelect;

/** Whether the key was added: not when the tenant has an active key of that use and this one would be active too. */
export async function insertKey(executor: Executor, key: StoredKey): Promise<boolean> {
  const rows = await executor.insert(keys).values(key).onConflictDoNothing().returning({ kid: keys.kid });
  return rows.length === 1;
}

export async function findActiveKey(
  executor: Executor,
  tenant: string,
  use: KeyUse,
): Promise<StoredKey | undefined> {
  const [row] = await executor
    .select()
    .from(keys)
    .where(and(eq(keys.tenant, tenant), eq(keys.use, use), eq(keys.status, "active")));
  return row;
}

/** The key, locked until the transaction ends. */
export async function lockKey(
  executor: Executor,
  tenant: string,
  kid: string,
): Promise<KeyState | undefined> {
  const [row] = await executor
    .select()
    .from(keys)
    .where(and(eq(keys.tenant, tenant), eq(keys.kid, kid)))
    .for("update");
  return row;
}

export async function updateKey(
  executor: Executor,
  key: { tenant: string; kid: string },
  change: Partial<StoredKey>,
): Promise<void> {
  await executor
    .update(keys)
    .set(change)
    .where(and(eq(keys.tenant, key.tenant), eq(keys.kid, key.kid)));
}

/** The tenant's keys in the order in which they were made. */
export async function selectKeys(executor: Executor, tenant: string): Promise<readonly KeyState[]> {
  return await executor
    .select({
      tenant: keys.tenant,
      kid: keys.kid,
      use: keys.use,
      status: keys.status,
      publicKey: keys.publicKey,
      createdAt: keys.createdAt,
      publishedAt: keys.publishedAt,
      activatedAt: keys.activatedAt,
      notAfter: keys.notAfter,
    })
    .from(keys)
    .where(eq(keys.tenant, tenant))
    .orderBy(asc(keys.createdAt), asc(keys.kid));
}

/** Raises the version by one, and locks it until the transaction ends. */
export async function raiseKeyVersion(executor: Executor, tenant: string): Promise<void> {
  await executor
    .insert(keyVersions)
    .values({ tenant, version: 1 })
    .onConflictDoUpdate({ target: keyVersions.tenant, set: { version: sql`${keyVersions.version} + 1` } });
}

/** Version by tenant; a tenant without keys is absent. */
export async function selectKeyVersions(
  executor: Executor,
  tenants: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await executor
    .select()
    .from(keyVersions)
    .where(inArray(keyVersions.tenant, [...tenants]));
  return new Map(rows.map((row) => [row.tenant, row.version]));
}
