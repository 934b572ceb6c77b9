// Tool servers that a tenant registers centrally. A row says where a server is and which secret opens it, never the secret: each sidecar
// resolves the reference where it runs, in the places that its operator opened for this. Nothing in a row is ever expanded or filled in.
import { z } from "zod";
import { UpstreamName } from "./tools.ts";
import { WEB_ADDRESS } from "./web-address.ts";

/**
 * Where a sidecar finds a secret. file: a name in its folder of upstream secrets · env: the end of a variable's name, after
 * POSTERN_UPSTREAM_SECRET_ · vault: path and field of a KV version 2 secret, "mount/path#field".
 */
export const SecretReference = z.discriminatedUnion("from", [
  z.strictObject({
    from: z.literal("file"),
    name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "must be a plain file name"),
  }),
  z.strictObject({
    from: z.literal("env"),
    name: z.string().regex(/^[A-Z0-9][A-Z0-9_]{0,127}$/, "must be capitals, digits and _"),
  }),
  z.strictObject({
    from: z.literal("vault"),
    path: z
      .string()
      .regex(
        /^[A-Za-z0-9_-]{1,64}(\/[A-Za-z0-9_-]{1,64}){1,15}#[A-Za-z0-9_-]{1,64}$/,
        "must be like mount/path#field",
      ),
  }),
]);
export type SecretReference = z.infer<typeof SecretReference>;

const ADDRESS =
  "must be an http or https address with a host name or IP address as it is commonly written, and without credentials and fragment";

/** The address of a tool server or token endpoint, used as it stands. Everybody who may read the row reads it. */
export const UpstreamUrl = z
  .string()
  .max(2048)
  .refine(isPlainAddress, ADDRESS)
  .meta({ pattern: WEB_ADDRESS });

/**
 * A header in which a server may want its credential: none that says how a message is framed or travels, and none of MCP's own.
 * Compared in lower case.
 */
export const CredentialHeader = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,64}$/, "must be a header name")
  .refine((name) => !isReservedHeader(name), "must not be a header that has another meaning in a request");

/** How the sidecar shows itself to the server. */
export const UpstreamAuth = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("none") }),
  /** A header of its own; `prefix` goes before the secret, such as "Bearer ". */
  z.strictObject({
    kind: z.literal("header"),
    header: CredentialHeader,
    prefix: z
      .string()
      .max(32)
      .regex(/^(?:[\x21-\x7e]+ ?)*$/, "must be visible characters with single blanks between or after them")
      .default(""),
    secret: SecretReference,
  }),
  /** An access token for the sidecar itself: client credentials (RFC 6749 §4.4). The secret goes to the token endpoint and nowhere else. */
  z.strictObject({
    kind: z.literal("oauth"),
    token_url: UpstreamUrl,
    client_id: z
      .string()
      .max(256)
      .regex(/^[\x20-\x7e]+$/, "must be printable characters"),
    secret: SecretReference,
    scopes: z
      .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/, "must be a scope of RFC 6749 §3.3"))
      .max(32)
      .default([]),
    /** RFC 8707. */
    resource: UpstreamUrl.optional(),
  }),
]);
export type UpstreamAuth = z.infer<typeof UpstreamAuth>;

export const UpstreamTransport = z.enum(["http", "sse"]);

export const RegisteredUpstream = z.strictObject({
  name: UpstreamName,
  /** http: Streamable HTTP · sse: HTTP+SSE of 2024-11-05. */
  transport: UpstreamTransport,
  url: UpstreamUrl,
  auth: UpstreamAuth,
});
export type RegisteredUpstream = z.infer<typeof RegisteredUpstream>;

/** Servers that a tenant may register: all of them fit in one signed state. */
export const UPSTREAMS_MAX = 64;

const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  ...["accept", "accept-encoding", "baggage", "connection", "date", "expect", "host", "keep-alive"],
  ...["last-event-id", "te", "traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade", "via"],
]);

function isReservedHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return RESERVED_HEADERS.has(lower) || /^(?:content|mcp|proxy|sec)-/.test(lower);
}

/** A query parameter of such a name holds a secret more often than not, and a row must not hold one. */
const SECRET_PARAMETER =
  /(?:api[-_]?)?key|token|secret|passw|pwd|credential|signature|^(?:auth|authorization|sig|code)$/i;

/** What one reader of addresses mends in one way and another in another (blanks, backslashes, 0x7f.1) is refused. */
function isPlainAddress(text: string): boolean {
  const [, host] = /^https?:\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?(?:[/?]|$)/.exec(text) ?? [];
  if (host === undefined || host.endsWith(".") || !/^[\x21-\x7e]+$/.test(text) || /[\\#"<>^`{|}]/.test(text))
    return false;
  const url = URL.parse(text);
  if (url === null || url.hostname !== host) return false;
  return [...url.searchParams.keys()].every((name) => !SECRET_PARAMETER.test(name));
}
