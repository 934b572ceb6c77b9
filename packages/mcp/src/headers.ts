// HTTP headers of a request, read from the raw list: Node joins or drops repeated headers in its own way, and an upstream may do it
// differently, so a header that matters must stand once. Host and Origin are checked on loopback too, against DNS rebinding.
import { type Refusal, refuse } from "./refusal.ts";

export interface HeaderRules {
  /** Host names that callers may use: "name" with any port, or "name:port"; besides the loopback names. */
  readonly hosts: readonly string[];
  /** Web origins that may call ("https://app.example"); besides the loopback ones. */
  readonly origins: readonly string[];
}

export type Headers = ReadonlyMap<string, string>;
export type HeadersResult = { readonly ok: true; readonly headers: Headers } | Refusal;

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Headers that must not be repeated, besides every "mcp-…". */
const SINGLE = new Set([
  "host",
  "origin",
  "content-type",
  "content-length",
  "content-encoding",
  "transfer-encoding",
  "authorization",
  "last-event-id",
  "x-intent-prompt",
]);

/**
 * `rawHeaders` as of node:http: name, value, name, value … Gives lower-case names; harmless repeated headers are joined with ", ".
 * `hasBody`: a POST, which must carry `application/json` in UTF-8, not compressed.
 */
export function readHeaders(
  rawHeaders: readonly string[],
  { hosts, origins }: HeaderRules,
  hasBody: boolean,
): HeadersResult {
  const headers = new Map<string, string>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? "").toLowerCase();
    const value = rawHeaders[at + 1] ?? "";
    const earlier = headers.get(name);
    if (earlier !== undefined && (SINGLE.has(name) || name.startsWith("mcp-"))) {
      return refuse("invalid_request", `the header ${name} is given twice`);
    }
    if (name.startsWith("mcp-") && !/^[\x20-\x7e]*$/.test(value)) {
      return refuse("invalid_request", `the header ${name} holds characters outside ASCII`);
    }
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  const host = headers.get("host");
  if (host === undefined || !isAllowedHost(host, hosts))
    return refuse("invalid_request", "the Host header names no host of this service", { httpStatus: 403 });
  if (isForeignPage((name) => headers.get(name), origins))
    return refuse("invalid_request", "the Origin is not allowed", { httpStatus: 403 });
  return (hasBody ? bodyProblem(headers) : undefined) ?? { ok: true, headers };
}

/**
 * Whether a browser asks on behalf of a page that may not: by its Origin or, for what a page loads without one (images, scripts), by
 * Sec-Fetch-Site. `header` gives a header's value by lower-case name.
 */
export function isForeignPage(
  header: (name: string) => string | undefined,
  allowed: HeaderRules["origins"],
): boolean {
  const origin = header("origin");
  return origin === undefined ? header("sec-fetch-site") === "cross-site" : !isAllowedOrigin(origin, allowed);
}

function bodyProblem(headers: Headers): Refusal | undefined {
  if (headers.has("content-encoding"))
    return refuse("invalid_request", "a compressed body is not accepted", { httpStatus: 415 });
  // RFC 9110 §8.3: the type and its only parameter are matched without regard to case; a charset may be quoted.
  if (!/^application\/json *(?:; *charset=(?:utf-8|"utf-8") *)?$/i.test(headers.get("content-type") ?? "")) {
    return refuse("invalid_request", "Content-Type must be application/json, in UTF-8", { httpStatus: 415 });
  }
  return undefined;
}

function isAllowedHost(host: string, allowed: readonly string[]): boolean {
  const given = host.toLowerCase();
  const name = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/.exec(given)?.[1];
  if (name === undefined) return false;
  return (
    LOOPBACK.has(name) ||
    allowed.some((entry) => entry.toLowerCase() === name || entry.toLowerCase() === given)
  );
}

function isAllowedOrigin(origin: string, allowed: readonly string[]): boolean {
  const given = origin.toLowerCase();
  const host = /^https?:\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/.exec(given)?.[1];
  return (host !== undefined && LOOPBACK.has(host)) || allowed.some((entry) => entry.toLowerCase() === given);
}
