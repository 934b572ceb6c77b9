// Narrows a token offline: its holder appends a block with more caveats, signed with the key that came with the token.
// Nobody is asked; the result can do at most what the token could, because every caveat of every block must hold.
import type { Caveat } from "@postern/contracts";
import { type Clock, Fault, type NewId } from "@postern/fault";
import { importSigningKey } from "@postern/signing";
import { append, nextKey, withoutSeal } from "./chain.ts";
import { readHopClaims } from "./claims.ts";
import { draftClaims, finishToken, instant, requirePointers } from "./issue.ts";
import { readUnverifiedChain } from "./unverified.ts";

export interface AttenuateRequest {
  readonly token: string;
  /** `k4.secret.…`, handed out with the token. */
  readonly attenuationKey: string;
  readonly caveats: readonly Caveat[];
  /** Whether the new token's holder may narrow it further. */
  readonly attenuable?: boolean | undefined;
}

export interface AttenuatedToken {
  readonly token: string;
  /** Id of the new block; budgets, revocation and audit name it. */
  readonly jti: string;
  readonly attenuationKey?: string;
}

/**
 * Faults: invalid `capability.claims`, `capability.malformed` (the token), `capability.attenuation_key` or `signing.key`;
 * precondition `capability.not_attenuable`.
 */
export async function attenuate(
  request: AttenuateRequest,
  { clock, newId }: { readonly clock: Clock; readonly newId: NewId },
): Promise<AttenuatedToken> {
  const { root, hops, next: expected } = await readUnverifiedChain(request.token);
  if (expected === undefined) {
    throw new Fault("precondition", "capability.not_attenuable", "The token was not made to be attenuated.");
  }
  const key = await importSigningKey(request.attenuationKey);
  if (key.publicKey !== expected) {
    throw new Fault("invalid", "capability.attenuation_key", "The attenuation key belongs to another token.");
  }
  const parentJti = hops.at(-1)?.jti ?? root.jti;
  const jti = `${root.jti}.${newId()}`;
  const { next, attenuationKey } = await nextKey(request.attenuable);
  const claims = draftClaims(
    { jti, parent_jti: parentJti, iat: instant(clock.nowMs()), caveats: request.caveats, next },
    (payload) => readHopClaims(payload, root.jti, parentJti),
  );
  requirePointers(request.caveats);
  const chain = withoutSeal(request.token);
  const hop = await key.sign(claims, { implicitAssertion: chain });
  const token = await finishToken(append(chain, hop), attenuationKey);
  return { token, jti, ...(attenuationKey && { attenuationKey }) };
}
