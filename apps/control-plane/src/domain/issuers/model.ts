// A trusted issuer: whose access tokens a tenant's sidecars take, and what each is worth. What is worth nothing is refused in words that say
// no more than the holder of the token knows already.
import { createHash } from "node:crypto";
import type { Caveat, IssuerTrust } from "@postern/contracts";
import { Fault } from "@postern/fault";

export interface TrustedIssuer {
  readonly tenant: string;
  readonly id: string;
  /** The `iss` of its tokens; never changes. */
  readonly issuer: string;
  readonly trust: IssuerTrust;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly updatedAt: Date;
  readonly updatedBy: string;
}

export interface IssuerKey {
  readonly id: string;
  /** undefined = whichever tenant's it is. */
  readonly tenant: string | undefined;
}

/** The payload of an access token whose signature, issuer, audience and time are right. */
export type Claims = Readonly<Record<string, unknown>>;

/** What a rule gives for an access token. */
export interface Grant {
  readonly rule: string;
  readonly agent: string;
  readonly caveats: readonly Caveat[];
  readonly ttlSeconds: number;
}

/**
 * The id of the capability of one login: the same for the same issuer, subject and agent, so that a renewed token goes on with the
 * budgets and sessions of the one before, and revoking it lasts. A UUID (RFC 9562 §5.8), as all ids of tokens are.
 */
export function loginId(issuer: TrustedIssuer, subject: string, agent: string): string {
  const name = JSON.stringify(["postern/login/v1", issuer.tenant, issuer.id, subject, agent]);
  const hash = createHash("sha256").update(name).digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x80, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = hash.toString("hex", 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** An access token that is exchanged for nothing: forbidden "capability.exchange". `detail` goes to the log only. */
export function notExchanged(message: string, detail?: string): Fault {
  return new Fault("forbidden", "capability.exchange", message, detail === undefined ? {} : { detail });
}
