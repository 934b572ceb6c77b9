// Which headers cross the sidecar, each way: those of the MCP specification and of trace context, by name. Credentials, cookies, forwarding
// and hop-by-hop headers never do, nor any header that merely begins like one of MCP: nothing has judged what it says.
import { eraOfHeaders } from "@postern/mcp";

type HeaderRecord = Readonly<Record<string, string>>;

const TRACE = ["traceparent", "tracestate", "baggage"];
const REQUEST = new Set([
  ...TRACE,
  "accept",
  "last-event-id",
  "mcp-protocol-version",
  "mcp-session-id",
  "mcp-method",
  "mcp-name",
]);
const RESPONSE = new Set([
  "content-type",
  "cache-control",
  "retry-after",
  "allow",
  "x-accel-buffering",
  "mcp-protocol-version",
  "mcp-session-id",
]);

/**
 * `Mcp-Param-<x>` mirrors an argument that the tool's schema marks, in the stateless era only (2026-07-28). An intermediary must pass it on
 * unknown; whether it is what the body says can be told only with the schema, so its tool server must check it. Nothing is decided on it here.
 */
const MIRRORED_ARGUMENT = /^mcp-param-[a-z0-9_-]{1,128}$/;

/** The part of a client's headers (lower-case names) that goes to the tool server. */
export function requestHeaders(headers: HeaderRecord): Record<string, string> {
  const isModern = eraOfHeaders(new Map(Object.entries(headers))) === "modern";
  return select(headers, (name) => REQUEST.has(name) || (isModern && MIRRORED_ARGUMENT.test(name)));
}

/** The part of a tool server's headers (lower-case names) that goes to the client. */
export function responseHeaders(headers: Iterable<readonly [string, string]>): HeaderRecord {
  return select(Object.fromEntries(headers), (name) => RESPONSE.has(name));
}

function select(headers: HeaderRecord, mayTravel: (name: string) => boolean): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => mayTravel(name)));
}
