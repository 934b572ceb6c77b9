// Tenants come into being when an administrator first writes something for them, or by name.
import { Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import type { Unit } from "../unit.ts";
import { SYSTEM_TENANT, type Tenant } from "./model.ts";
import { findTenant, insertTenant, selectTenants } from "./store.ts";

/**
 * Makes sure that the tenant exists. Whether it is new.
 * @throws Fault invalid "tenants.reserved" for the name that the control plane keeps for itself.
 */
export async function ensureTenant(unit: Unit, tenant: string): Promise<boolean> {
  if (tenant === SYSTEM_TENANT) {
    throw new Fault("invalid", "tenants.reserved", `The tenant name ${SYSTEM_TENANT} is reserved.`);
  }
  if ((await findTenant(unit.executor, tenant)) !== undefined) return false;
  const isNew = await insertTenant(unit.executor, {
    tenant,
    createdAt: new Date(unit.nowMs),
    createdBy: unit.actor.name,
  });
  if (isNew) unit.record({ tenant, name: "create_tenant" });
  return isNew;
}

/**
 * Adds a tenant.
 * @throws Fault conflict "tenants.exists".
 */
export async function createTenant(unit: Unit, tenant: string): Promise<Tenant> {
  if (!(await ensureTenant(unit, tenant))) {
    throw new Fault("conflict", "tenants.exists", `The tenant ${tenant} exists already.`);
  }
  return { tenant, createdAt: new Date(unit.nowMs), createdBy: unit.actor.name };
}

/** Makes the chain in which acts without a tenant are written down. */
export async function ensureSystemTenant(unit: Unit): Promise<void> {
  const row = { tenant: SYSTEM_TENANT, createdAt: new Date(unit.nowMs), createdBy: unit.actor.name };
  await insertTenant(unit.executor, row);
}

/** @throws Fault not_found "tenants.unknown". */
export async function requireTenant(executor: Executor, tenant: string): Promise<void> {
  if (await tenantExists(executor, tenant)) return;
  throw new Fault("not_found", "tenants.unknown", "There is no such tenant.");
}

export async function tenantExists(executor: Executor, tenant: string): Promise<boolean> {
  return (await findTenant(executor, tenant)) !== undefined;
}

export async function listTenants(executor: Executor): Promise<readonly Tenant[]> {
  return await selectTenants(executor);
}
