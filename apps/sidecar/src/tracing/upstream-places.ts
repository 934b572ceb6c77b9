// How each tool server is reached, for its spans: host and port, and never a path or a query, which may hold a key.
import type { UpstreamSettings } from "../upstream/upstream-settings.ts";
import type { UpstreamPlace } from "./message-attributes.ts";

const HTTPS_PORT = 443;
const HTTP_PORT = 80;

export function upstreamPlaces(
  upstreams: readonly Pick<UpstreamSettings, "name" | "row">[],
): ReadonlyMap<string, UpstreamPlace> {
  return new Map(upstreams.map(({ name, row }) => [name, placeOf(row)]));
}

function placeOf(row: UpstreamSettings["row"]): UpstreamPlace {
  if ("command" in row) return { transport: "pipe" };
  const { hostname, port, protocol } = new URL("url" in row ? row.url : row.sse);
  const usual = protocol === "https:" ? HTTPS_PORT : HTTP_PORT;
  return { transport: "tcp", host: hostname, port: port === "" ? usual : Number(port) };
}
