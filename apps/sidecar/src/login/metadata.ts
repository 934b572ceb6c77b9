// What the sidecar says about itself to a client that has no token yet: its protected-resource metadata (RFC 9728) and the challenge that
// points there. Both are pure functions of what the tenant's administrators trust.
import type { LoginState, Reason } from "@postern/contracts";
import { metadataUrl } from "./resources.ts";

export type LoginIssuer = LoginState["issuers"][number];

export interface ProtectedResourceMetadata {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly bearer_methods_supported: readonly ["header"];
  readonly resource_name: string;
  readonly scopes_supported?: readonly string[];
}

/** A place where clients may log in: at least one issuer's tokens may be meant for it. */
export interface Offer {
  readonly resource: string;
  readonly issuers: readonly [LoginIssuer, ...LoginIssuer[]];
}

/** The first of these resources that some issuer's tokens may be meant for. */
export function offerOf(resources: readonly string[], issuers: readonly LoginIssuer[]): Offer | undefined {
  for (const resource of resources) {
    const [first, ...others] = issuers.filter(({ audiences }) => audiences.includes(resource));
    if (first !== undefined) return { resource, issuers: [first, ...others] };
  }
  return undefined;
}

export function protectedResourceMetadata({ resource, issuers }: Offer): ProtectedResourceMetadata {
  const scopes = scopesOf(issuers);
  return {
    resource,
    authorization_servers: issuers.map(({ issuer }) => issuer),
    bearer_methods_supported: ["header"],
    resource_name: "Postern",
    ...(scopes.length > 0 && { scopes_supported: scopes }),
  };
}

/** Value of `WWW-Authenticate` (RFC 9728 §5.1, RFC 6750 §3). Without a token that was refused there is no error to name. */
export function challenge(offer: Offer, { hadToken }: { hadToken: boolean }): string {
  const scopes = scopesOf(offer.issuers);
  const parameters = [
    `resource_metadata="${metadataUrl(offer.resource)}"`,
    ...(hadToken ? ['error="invalid_token"'] : []),
    ...(scopes.length > 0 ? [`scope="${scopes.join(" ")}"`] : []),
  ];
  return `Bearer ${parameters.join(", ")}`;
}

/** Whether a refusal says that another token would do, so that a client should log in. */
export function asksForToken(code: Reason["code"] | string): boolean {
  return TOKEN_REASONS.has(code);
}

const TOKEN_REASONS: ReadonlySet<string> = new Set<Reason["code"]>([
  "capability.missing",
  "capability.malformed",
  "capability.unknown_key",
  "capability.signature",
  "capability.caveat_unknown",
  "capability.tenant",
  "capability.expired",
  "capability.not_yet_valid",
  "capability.revoked",
  "capability.exchange",
]);

function scopesOf(issuers: readonly LoginIssuer[]): readonly string[] {
  return [...new Set(issuers.flatMap(({ scopes }) => scopes))];
}
