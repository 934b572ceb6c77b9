// The tool server's own access tokens: fetched when first needed, one fetch for all who wait, kept until shortly before they expire. The
// caller's token is what is exchanged, never what is sent. A fetch that fails lets the call fail, unsent; nothing is sent without its token.
import { hash } from "node:crypto";
import type { Clock } from "@postern/fault";
import type { FetchedToken, TokenEndpoint } from "./token-endpoint.ts";
import { upstreamFault } from "./upstream.ts";

export interface Credential {
  /** Name of the header that it is sent in, lower case; default "authorization". */
  readonly header?: string;
  /**
   * What that header says, at once when it is at hand. `subjectToken`: the access token that the caller came with.
   * @throws Fault (in the promise) upstream "upstream.unavailable": there is no token to be had; nothing was sent.
   */
  authorizationFor(subjectToken: string | undefined): string | Promise<string>;
  /** The tool server refused what was said: the next call gets a new token. The refused call is not repeated. */
  forget(authorization: string | undefined): void;
  close(): Promise<void>;
}

export interface CredentialOptions {
  readonly endpoint: TokenEndpoint;
  readonly grant: Grant;
  readonly clock: Clock;
  /** Exchanged tokens kept; the one unused for longest is dropped first. Default 1,000. */
  readonly tokensMax?: number;
}

/** What is asked for, besides who asks. */
export type Grant =
  | { readonly type: "client_credentials"; readonly parameters: Readonly<Record<string, string>> }
  | { readonly type: "token_exchange"; readonly parameters: Readonly<Record<string, string>> };

/** A token is not used for the last part of its life, since it takes time to arrive. */
const MARGIN_MS = 30_000;
const MARGIN_SHARE = 0.2;
/** When the endpoint does not say how long a token lives. */
const LIFETIME_MS = 300_000;
/** After a failure the endpoint is left alone for this long. */
const RETRY_AFTER_MS = 1_000;

interface Held {
  readonly pending: Promise<string>;
  /** Once fetched. */
  authorization: string | undefined;
  /** On the monotonic clock: the token is used, or the failure is believed, until then. */
  untilMs: number;
}

export function createCredential({
  endpoint,
  grant,
  clock,
  tokensMax = 1_000,
}: CredentialOptions): Credential {
  const held = new Map<string, Held>();

  const fetch = (key: string, subjectToken: string | undefined): Held => {
    const entry: Held = {
      pending: request(subjectToken),
      authorization: undefined,
      untilMs: Number.POSITIVE_INFINITY,
    };
    held.set(key, entry);
    for (const oldest of held.keys()) {
      if (held.size <= tokensMax) break;
      held.delete(oldest);
    }
    return entry;

    async function request(subject: string | undefined): Promise<string> {
      try {
        const token = await endpoint.fetchToken(parametersOf(grant, subject));
        entry.untilMs = clock.monotonicMs() + usableMs(token);
        entry.authorization = `Bearer ${token.accessToken}`;
        return entry.authorization;
      } catch (caught) {
        entry.untilMs = clock.monotonicMs() + RETRY_AFTER_MS;
        throw unavailable("The sidecar could not get an access token for the tool server", caught);
      }
    }
  };

  return {
    authorizationFor(subjectToken) {
      const isExchange = grant.type === "token_exchange";
      if (isExchange && subjectToken === undefined) {
        return Promise.reject(
          unavailable("The tool server needs the caller's own access token, and there is none"),
        );
      }
      // Tokens of callers are kept as digests only.
      const key = isExchange && subjectToken !== undefined ? hash("sha256", subjectToken, "base64") : "";
      const known = held.get(key);
      if (known === undefined || known.untilMs <= clock.monotonicMs())
        return fetch(key, subjectToken).pending;
      if (isExchange) {
        held.delete(key);
        held.set(key, known);
      }
      return known.authorization ?? known.pending;
    },
    forget(authorization) {
      for (const [key, entry] of held) {
        if (entry.authorization === authorization && authorization !== undefined) held.delete(key);
      }
    },
    close: () => endpoint.close(),
  };
}

function parametersOf({ type, parameters }: Grant, subjectToken: string | undefined): Record<string, string> {
  if (type === "client_credentials") return { grant_type: type, ...parameters };
  return {
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    subject_token: subjectToken ?? "",
    subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
    requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
    ...parameters,
  };
}

function usableMs({ lifetimeMs = LIFETIME_MS }: FetchedToken): number {
  return lifetimeMs - Math.min(MARGIN_MS, lifetimeMs * MARGIN_SHARE);
}

function unavailable(message: string, cause?: unknown) {
  const detail = cause instanceof Error ? cause.message : undefined;
  return upstreamFault("upstream.unavailable", message, {
    sent: false,
    ...(detail !== undefined && { detail }),
  });
}
