// From claims that the identity provider has vouched for to a person: tenant, name, roles. Pure. What a claim does not clearly say gives
// nothing; only the subject, which no user chooses, says who somebody is.
import { createHash } from "node:crypto";
import { OperatorName, type OperatorRole, TenantId } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { claimAt } from "../../domain/issuers/claim-path.ts";
import type { Claims } from "../../domain/issuers/model.ts";
import type { Person } from "../../domain/operators/model.ts";
import type { OidcSettings } from "../../oidc-settings.ts";

export type PersonRules = Pick<OidcSettings, "issuer" | "tenant" | "nameClaim" | "rolesClaim" | "roleRules">;

/** Faults: forbidden "operators.no_tenant". */
export function personOf(claims: Claims, subject: string, rules: PersonRules): Person {
  const { issuer } = rules;
  return {
    ...{ issuer, subject, tenant: tenantIn(claims, rules) },
    name: nameIn(claims, rules) ?? nameless(issuer, subject),
    roles: rolesIn(claims, rules),
  };
}

/** What a claim's name or JSON Pointer leads to, among the claims' own fields. */
function claimNamed(claims: Claims, name: string): unknown {
  if (name.startsWith("/")) return claimAt(claims, name);
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

function tenantIn(claims: Claims, { tenant }: PersonRules): string {
  if ("fixed" in tenant) return tenant.fixed;
  const named = TenantId.safeParse(claimNamed(claims, tenant.claim));
  if (named.success) return named.data;
  throw new Fault("forbidden", "operators.no_tenant", "This login belongs to no tenant here.");
}

function nameIn(claims: Claims, { nameClaim }: PersonRules): string | undefined {
  const claim = claimNamed(claims, nameClaim);
  // OpenID Connect Core §5.1: an address that nobody verified may be anybody's.
  if (nameClaim === "email" && claims.email_verified === false) return undefined;
  const name = OperatorName.safeParse(typeof claim === "string" ? claim.toLowerCase() : undefined);
  return name.success ? name.data : undefined;
}

function nameless(issuer: string, subject: string): string {
  const plain = OperatorName.safeParse(subject.toLowerCase());
  if (plain.success && plain.data === subject) return subject;
  return `person-${createHash("sha256")
    .update(JSON.stringify([issuer, subject]))
    .digest("hex")
    .slice(0, 16)}`;
}

function rolesIn(claims: Claims, { rolesClaim, roleRules }: PersonRules): readonly OperatorRole[] {
  const values = [claimNamed(claims, rolesClaim)].flat();
  return roleRules.filter(([value]) => values.includes(value)).map(([, role]) => role);
}
