// An operator: somebody with a name and roles of its own in one tenant, known by tokens of ours or by what the identity provider says of it.
// Every secret names its tenant, so that it is looked for among that tenant's own, and is kept as a digest only.
import { createHash } from "node:crypto";
import { OperatorRole, TenantId } from "@postern/contracts";
import type { Unit } from "../unit.ts";

export interface Operator {
  readonly tenant: string;
  readonly id: string;
  /** Unique in the tenant for ever: a removed operator's name is never given to another. */
  readonly name: string;
  readonly roles: readonly OperatorRole[];
  /** "provider" = each login brings the roles that the identity provider's claims give; `roles` are those of the latest. */
  readonly rolesFrom: "here" | "provider";
  readonly issuer: string | null;
  readonly subject: string | null;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly updatedAt: Date;
  readonly updatedBy: string;
  readonly removedAt: Date | null;
}

export type OperatorKey = Pick<Operator, "tenant" | "id">;

/** Who somebody is at the identity provider. */
export interface Identity {
  readonly issuer: string;
  readonly subject: string;
}

/** Whom the identity provider has vouched for, and what its claims give. */
export interface Person extends Identity {
  readonly tenant: string;
  /** What it would be called here, if nobody is yet; an `OperatorName`. */
  readonly name: string;
  /** By the rules that map claims to roles; none = the claims give nothing. */
  readonly roles: readonly OperatorRole[];
}

export interface OperatorToken {
  readonly tenant: string;
  readonly sha256: string;
  readonly id: string;
  readonly operatorId: string;
  /** "session" = begun by a login at the identity provider. */
  readonly kind: "token" | "session";
  readonly label: string;
  /** Of a session whose operator has its roles from the provider: those that this login brought. */
  readonly roles: readonly OperatorRole[];
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly expiresAt: Date | null;
}

/** Who signs in, with which roles, by which token; without one, by a token of the identity provider's own. */
export interface SignedIn {
  readonly operator: Operator;
  readonly roles: readonly OperatorRole[];
  readonly token: OperatorToken | undefined;
}

/** Each role once, in the order of the table. */
export function inOrder(roles: readonly OperatorRole[]): readonly OperatorRole[] {
  return OperatorRole.options.filter((role) => roles.includes(role));
}

export function recordOperator(unit: Unit, name: string, { tenant, ...operator }: Operator): void {
  const { issuer, subject } = operator;
  const identity = issuer === null ? {} : { issuer, subject };
  const details = {
    operator_id: operator.id,
    operator: operator.name,
    roles: [...operator.roles],
    ...identity,
  };
  unit.record({ tenant, name, details });
}

export const SECRET_BYTES = 32;

const TOKEN_PREFIX = "pst_";
const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** `pst_<tenant>.<secret>`: easy to tell from everything else, also for a scanner that looks for secrets in the wrong place. */
export function tokenText(tenant: string, secret: Uint8Array): string {
  return TOKEN_PREFIX + codeText(tenant, secret);
}

/** Whether it looks like an operator's token; whether it is one is for the database to say. */
export function isOperatorToken(text: string): boolean {
  return text.startsWith(TOKEN_PREFIX);
}

/** Tenant that a token names; undefined when it is none. */
export function tenantOfToken(text: string): string | undefined {
  return isOperatorToken(text) ? tenantOfCode(text.slice(TOKEN_PREFIX.length)) : undefined;
}

/** `<tenant>.<secret>`: what a browser that has come back from the identity provider fetches its session with, once. */
export function codeText(tenant: string, secret: Uint8Array): string {
  return `${tenant}.${Buffer.from(secret).toString("base64url")}`;
}

export function tenantOfCode(text: string): string | undefined {
  const [tenant = "", secret = "", ...rest] = text.length > 256 ? [] : text.split(".");
  const isOne = rest.length === 0 && SECRET.test(secret) && TenantId.safeParse(tenant).success;
  return isOne ? tenant : undefined;
}

export function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
