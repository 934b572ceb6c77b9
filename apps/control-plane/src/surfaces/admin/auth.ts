// Bearer tokens of administrators. Of the environment's only digests are kept, and every one of them is compared with every request in
// constant time; what is none of them may be an operator's. A right token always passes, whoever else fails from the same address; an
// address that keeps failing is told to wait.
import { createHash, timingSafeEqual } from "node:crypto";
import { ACCESS_TOKEN_CHARS_MAX } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { RequestInfo } from "@postern/surface";
import type { FailedLogins } from "./failed-logins.ts";
import type { AdminPrincipal } from "./principal.ts";
import { principalOf, type Recognise } from "./recognition.ts";

export interface AdminToken {
  readonly token: string;
  readonly principal: AdminPrincipal;
}

export interface AdminAuthPorts {
  readonly tokens: readonly AdminToken[];
  readonly recognise: Recognise;
  readonly failures: FailedLogins;
}

export type Authenticate = (request: RequestInfo) => Promise<AdminPrincipal | Fault>;

export function createAdminAuth({ tokens, recognise, failures }: AdminAuthPorts): Authenticate {
  const slots = tokens.map(({ token, principal }) => ({ digest: digestOf(token), principal }));
  return async (request) => {
    const token = bearerOf(request.headers);
    if (token === undefined) return missingToken();
    const given = digestOf(token);
    let found: AdminPrincipal | undefined;
    for (const { digest, principal } of slots) {
      if (timingSafeEqual(digest, given)) found ??= principal;
    }
    if (found !== undefined) return found;
    const recognised = await recognise(token, request);
    if (recognised instanceof Fault) return await failures.answer(request, recognised);
    return principalOf(recognised);
  };
}

/** The token of an Authorization header; undefined when there is none. */
export function bearerOf(headers: Headers): string | undefined {
  const token = /^Bearer +([\x21-\x7e]+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  return token !== undefined && token.length <= ACCESS_TOKEN_CHARS_MAX ? token : undefined;
}

export function missingToken(): Fault {
  return new Fault(
    "unauthenticated",
    "admin.unauthenticated",
    "Send an admin token as 'Authorization: Bearer <token>'.",
  );
}

function digestOf(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}
