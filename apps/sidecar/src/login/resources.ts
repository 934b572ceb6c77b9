// The addresses under which clients know this sidecar as a protected resource (RFC 8707 §2). They come from the configuration; only on
// loopback may the Host say them, for there it can say nothing but where the caller itself is.
import { isLoopbackHost } from "@postern/contracts";

/** Where Streamable HTTP is spoken; a named upstream's address is below. */
export const MCP_PATH = "/v1/mcp";
const METADATA_PATH = "/.well-known/oauth-protected-resource";

/** "http://127.0.0.1:8081" for a Host on loopback, without a slash at its end; undefined for any other. */
export function loopbackOrigin(host = ""): string | undefined {
  const authority = host.toLowerCase();
  const [, name = ""] = /^([^:[\]]+|\[[^[\]]+\])(?::\d{1,5})?$/.exec(authority) ?? [];
  return isLoopbackHost(name) ? `http://${authority}` : undefined;
}

/** What a token for an upstream may be meant for, the narrowest first. */
export function resourcesOf(origin: string, upstream: string): readonly string[] {
  return [`${origin}${MCP_PATH}/${upstream}`, `${origin}${MCP_PATH}`];
}

/** Address of the metadata of a resource of ours (RFC 9728 §3.1). */
export function metadataUrl(resource: string): string {
  const { origin, pathname } = new URL(resource);
  return `${origin}${METADATA_PATH}${pathname}`;
}

/** The path of the resource that a request for metadata is about; undefined when it is about none. */
export function describedPath(path: string): string | undefined {
  if (path === METADATA_PATH) return MCP_PATH;
  return path.startsWith(`${METADATA_PATH}/`) ? path.slice(METADATA_PATH.length) : undefined;
}
