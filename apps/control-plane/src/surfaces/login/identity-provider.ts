// The company's identity provider (OpenID Connect). Whatever it vouches for, as a bearer token or at the end of a browser's login, passes the
// same verification with the provider's published keys; where to ask is a matter of configuration, never of a token.
import { AccessTokenAlgorithm, type IssuerTrust } from "@postern/contracts";
import { type Clock, Fault } from "@postern/fault";
import * as oidc from "openid-client";
import { claimedIssuer, verifyAccessToken } from "../../domain/issuers/access-token.ts";
import type { KeySets } from "../../domain/issuers/key-sets.ts";
import type { Person } from "../../domain/operators/model.ts";
import type { OidcSettings } from "../../oidc-settings.ts";
import { personOf } from "./person.ts";

/** What a browser's login is held to when it comes back; known to that browser only, sealed. */
export interface Attempt {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

export interface IdentityProvider {
  /** Where the provider sends browsers back to; undefined = browsers cannot log in. */
  readonly redirectUrl: string | undefined;
  /** Whether a bearer token says that it is of this provider; believed by nobody yet. */
  isOwn(token: string): boolean;
  /** Faults: unauthenticated "login.token"; forbidden "operators.no_tenant"; unavailable "issuers.*". */
  verify(token: string): Promise<Person>;
  /** Where to send a browser. Faults: unavailable "login.unconfigured", "login.provider". */
  begin(attempt: Attempt): Promise<string>;
  /**
   * Whom the provider vouches for, from the query of the address that the browser came back to.
   * Faults: those of `begin` and `verify`; unauthenticated "login.refused".
   */
  finish(query: URLSearchParams, attempt: Attempt): Promise<Person>;
}

export interface IdentityProviderPorts {
  readonly settings: OidcSettings;
  readonly keySets: KeySets;
  readonly clock: Clock;
}

/** The provider's metadata is read again after so long, and after a failure no more often than that. */
const METADATA_MS = 3_600_000;
const RETRY_MS = 5_000;
const TIMEOUT_SECONDS = 10;

export function createIdentityProvider({
  settings,
  keySets,
  clock,
}: IdentityProviderPorts): IdentityProvider {
  const { issuer, clientId, redirectUrl } = settings;
  let metadata: { readonly client: Promise<oidc.Configuration>; readonly endsMs: number } | undefined;

  function client(): Promise<oidc.Configuration> {
    const nowMs = clock.monotonicMs();
    if (metadata !== undefined && nowMs < metadata.endsMs) return metadata.client;
    const asked = { client: discover(settings), endsMs: nowMs + METADATA_MS };
    metadata = asked;
    asked.client.catch(() => {
      if (metadata === asked) metadata = { ...asked, endsMs: clock.monotonicMs() + RETRY_MS };
    });
    return asked.client;
  }

  async function verified(token: string, audience: string): Promise<Person> {
    const trust: IssuerTrust = {
      ...{ audiences: [audience], algorithms: [...AccessTokenAlgorithm.options], scopes: [], rules: [] },
    };
    const expected = { issuer: { issuer, trust }, resource: audience, nowMs: clock.nowMs() };
    const { claims, subject } = await verifyAccessToken(token, expected, keySets).catch((caught: unknown) => {
      if (!(caught instanceof Fault) || caught.kind !== "forbidden") throw caught;
      const detail = caught.detail === undefined ? {} : { detail: caught.detail };
      throw new Fault("unauthenticated", "login.token", caught.message, detail);
    });
    return personOf(claims, subject, settings);
  }

  return {
    redirectUrl,

    isOwn(token) {
      try {
        return claimedIssuer(token) === issuer;
      } catch {
        return false;
      }
    },

    verify: (token) => verified(token, settings.audience),

    async begin({ state, nonce, codeVerifier }) {
      const address = oidc.buildAuthorizationUrl(await client(), {
        redirect_uri: required(redirectUrl),
        scope: settings.scopes,
        code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: "S256",
        ...{ state, nonce },
      });
      return address.href;
    },

    async finish(query, { state, nonce, codeVerifier }) {
      // Built from what is configured, and not from the request, whose host anybody may choose.
      const address = new URL(required(redirectUrl));
      address.search = query.toString();
      const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier };
      const configuration = await client();
      const tokens = await oidc
        .authorizationCodeGrant(configuration, address, { ...checks, idTokenExpected: true })
        .catch((caught: unknown) => {
          throw faultOf(caught);
        });
      if (tokens.id_token === undefined) throw refused("The identity provider sent no ID token.");
      return await verified(tokens.id_token, clientId);
    },
  };
}

async function discover({ issuer, clientId, clientSecret }: OidcSettings): Promise<oidc.Configuration> {
  const secret = clientSecret?.reveal();
  const auth = secret === undefined ? oidc.None() : clientAuth(secret);
  const execute = issuer.startsWith("http:") ? [oidc.allowInsecureRequests] : [];
  try {
    return await oidc.discovery(new URL(issuer), clientId, {}, auth, { execute, timeout: TIMEOUT_SECONDS });
  } catch (caught) {
    throw unreachable(caught);
  }
}

/** OpenID Connect Discovery §3: a provider that does not say what it takes takes client_secret_basic. */
function clientAuth(secret: string): oidc.ClientAuth {
  const [basic, post] = [oidc.ClientSecretBasic(secret), oidc.ClientSecretPost(secret)];
  return (server, ...rest) => {
    const taken = server.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
    return (taken.includes("client_secret_basic") ? basic : post)(server, ...rest);
  };
}

function required(redirectUrl: string | undefined): string {
  if (redirectUrl !== undefined) return redirectUrl;
  throw new Fault(
    "unavailable",
    "login.unconfigured",
    "Logging in with a browser is not configured here (POSTERN_PUBLIC_URL).",
  );
}

/** What the provider said no to is the login's own trouble; that it did not answer is not. */
function faultOf(caught: unknown): Fault {
  if (caught instanceof oidc.AuthorizationResponseError)
    return refused("The identity provider refused the login.", caught);
  if (caught instanceof oidc.ResponseBodyError && caught.status < 500) {
    return refused("The identity provider refused the login.", caught);
  }
  const code = caught instanceof oidc.ClientError ? (caught.code ?? "") : "";
  const isWrong = /^OAUTH_(INVALID_RESPONSE|JWT_)/.test(code);
  return isWrong
    ? refused("What the identity provider sent back does not belong to this login.", caught)
    : unreachable(caught);
}

function refused(message: string, cause?: unknown): Fault {
  return new Fault("unauthenticated", "login.refused", message, { cause });
}

function unreachable(cause: unknown): Fault {
  const message = "The identity provider cannot be reached.";
  return new Fault("unavailable", "login.provider", message, { detail: String(cause), cause });
}
