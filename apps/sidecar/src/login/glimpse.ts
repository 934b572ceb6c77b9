// What an access token says about itself, read without believing any of it: enough to see that nobody could exchange it. What passes here
// is verified by the control plane; what does not costs the control plane nothing.
import { ACCESS_TOKEN_CHARS_MAX, ISSUER_SKEW_MS, type Reason, reason } from "@postern/contracts";
import type { LoginIssuer } from "./metadata.ts";

/** Three parts of base64url; a Postern token has four, or begins with "v4.". */
export function looksLikeJwt(bearer: string): boolean {
  return bearer.length <= ACCESS_TOKEN_CHARS_MAX && JWT.test(bearer);
}
const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

export type Glimpse =
  | { readonly ok: true; readonly resource: string }
  | { readonly ok: false; readonly reason: Reason };

/** The one of `resources` that the token says to be meant for, or why it cannot be exchanged. */
export function glimpse(
  jwt: string,
  asked: {
    readonly resources: readonly string[];
    readonly issuers: readonly LoginIssuer[];
    readonly nowMs: number;
  },
): Glimpse {
  const [head = "", body = ""] = jwt.split(".");
  const header = objectIn(head);
  const claims = objectIn(body);
  const issuer = asked.issuers.find((known) => known.issuer === claims?.iss);
  if (header === undefined || claims === undefined || issuer === undefined) {
    return refused("The access token's issuer is not trusted here.");
  }
  if (!issuer.algorithms.some((name) => name === header.alg)) {
    return refused("The access token is signed with an algorithm that is not allowed.");
  }
  const { exp, aud } = claims;
  if (typeof exp !== "number" || exp * 1000 + ISSUER_SKEW_MS <= asked.nowMs) {
    return refused("The access token has expired.");
  }
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  const resource = asked.resources.find((one) => audiences.includes(one) && issuer.audiences.includes(one));
  return resource === undefined
    ? refused("The access token is meant for another resource.")
    : { ok: true, resource };
}

function refused(detail: string): Glimpse {
  return { ok: false, reason: reason("capability.exchange", detail) };
}

function objectIn(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString());
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
