// Verifies an access token (RFC 9068, RFC 8725): signed by the issuer's own key with an algorithm that the tenant allows, meant for the
// very resource that asks, in time, and free for anybody who bears it. Nothing in its header says where to look for anything.
import { ACCESS_TOKEN_CHARS_MAX, AccessTokenAlgorithm, ISSUER_SKEW_MS } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { decodeJwt, errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { KeySets } from "./key-sets.ts";
import { type Claims, notExchanged, type TrustedIssuer } from "./model.ts";

export interface VerifiedAccessToken {
  readonly claims: Claims;
  readonly subject: string;
  /** When it ends, our clock's tolerance included. */
  readonly endsAtMs: number;
}

/** Media types of RFC 9068 §2.1 and RFC 7519 §5.1. A token without one is what many issuers send. */
const TYPES: readonly unknown[] = [undefined, "at+jwt", "application/at+jwt", "jwt", "application/jwt"];
const SUBJECT_CHARS_MAX = 255;

/** The issuer that a token claims to be of, believed by nobody yet. Faults: forbidden "capability.exchange". */
export function claimedIssuer(accessToken: string): string {
  if (accessToken.length <= ACCESS_TOKEN_CHARS_MAX && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(accessToken)) {
    try {
      const { iss } = decodeJwt(accessToken);
      if (typeof iss === "string") return iss;
    } catch {
      // It is no JWT, which is told below.
    }
  }
  throw notExchanged("The access token is not a signed JWT that names its issuer.");
}

/**
 * Faults: forbidden "capability.exchange" for whatever is wrong with the token; unavailable "issuers.*" when the issuer's keys cannot be
 * had, which says nothing about the token.
 */
export async function verifyAccessToken(
  accessToken: string,
  expected: {
    readonly issuer: Pick<TrustedIssuer, "issuer" | "trust">;
    readonly resource: string;
    readonly nowMs: number;
  },
  keySets: KeySets,
): Promise<VerifiedAccessToken> {
  const { issuer, resource, nowMs } = expected;
  const { audiences, algorithms } = issuer.trust;
  if (!audiences.includes(resource)) {
    throw notExchanged("The access token's issuer is not trusted for this resource.");
  }
  const verify = (keys: JWTVerifyGetKey) =>
    jwtVerify(accessToken, keys, {
      issuer: issuer.issuer,
      audience: resource,
      algorithms: algorithms.filter((name) => AccessTokenAlgorithm.options.includes(name)),
      clockTolerance: ISSUER_SKEW_MS / 1000,
      currentDate: new Date(nowMs),
      requiredClaims: ["sub", "exp"],
    });
  try {
    const { payload, protectedHeader } = await verify(await keySets.of(issuer)).catch(async (caught) => {
      // The issuer may have begun to sign with a new key.
      if (!(caught instanceof errors.JWKSNoMatchingKey)) throw caught;
      return verify(await keySets.of(issuer, { isStale: true }));
    });
    return accepted(payload, protectedHeader.typ, nowMs);
  } catch (caught) {
    throw caught instanceof Fault ? caught : refusalOf(caught);
  }
}

function accepted(claims: Claims, typ: string | undefined, nowMs: number): VerifiedAccessToken {
  const { sub, exp, iat, cnf } = claims;
  if (!TYPES.includes(typ?.toLowerCase())) throw notExchanged("The JWT is not an access token.");
  if (typeof sub !== "string" || sub === "" || sub.length > SUBJECT_CHARS_MAX) {
    throw notExchanged("The access token names no subject.");
  }
  if (cnf !== undefined) {
    throw notExchanged("The access token is bound to a key of its holder, so it is no bearer token.");
  }
  if (typeof iat === "number" && iat * 1000 > nowMs + ISSUER_SKEW_MS) {
    throw notExchanged("The access token is not valid yet.");
  }
  return { claims, subject: sub, endsAtMs: Number(exp) * 1000 + ISSUER_SKEW_MS };
}

/** What jose found, in a sentence that its holder may read. */
function refusalOf(caught: unknown): Fault {
  const detail = caught instanceof Error ? `${caught.name}: ${caught.message}` : String(caught);
  return notExchanged(sentenceFor(caught), detail);
}

function sentenceFor(caught: unknown): string {
  if (caught instanceof errors.JWTExpired) return "The access token has expired.";
  if (caught instanceof errors.JOSEAlgNotAllowed) {
    return "The access token is signed with an algorithm that is not allowed.";
  }
  if (caught instanceof errors.JWTClaimValidationFailed) {
    return CLAIM_SENTENCES[caught.claim] ?? "The access token's claims are not acceptable.";
  }
  return "The access token's signature cannot be verified.";
}

const CLAIM_SENTENCES: Readonly<Record<string, string>> = {
  aud: "The access token is meant for another resource.",
  iss: "The access token is of another issuer.",
  nbf: "The access token is not valid yet.",
  sub: "The access token names no subject.",
  exp: "The access token does not say when it ends.",
};
