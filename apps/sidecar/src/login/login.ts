// Lets an access token of the company's identity provider stand where a capability token stands: it is exchanged for one at the control
// plane, once for many requests. A Postern token passes untouched and at no cost. When the control plane is away nobody new gets in, and who
// is in stays until the capability ends.
import { hash } from "node:crypto";
import { type Reason, reason } from "@postern/contracts";
import { toFault } from "@postern/fault";
import type { Surroundings } from "../surroundings.ts";
import { createExchangedTokens, type ExchangedToken } from "./exchanged-tokens.ts";
import { glimpse, looksLikeJwt } from "./glimpse.ts";
import {
  asksForToken,
  challenge,
  type Offer,
  offerOf,
  type ProtectedResourceMetadata,
  protectedResourceMetadata,
} from "./metadata.ts";
import { describedPath, loopbackOrigin, MCP_PATH, resourcesOf } from "./resources.ts";
import type { TrustedIssuers } from "./trusted-issuers.ts";

/** Where a request came in, as far as it matters for logging in. */
export interface Entrance {
  readonly upstream: string;
  /** The Host that the caller named, which was checked before. */
  readonly host: string | undefined;
}

export interface Login {
  /** The token to judge: the bearer itself unless it is an access token. At once, for whatever needs no exchange. */
  resolve(bearer: string, entrance: Entrance): string | Reason | Promise<string | Reason>;
  /**
   * Value of `WWW-Authenticate` for a refusal at `path`, with which the answer is HTTP 401; undefined when logging in would not help or is
   * not offered here.
   */
  challenge(
    code: string,
    at: { readonly path: string; readonly host: string | undefined; readonly hadToken: boolean },
  ): string | undefined;
  /** What to answer to GET `path`; undefined when there is nothing. */
  metadata(path: string, host: string | undefined): ProtectedResourceMetadata | undefined;
  /** Forgets what was exchanged. */
  forget(): void;
}

export interface LoginPorts extends Pick<Surroundings, "clock" | "log" | "metrics"> {
  readonly controlPlane: {
    exchangeToken(request: {
      readonly access_token: string;
      readonly resource: string;
    }): Promise<{ readonly token: string; readonly expires_at: string }>;
  };
  readonly issuers: Pick<TrustedIssuers, "current">;
  /** Own address, when it is configured. */
  readonly publicUrl: string | undefined;
  readonly upstreams: Pick<ReadonlyMap<string, unknown>, "has">;
}

export interface LoginLimits {
  /** Access tokens that are remembered, and as many refused ones. */
  readonly entriesMax: number;
  /** Exchanges at once. */
  readonly underwayMax: number;
}

const LIMITS: LoginLimits = { entriesMax: 10_000, underwayMax: 32 };
/** A capability is renewed so long before its end, or after half of its life. */
const RENEW_BEFORE_MS = 10_000;
const REFUSED_MS = 5_000;
/** What the control plane says of an access token that is exchanged for nothing. */
const REFUSALS = ["capability.exchange", "capability.halted"] as const;
const TROUBLE_MS = 1_000;

export function createLogin(ports: LoginPorts, limits: LoginLimits = LIMITS): Login {
  const { controlPlane, issuers, publicUrl, upstreams, clock, log, metrics } = ports;
  const exchanged = createExchangedTokens(limits);
  const underway = new Map<string, Promise<string | Reason>>();
  const ownOrigin = publicUrl === undefined ? undefined : new URL(publicUrl).origin;
  const originFor = (host: string | undefined) => ownOrigin ?? loopbackOrigin(host);
  const isDoor = (path: string) =>
    path === MCP_PATH || (path.startsWith(`${MCP_PATH}/`) && upstreams.has(path.slice(MCP_PATH.length + 1)));

  function offerAt(path: string, host: string | undefined): Offer | undefined {
    const origin = originFor(host);
    if (origin === undefined || !isDoor(path)) return undefined;
    return offerOf([`${origin}${path}`, `${origin}${MCP_PATH}`], issuers.current());
  }

  async function exchange(jwt: string, resource: string, digest: string, old: ExchangedToken | undefined) {
    try {
      const { token, expires_at } = await controlPlane.exchangeToken({ access_token: jwt, resource });
      metrics.increment("tokenExchanges", { outcome: "exchanged" });
      const nowMs = clock.nowMs();
      const expiresAtMs = Date.parse(expires_at);
      const renewAtMs = Math.max(expiresAtMs - RENEW_BEFORE_MS, (nowMs + expiresAtMs) / 2);
      exchanged.keep(digest, { token, renewAtMs, expiresAtMs });
      return token;
    } catch (caught) {
      const { code, message } = toFault(caught);
      const refused = REFUSALS.find((each) => each === code);
      const outcome = refused === undefined ? "failed" : "refused";
      metrics.increment("tokenExchanges", { outcome });
      const nowMs = clock.nowMs();
      if (refused !== undefined) {
        const refusal = reason(refused, message);
        exchanged.refuse(digest, refusal, nowMs + REFUSED_MS);
        return refusal;
      }
      log.warn("access token not exchanged", { code });
      if (old !== undefined && nowMs < old.expiresAtMs) {
        old.renewAtMs = nowMs + TROUBLE_MS;
        return old.token;
      }
      exchanged.refuse(digest, UNAVAILABLE, nowMs + TROUBLE_MS);
      return UNAVAILABLE;
    }
  }

  function resolveJwt(jwt: string, origin: string, upstream: string) {
    const nowMs = clock.nowMs();
    // The same token may be good for one upstream and not for another.
    const digest = hash("sha256", `${origin}\n${upstream}\n${jwt}`, "base64url");
    const known = exchanged.capability(digest, nowMs);
    if (known !== undefined && nowMs < known.renewAtMs) return known.token;
    const refusal = exchanged.refusal(digest, nowMs);
    if (refusal !== undefined) return refusal;
    const waiting = underway.get(digest);
    if (waiting !== undefined) return waiting;
    const resources = resourcesOf(origin, upstream);
    // Where logging in is not offered an access token is what it always was: no token of ours.
    if (offerOf(resources, issuers.current()) === undefined) return jwt;
    const seen = glimpse(jwt, { resources, issuers: issuers.current(), nowMs });
    if (!seen.ok) return seen.reason;
    if (underway.size >= limits.underwayMax) return known?.token ?? BUSY;
    const asking = exchange(jwt, seen.resource, digest, known).finally(() => underway.delete(digest));
    underway.set(digest, asking);
    return asking;
  }

  return {
    resolve(bearer, { upstream, host }) {
      if (bearer.startsWith("v4.") || !looksLikeJwt(bearer)) return bearer;
      const origin = originFor(host);
      return origin === undefined ? bearer : resolveJwt(bearer, origin, upstream);
    },

    challenge(code, { path, host, hadToken }) {
      const offer = asksForToken(code) ? offerAt(path, host) : undefined;
      return offer === undefined ? undefined : challenge(offer, { hadToken });
    },

    metadata(path, host) {
      const described = describedPath(path);
      const offer = described === undefined ? undefined : offerAt(described, host);
      return offer === undefined ? undefined : protectedResourceMetadata(offer);
    },

    forget: exchanged.clear,
  };
}

const UNAVAILABLE = reason("capability.unavailable", "Access tokens cannot be exchanged at the moment.");
const BUSY = reason("capability.unavailable", "Too many access tokens are being exchanged: try again.");
