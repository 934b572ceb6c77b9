// Tenants come into being when a superadmin adds them or gives them their first token or draft, or at the start for the tokens that are
// configured; never by being asked about.
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
  refuseReserved(tenant);
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

/** @throws Fault not_found "tenant.not_found". */
export async function requireTenant(executor: Executor, tenant: string): Promise<void> {
  if ((await findTenant(executor, tenant)) === undefined) throw unknownTenant(tenant);
}

/**
 * As `requireTenant`, for what is made for a tenant.
 * @throws Fault invalid "tenants.reserved" too.
 */
export async function requireServed(executor: Executor, tenant: string): Promise<void> {
  refuseReserved(tenant);
  await requireTenant(executor, tenant);
}

/** Says the same of a tenant that is not there and of one that the caller must not see. */
export function unknownTenant(tenant: string): Fault {
  return new Fault(
    "not_found",
    "tenant.not_found",
    `There is no tenant "${tenant}". A superadmin adds one with POST /v1/admin/tenants {"name": "${tenant}"}.`,
  );
}

function refuseReserved(tenant: string): void {
  if (tenant !== SYSTEM_TENANT) return;
  throw new Fault("invalid", "tenants.reserved", `The tenant name ${SYSTEM_TENANT} is reserved.`);
}

/** By name: one, or all of them when none is named. */
export async function listTenants(
  executor: Executor,
  tenant: string | undefined,
): Promise<readonly Tenant[]> {
  return await selectTenants(executor, tenant);
}
