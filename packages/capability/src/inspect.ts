// A token explained to a person: what it says, never whether it is genuine.
import type { Caveat } from "@postern/contracts";
import { explainCaveat } from "./explain-caveat.ts";
import { capabilityOf } from "./read-chain.ts";
import { readUnverifiedChain } from "./unverified.ts";

export interface TokenView {
  /** Nobody checked a signature: who made this up could say the same. */
  readonly verified: false;
  readonly kid: string;
  readonly tenant: string;
  readonly agent: string;
  readonly issuer: string;
  readonly jti: string;
  readonly rootJti: string;
  readonly parentJti: string | undefined;
  readonly issuedAt: string;
  readonly notBefore: string | undefined;
  /** Earliest of the lifetime's end and every expiry caveat. */
  readonly expiresAt: string | undefined;
  /** Whether the holder of its attenuation key may narrow it further. */
  readonly attenuable: boolean;
  readonly bytes: number;
  /** Root first. */
  readonly hops: readonly {
    readonly jti: string;
    readonly issuedAt: string;
    readonly caveats: readonly { readonly caveat: Caveat; readonly explanation: string }[];
  }[];
}

/** Faults: invalid `capability.malformed` or `capability.caveat_unknown`. */
export async function inspect(token: string): Promise<TokenView> {
  const chain = await readUnverifiedChain(token);
  const { tenant, agent, issuer, jti, rootJti, parentJti, expiresAtMs } = capabilityOf(chain);
  return {
    verified: false,
    kid: chain.kid,
    tenant,
    agent,
    issuer,
    jti,
    rootJti,
    parentJti,
    issuedAt: chain.root.iat,
    notBefore: chain.root.nbf,
    expiresAt: expiresAtMs === undefined ? undefined : new Date(expiresAtMs).toISOString(),
    attenuable: chain.next !== undefined,
    bytes: token.length,
    hops: chain.hops.map((hop) => ({
      jti: hop.jti,
      issuedAt: hop.issuedAt,
      caveats: hop.caveats.map((caveat) => ({ caveat, explanation: explainCaveat(caveat) })),
    })),
  };
}
