// Which headers cross the sidecar, each way. Credentials, cookies, forwarding and hop-by-hop headers never do: they are not listed.

type HeaderRecord = Readonly<Record<string, string>>;

const REQUEST = new Set(["accept", "last-event-id", "traceparent", "tracestate", "baggage"]);
const RESPONSE = new Set(["content-type", "cache-control", "retry-after", "allow", "x-accel-buffering"]);

/** The part of a client's headers (lower-case names) that goes to the tool server. */
export function requestHeaders(headers: Iterable<readonly [string, string]>): Record<string, string> {
  return select(headers, REQUEST);
}

/** The part of a tool server's headers (lower-case names) that goes to the client. */
export function responseHeaders(headers: Iterable<readonly [string, string]>): HeaderRecord {
  return select(headers, RESPONSE);
}

function select(
  headers: Iterable<readonly [string, string]>,
  allowed: ReadonlySet<string>,
): Record<string, string> {
  const selected: Record<string, string> = {};
  for (const [name, value] of headers)
    if (allowed.has(name) || name.startsWith("mcp-")) selected[name] = value;
  return selected;
}
