// Who may use the admin door, and how far that reaches. A tenant's admin is pinned: what a request says about tenants cannot move it, and
// what it must not see does not exist.
import { Fault } from "@postern/fault";
import { DEFAULT_TENANT } from "../../domain/tenants/model.ts";

export type AdminPrincipal =
  | { readonly kind: "superadmin" }
  | { readonly kind: "tenant-admin"; readonly tenant: string };

/** Name under which an act is told in the chain. */
export function actorName(principal: AdminPrincipal): string {
  return principal.kind === "superadmin" ? "superadmin" : `tenant-admin:${principal.tenant}`;
}

/** The one tenant that a query is about: ?tenant= counts for a superadmin only. */
export function oneTenant(principal: AdminPrincipal, asked: string | undefined): string {
  return principal.kind === "tenant-admin" ? principal.tenant : (asked ?? DEFAULT_TENANT);
}

/** The tenant that a list is narrowed to; undefined = all of them. */
export function anyTenant(principal: AdminPrincipal, asked: string | undefined): string | undefined {
  return principal.kind === "tenant-admin" ? principal.tenant : asked;
}

/**
 * The tenant that a body names.
 * @throws Fault not_found "tenants.unknown" when it is not the admin's own, whether or not there is such a tenant.
 */
export function bodyTenant(principal: AdminPrincipal, asked: string | undefined): string {
  return namedTenant(principal, asked) ?? DEFAULT_TENANT;
}

/** As `bodyTenant`; undefined when a superadmin names none. */
export function namedTenant(principal: AdminPrincipal, asked: string | undefined): string | undefined {
  if (principal.kind === "superadmin") return asked;
  if (asked !== undefined && asked !== principal.tenant) {
    throw new Fault("not_found", "tenants.unknown", "There is no such tenant.");
  }
  return principal.tenant;
}
