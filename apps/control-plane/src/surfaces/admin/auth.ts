// Bearer tokens of administrators. Only digests are kept, and every one of them is compared with every request in constant time. A right
// token always passes, whoever else fails from the same address; an address that keeps failing is told to wait.
import { createHash, timingSafeEqual } from "node:crypto";
import { Fault } from "@postern/fault";
import type { RequestInfo } from "@postern/surface";
import type { AdminPrincipal } from "./principal.ts";
import type { Throttle } from "./throttle.ts";

export interface AdminToken {
  readonly token: string;
  readonly principal: AdminPrincipal;
}

export interface AdminAuthPorts {
  readonly tokens: readonly AdminToken[];
  readonly throttle: Throttle;
  /** Hears of a token that is not one of ours, before the caller does, unless its address has failed too often. */
  readonly onFailure: (request: RequestInfo) => Promise<void>;
}

export type Authenticate = (request: RequestInfo) => Promise<AdminPrincipal | Fault>;

export function createAdminAuth({ tokens, throttle, onFailure }: AdminAuthPorts): Authenticate {
  const slots = tokens.map(({ token, principal }) => ({ digest: digestOf(token), principal }));
  return async (request) => {
    const token = bearerOf(request.headers);
    if (token === undefined)
      return unauthenticated("Send an admin token as 'Authorization: Bearer <token>'.");
    const given = digestOf(token);
    let found: AdminPrincipal | undefined;
    for (const { digest, principal } of slots) {
      if (timingSafeEqual(digest, given)) found ??= principal;
    }
    if (found !== undefined) return found;
    const waitMs = throttle.failed(request.remoteAddress);
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000);
      return new Fault("limited", "admin.throttled", `Too many failed logins: wait ${seconds} s.`);
    }
    await onFailure(request);
    return unauthenticated("The admin token is not valid.");
  };
}

/** The token of an Authorization header; undefined when there is none. */
export function bearerOf(headers: Headers): string | undefined {
  return /^Bearer +([\x21-\x7e]{1,4096})$/i.exec(headers.get("authorization") ?? "")?.[1];
}

function digestOf(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}

function unauthenticated(message: string): Fault {
  return new Fault("unauthenticated", "admin.unauthenticated", message);
}
