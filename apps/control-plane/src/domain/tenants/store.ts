// Queries over tenants.
import { and, asc, eq, ne } from "drizzle-orm";
import type { Executor } from "../../database/connection.ts";
import { SYSTEM_TENANT, type Tenant } from "./model.ts";
import { tenantSettings, tenants } from "./table.ts";

/** Whether the tenant is new. */
export async function insertTenant(executor: Executor, tenant: Tenant): Promise<boolean> {
  const rows = await executor
    .insert(tenants)
    .values(tenant)
    .onConflictDoNothing()
    .returning({ tenant: tenants.tenant });
  return rows.length === 1;
}

export async function findTenant(executor: Executor, tenant: string): Promise<Tenant | undefined> {
  const [row] = await executor.select().from(tenants).where(eq(tenants.tenant, tenant));
  return row;
}

/** Tenants that are served, by name: one, or all of them. */
export async function selectTenants(
  executor: Executor,
  tenant: string | undefined,
): Promise<readonly Tenant[]> {
  return await executor
    .select()
    .from(tenants)
    .where(
      and(ne(tenants.tenant, SYSTEM_TENANT), tenant === undefined ? undefined : eq(tenants.tenant, tenant)),
    )
    .orderBy(asc(tenants.tenant));
}

/** As they were stored; undefined where nothing was ever set. */
export async function findSettings(executor: Executor, tenant: string): Promise<unknown> {
  const [row] = await executor.select().from(tenantSettings).where(eq(tenantSettings.tenant, tenant));
  return row?.settings;
}

/** As `findSettings`, {} where nothing was set, locked until the transaction ends. */
export async function lockSettings(executor: Executor, tenant: string): Promise<unknown> {
  await executor.insert(tenantSettings).values({ tenant, settings: {} }).onConflictDoNothing();
  const [row] = await executor
    .select()
    .from(tenantSettings)
    .where(eq(tenantSettings.tenant, tenant))
    .for("update");
  return row?.settings;
}

export async function updateSettings(executor: Executor, tenant: string, settings: unknown): Promise<void> {
  await executor.update(tenantSettings).set({ settings }).where(eq(tenantSettings.tenant, tenant));
}
