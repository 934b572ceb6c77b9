// Which headers cross the sidecar, each way: those of the MCP specification and of trace context, by name. Credentials, cookies, forwarding
// and hop-by-hop headers never do, nor any header that merely begins like one of MCP: nothing has judged what it says.
import { eraOfHeaders } from "@postern/mcp";

type HeaderRecord = Readonly<Record<string, string>>;

const REQUEST: readonly string[] = [
  "accept",
  "mcp-protocol-version",
  "mcp-session-id",
  "mcp-method",
  "mcp-name",
  "last-event-id",
  "traceparent",
  "tracestate",
  "baggage",
];
const RESPONSE: readonly string[] = [
  "content-type",
  "cache-control",
  "retry-after",
  "allow",
  "x-accel-buffering",
  "mcp-protocol-version",
  "mcp-session-id",
];
const ACCEPT = "application/json, text/event-stream";

/**
 * `Mcp-Param-<x>` mirrors an argument that the tool's schema marks, in the stateless era only (2026-07-28). An intermediary must pass it on
 * unknown; whether it is what the body says can be told only with the schema, so its tool server must check it. Nothing is decided on it here.
 */
const MIRRORED_ARGUMENT = /^mcp-param-[a-z0-9_-]{1,128}$/;

export interface HeaderSource {
  readonly headers: ReadonlyMap<string, string>;
  readonly overrides?: HeaderRecord | undefined;
  readonly body?: Uint8Array | undefined;
}

/** Name, value, name, value …: the headers of one request to the tool server. */
export type RequestHeaders = (source: HeaderSource, credential?: string) => string[];

/**
 * Headers of requests to one tool server. `own`, the operator's (any case), stand in each request in place of a client's header of the same
 * name, and of an override. `withheld`: names that do not travel there. `credentialHeader`: in which the credential goes, lower case. What is
 * the same for all requests is laid out once.
 */
export function createRequestHeaders(
  own: HeaderRecord = {},
  withheld: readonly string[] = [],
  credentialHeader = "authorization",
): RequestHeaders {
  const fixed = new Map(Object.entries(own).map(([name, value]) => [name.toLowerCase(), value]));
  // A compressed answer could be neither filtered nor bounded.
  if (!fixed.has("accept-encoding")) fixed.set("accept-encoding", "identity");
  const bodiless = [...fixed].flat();
  const withBody = fixed.has("content-type") ? bodiless : [...bodiless, "content-type", "application/json"];
  const travelling = REQUEST.filter((name) => !fixed.has(name) && !withheld.includes(name));
  const sendsAccept = !fixed.has("accept");

  return ({ headers, overrides, body }, credential) => {
    const list = (body === undefined ? bodiless : withBody).slice();
    for (const name of travelling) {
      const own = overrides?.[name];
      const value = own === "" ? undefined : (own ?? headers.get(name));
      if (value !== undefined) list.push(name, value);
    }
    if (sendsAccept && !headers.has("accept") && overrides?.accept === undefined) list.push("accept", ACCEPT);
    if (credential !== undefined) list.push(credentialHeader, credential);
    if (eraOfHeaders(headers) === "modern") {
      for (const [name, value] of headers) {
        if (MIRRORED_ARGUMENT.test(name) && !fixed.has(name)) list.push(name, value);
      }
    }
    return list;
  };
}

/** Headers as the dispatcher gives them: lower-case names, a repeated header as a list. */
export type RawHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** The part of a tool server's headers that goes to the client. */
export function responseHeaders(raw: RawHeaders): HeaderRecord {
  const shown: Record<string, string> = {};
  for (const name of RESPONSE) {
    const value = headerOf(raw, name);
    if (value !== undefined) shown[name] = value;
  }
  return shown;
}

export function headerOf(raw: RawHeaders, name: string): string | undefined {
  const value = raw[name];
  return Array.isArray(value) ? value.join(", ") : value;
}
