// Who may use the admin door, and how far that reaches. A tenant's admin is pinned: what a request says about tenants cannot move it, and
// what it must not see does not exist.
import { DEFAULT_TENANT } from "../../domain/tenants/model.ts";
import { requireServed, requireTenant, unknownTenant } from "../../domain/tenants/service.ts";
import type { Work } from "../../domain/unit.ts";

export type AdminPrincipal =
  | { readonly kind: "superadmin" }
  | { readonly kind: "tenant-admin"; readonly tenant: string };

/** Name under which an act is told in the chain. */
export function actorName(principal: AdminPrincipal): string {
  return principal.kind === "superadmin" ? "superadmin" : `tenant-admin:${principal.tenant}`;
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
  if (principal.kind === "tenant-admin") return pinnedTo(principal.tenant);

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
