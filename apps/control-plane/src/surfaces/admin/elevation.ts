// Acting under an elevation: a call names it in a header, and then has its role besides its own and is told under its id; or the call is refused.
// An id that does not do is never passed over: who means to act under an elevation must not act without it.
import { Identifier } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { OperationInfo, RequestInfo } from "@postern/surface";
import type { Elevations } from "../../domain/elevations/service.ts";
import type { Unit, Work } from "../../domain/unit.ts";
import {
  type ActsUnder,
  type AdminPrincipal,
  actorName,
  createScope,
  rolesOf,
  type Scope,
} from "./principal.ts";
import { grants } from "./roles.ts";

const HEADERS = ["x-postern-elevation-id", "x-intentgate-elevation-id"] as const;
const ID_CHARS_MAX = 128;

export interface ElevationPorts {
  readonly elevations: Elevations;
  readonly read: Work["read"];
  readonly nowMs: () => number;
}

/**
 * The principal as the call makes it: under the elevation that it names, if it names one. Who has every role in the tenant already only gets the
 * id. Gives Fault forbidden "elevations.unusable".
 */
export async function resolveElevation(
  principal: AdminPrincipal,
  { headers }: Pick<RequestInfo, "headers">,
  { elevations, read, nowMs }: ElevationPorts,
): Promise<AdminPrincipal | Fault> {
  const given = HEADERS.flatMap((name) => headers.get(name) ?? []);
  const [id] = given;
  if (id === undefined) return principal;
  if (id.length > ID_CHARS_MAX || !Identifier.safeParse(id).success || new Set(given).size > 1) {
    return new Fault("forbidden", "elevations.unusable", "The elevation cannot be used: its id is no id.");
  }
  const tenant = principal.kind === "superadmin" ? undefined : principal.tenant;
  const by = { requester: actorName(principal), nowMs: nowMs() };
  const found = await read((executor) => elevations.resolve(executor, { id, tenant }, by));
  if (found instanceof Fault) return found;
  const elevation: ActsUnder = { id, tenant: found.tenant, role: found.role, ownRoles: rolesOf(principal) };
  if (principal.kind !== "operator") return { ...principal, elevation };
  return { ...principal, roles: [...new Set([...principal.roles, found.role])], elevation };
}

/** What a call can be about: under an elevation only its tenant, for the superadmin too. */
export function scopeOf(principal: AdminPrincipal, read: Work["read"]): Scope {
  const { kind, elevation } = principal;
  if (kind !== "superadmin" || elevation === undefined) return createScope(principal, read);
  const { tenant } = elevation;
  const only = async (asked: string | undefined) => {
    if (asked !== undefined && asked !== tenant) throw otherTenant(tenant);
    return tenant;
  };
  return { one: only, any: only, body: only, first: only, named: only };
}

/**
 * Why an operator may not do this under an elevation; undefined when it may. Rights that are given to operators outlast the elevation, so giving
 * them needs rights of one's own.
 */
export function outlasting(
  { kind, elevation }: AdminPrincipal,
  { tag, method }: Pick<OperationInfo, "tag" | "method">,
): Fault | undefined {
  if (kind !== "operator" || elevation === undefined || tag !== "Operators" || method === "GET")
    return undefined;
  if (grants(elevation.ownRoles, "administer")) return undefined;
  return new Fault(
    "forbidden",
    "elevations.outlasts",
    "The elevation cannot be used: operators are changed with one's own rights only.",
  );
}

/** The unit under an elevation: an act of another tenant is refused, since it would be told there under an id that is not there. */
export function unitUnder({ tenant }: ActsUnder, unit: Unit): Unit {
  return {
    ...unit,
    record(act) {
      if (act.tenant !== tenant) throw otherTenant(tenant);
      unit.record(act);
    },
  };
}

const otherTenant = (tenant: string) =>
  new Fault("forbidden", "elevations.unusable", `The elevation cannot be used: it is one of ${tenant}.`);
