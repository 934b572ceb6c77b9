// Who may use the admin door, and how far that reaches. Whoever belongs to a tenant is pinned: what a request says about tenants cannot move it, and
// what it must not see does not exist.
import { Fault } from "@postern/fault";
import { DEFAULT_TENANT } from "../../domain/tenants/model.ts";
import { requireServed, requireTenant, unknownTenant } from "../../domain/tenants/service.ts";
import type { Work } from "../../domain/unit.ts";
import { grants, type Role } from "./roles.ts";

export type AdminPrincipal = (
  | { readonly kind: "superadmin" }
  | { readonly kind: "tenant-admin"; readonly tenant: string }
  | Operator
) & {
  /** What it acts under, for this call. */
  readonly elevation?: ActsUnder;
};

/** An elevation that a call is made under. */
export interface ActsUnder {
  readonly id: string;
  readonly tenant: string;
  /** What it adds, and what an operator had before. */
  readonly role: Role;
  readonly ownRoles: readonly Role[];
}

/** A person or program with a name and roles of its own, in one tenant. */
export interface Operator {
  readonly kind: "operator";
  readonly tenant: string;
  readonly id: string;
  /** Unique in the tenant, and never given to another one. */
  readonly name: string;
  readonly roles: readonly Role[];
  /** When what it signed in with ends; null = when it is revoked, undefined = with the identity provider's own token. */
  readonly endsAt?: Date | null;
}

/** What anybody is taken as; the superadmin is above all roles. */
export function rolesOf(principal: AdminPrincipal): readonly Role[] {
  if (principal.kind === "superadmin") return [];
  return principal.kind === "operator" ? principal.roles : ["admin"];
}

/** Name under which an act is told in the chain: one for each identity, so that two of them are never taken for one. */
export function actorName(principal: AdminPrincipal): string {
  switch (principal.kind) {
    case "superadmin":
      return "superadmin";
    case "tenant-admin":
      return `tenant-admin:${principal.tenant}`;
    case "operator":
      return `operator:${principal.name}`;
  }
}

/** Whether a row of this permission may be run: undefined, or why not. */
export function forbidden(principal: AdminPrincipal, permission: string): Fault | undefined {
  if (principal.kind === "superadmin") return undefined;
  if (grants(rolesOf(principal), permission)) return undefined;
  return permission === "superadmin"
    ? new Fault("forbidden", "admin.forbidden", "This needs the superadmin token.")
    : new Fault("forbidden", "admin.role", `This needs a role that may ${permission}.`);
}

/**
 * Which tenant a call is about, out of what it names and who asks. A superadmin must name one that there is: a slip of the pen is refused,
 * never answered for, and makes nothing; only minting and drafting begin a tenant. Faults: not_found "tenant.not_found".
 */
export interface Scope {
  /** The one tenant that a query is about: ?tenant= counts for a superadmin only. */
  one(asked: string | undefined): Promise<string>;
  /** The tenant that a list is narrowed to; undefined = all of them. */
  any(asked: string | undefined): Promise<string | undefined>;
  /** The tenant that a body names; not found when it is not the admin's own, whether or not there is such a tenant. */
  body(asked: string | undefined): Promise<string>;
  /** As `body`, for what gives a tenant its first thing: a superadmin may name a new one, since document 001 knows no other way to add it. */
  first(asked: string | undefined): Promise<string>;
  /** As `body`; undefined when a superadmin names none. */
  named(asked: string | undefined): Promise<string | undefined>;
}

export function createScope(principal: AdminPrincipal, read: Work["read"]): Scope {
  if (principal.kind !== "superadmin") return pinnedTo(principal.tenant);

  async function any(asked: string | undefined): Promise<string | undefined> {
    if (asked !== undefined) await read((executor) => requireTenant(executor, asked));
    return asked;
  }
  async function named(asked: string | undefined): Promise<string | undefined> {
    if (asked !== undefined) await read((executor) => requireServed(executor, asked));
    return asked;
  }
  return {
    any,
    named,
    one: async (asked) => (await any(asked)) ?? DEFAULT_TENANT,
    body: async (asked) => (await named(asked)) ?? DEFAULT_TENANT,
    first: async (asked) => asked ?? DEFAULT_TENANT,
  };
}

function pinnedTo(own: string): Scope {
  const always = async () => own;
  const onlyOwn = async (asked: string | undefined) => {
    if (asked !== undefined && asked !== own) throw unknownTenant(asked);
    return own;
  };
  return { one: always, any: always, body: onlyOwn, first: onlyOwn, named: onlyOwn };
}
