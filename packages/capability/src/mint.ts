// Mints root tokens. Only the control plane holds a key that a verifier accepts for this.
import type { Caveat } from "@postern/contracts";
import type { Clock, NewId } from "@postern/fault";
import type { SigningKey } from "@postern/signing";
import { nextKey, ROOT_ASSERTION } from "./chain.ts";
import { readRootClaims } from "./claims.ts";
import { badClaims, draftClaims, finishToken, instant, requirePointers } from "./issue.ts";

export interface MintRequest {
  readonly tenant: string;
  /** The agent that the token speaks for. */
  readonly subject: string;
  /** "postern" when absent. */
  readonly issuer?: string | undefined;
  /** Lifetime from now; absent = the token does not expire by itself. */
  readonly ttlSeconds?: number | undefined;
  /** RFC 3339 instant before which the token is refused. */
  readonly notBefore?: string | undefined;
  readonly caveats: readonly Caveat[];
  /** Whether the holder may append narrower blocks offline. */
  readonly attenuable?: boolean | undefined;
  /** The token that this one is derived from: revoking that one revokes this one. */
  readonly parent?: { readonly jti: string; readonly rootJti: string } | undefined;
}

export interface MintedToken {
  readonly token: string;
  readonly jti: string;
  /** When the lifetime ends; absent = never, unless an expiry caveat says so. */
  readonly expiresAt?: string;
  /** `k4.secret.…`: whoever has it and the token may attenuate. Present only when asked for. */
  readonly attenuationKey?: string;
}

/** Faults: invalid `capability.claims`, which covers every limit of the format. */
export async function mint(
  request: MintRequest,
  { key, clock, newId }: { readonly key: SigningKey; readonly clock: Clock; readonly newId: NewId },
): Promise<MintedToken> {
  const nowMs = clock.nowMs();
  const jti = newId();
  const exp = request.ttlSeconds === undefined ? undefined : endOf(nowMs, request.ttlSeconds);
  const { next, attenuationKey } = await nextKey(request.attenuable);
  const claims = draftClaims(
    {
      jti,
      root_jti: request.parent?.rootJti ?? jti,
      parent_jti: request.parent?.jti,
      sub: request.subject,
      iss: request.issuer ?? "postern",
      tenant: request.tenant,
      iat: instant(nowMs),
      nbf: request.notBefore,
      exp,
      caveats: request.caveats,
      next,
    },
    readRootClaims,
  );
  requirePointers(request.caveats);
  const root = await key.sign(claims, { footer: { kid: key.kid }, implicitAssertion: ROOT_ASSERTION });
  const token = await finishToken(root, attenuationKey);
  return { token, jti, ...(exp && { expiresAt: exp }), ...(attenuationKey && { attenuationKey }) };
}

function endOf(nowMs: number, ttlSeconds: number): string {
  if (!(ttlSeconds > 0)) throw badClaims("The lifetime must be longer than zero seconds.");
  return instant(nowMs + ttlSeconds * 1000);
}
