// Logging in with somebody else's identity provider: which issuers of access tokens a tenant trusts, what their tokens are exchanged for,
// and what crosses between sidecar and control plane on the way. An access token is never a capability; it is exchanged for one.
import { z } from "zod";
import { CAVEATS_MAX, Caveat } from "./capability.ts";
import { TenantId, Timestamp } from "./ids.ts";
import { GUARDED_ADDRESS, GUARDED_ADDRESS_WITH_QUERY } from "./web-address.ts";

/** A longer access token is refused before anything in it is read. */
export const ACCESS_TOKEN_CHARS_MAX = 12_288;
/** Trusted issuers of one tenant. */
export const ISSUERS_MAX = 16;
/** How far an issuer's clock may be from ours, both ways. */
export const ISSUER_SKEW_MS = 30_000;

/** Signatures that an access token may have. Nothing symmetric and never "none": whoever can verify a token must not be able to make one. */
export const AccessTokenAlgorithm = z.enum([
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
]);
export type AccessTokenAlgorithm = z.infer<typeof AccessTokenAlgorithm>;

const ADDRESS = "must be an https address (http on loopback only) without user, query and fragment";

/** The `iss` of an issuer (RFC 8414 §2), compared character by character. */
export const IssuerUrl = z.string().max(200).refine(isWebAddress, ADDRESS).meta({ pattern: GUARDED_ADDRESS });

/** The canonical address of a protected resource (RFC 8707 §2): what an access token names as its audience. */
export const ResourceUrl = z
  .string()
  .max(512)
  .refine(isWebAddress, ADDRESS)
  .meta({ pattern: GUARDED_ADDRESS });

/** Where an issuer's keys are. */
export const KeySetUrl = z
  .string()
  .max(512)
  .refine(isWebAddressWithQuery, ADDRESS)
  .meta({ pattern: GUARDED_ADDRESS_WITH_QUERY });

/** A path into the claims: an RFC 6901 JSON Pointer through objects, such as "/email" or "/realm_access/roles". */
const ClaimPath = z
  .string()
  .max(256)
  .regex(/^(?:\/(?:[^/~]|~[01])+)+$/, 'must be a JSON Pointer such as "/email"');

const scalar = z.union([z.string().max(1024), z.number(), z.boolean()]);

/** What a claim must be; of a claim that is a list, what one of its items must be. A claim that is not there matches nothing. */
export const ClaimMatch = z.union([
  scalar,
  z.strictObject({ glob: z.string().min(1).max(128) }),
  z.strictObject({ one_of: z.array(scalar).min(1).max(256) }),
]);
export type ClaimMatch = z.infer<typeof ClaimMatch>;

/** Text with claims in it, such as "user:${sub}": `${name}` or `${/path/to/claim}`, never two side by side. */
export const AgentTemplate = z
  .string()
  .min(1)
  .max(200)
  .regex(
    /^[^$\p{Cc}]*(?:\$\{(?:\w{1,64}|\/[^${}\p{Cc}]{1,128})\}[^$\p{Cc}]+)*(?:\$\{(?:\w{1,64}|\/[^${}\p{Cc}]{1,128})\})?$/u,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how the template is written.
    'must be text with claims in it, such as "user:${sub}", and something between two claims',
  );

const grantable = Caveat.refine(
  ({ type }) => type !== "step_up",
  "a rule cannot say when its holder last proved a fresh factor",
).meta({ not: { properties: { type: { const: "step_up" } }, required: ["type"] } });

/** The rule's holder gets a capability for `agent` with these caveats. */
export const ExchangeRule = z.strictObject({
  name: z.string().min(1).max(64),
  /** All of them must hold. */
  match: z
    .record(ClaimPath, ClaimMatch)
    .refine(
      (match) => Object.keys(match).length > 0,
      'must name a claim; {"/sub": {"glob": "*"}} is everybody',
    )
    .refine((match) => Object.keys(match).length <= 8, "must not name more than 8 claims")
    .meta({ minProperties: 1, maxProperties: 8 }),
  grant: z.strictObject({
    agent: AgentTemplate,
    caveats: z
      .array(grantable)
      .max(CAVEATS_MAX - 2)
      .default([]),
    ttl_seconds: z.int().min(10).max(3600).default(600),
  }),
});
export type ExchangeRule = z.infer<typeof ExchangeRule>;

/** What a tenant says of an issuer that it trusts. */
export const IssuerTrust = z.strictObject({
  /** Canonical addresses of sidecars that its tokens may be meant for. */
  audiences: z.array(ResourceUrl).min(1).max(64),
  /** Absent = found through the issuer's metadata. */
  jwks_uri: KeySetUrl.optional(),
  algorithms: z
    .array(AccessTokenAlgorithm)
    .min(1)
    .max(AccessTokenAlgorithm.options.length)
    .default(["RS256", "ES256"]),
  /** What a client should ask the issuer for, as the sidecar tells it. */
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/, "must be a scope of RFC 6749 §3.3"))
    .max(32)
    .default([]),
  /** The first that matches decides; when none does, or there is none, nobody is let in. */
  rules: z.array(ExchangeRule).max(64),
});
export type IssuerTrust = z.infer<typeof IssuerTrust>;

/** POST /v1/sidecar/exchange. */
export const ExchangeRequest = z.strictObject({
  access_token: z.string().min(1).max(ACCESS_TOKEN_CHARS_MAX),
  /** The sidecar's own address, which must be among the token's audiences. */
  resource: ResourceUrl,
});
export type ExchangeRequest = z.infer<typeof ExchangeRequest>;

export const ExchangeReply = z.strictObject({
  /** A capability token. */
  token: z.string(),
  expires_at: Timestamp,
});
export type ExchangeReply = z.infer<typeof ExchangeReply>;

/**
 * What a sidecar must know of its tenant's issuers to point clients to them and to refuse, without asking anybody, what cannot be exchanged.
 * Sealed with purpose "state"; the kind tells it apart from what comes by the sync stream.
 */
export const LoginState = z.strictObject({
  kind: z.literal("login"),
  tenant: TenantId,
  issued_at: Timestamp,
  issuers: z
    .array(
      z.strictObject({
        issuer: IssuerUrl,
        audiences: z.array(ResourceUrl).max(64),
        algorithms: z.array(AccessTokenAlgorithm),
        scopes: z.array(z.string()).max(32),
      }),
    )
    .max(ISSUERS_MAX),
});
export type LoginState = z.infer<typeof LoginState>;

/** GET /v1/sidecar/login */
export const LoginReply = z.strictObject({ sealed: z.string() });

/** Whether a host name or address is the machine itself, as far as its spelling tells. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/** A name or an address as they are written everywhere; a parser takes more than that for a host. */
export function isPlainHost(hostname: string): boolean {
  return /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$/.test(hostname);
}

function isWebAddress(text: string): boolean {
  return isWebAddressWithQuery(text) && !text.includes("?");
}

/** What a URL parser would quietly mend (blanks, backslashes, control characters) is refused, since others would mend it otherwise. */
function isWebAddressWithQuery(text: string): boolean {
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(text) || /[\\#"<>^`{|}]/.test(text)) return false;
  const url = URL.parse(text);
  if (url === null || url.username !== "" || url.password !== "" || !isPlainHost(url.hostname)) return false;
  return url.protocol === "https:" || isLoopbackHost(url.hostname);
}
