// Files for browsers: read once, kept in a table, served under one prefix and nowhere else. A path is looked up as it is, so it can never
// lead to the disk.
import { createHash } from "node:crypto";
import type { Hono, Context as HonoContext } from "hono";

export interface Asset {
  readonly body: string;
  readonly mediaType: string;
  readonly etag: string;
}

export function asset(body: string, mediaType: string): Asset {
  return { body, mediaType, etag: `"${createHash("sha256").update(body).digest("base64url")}"` };
}

const HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  // Kept by the browser, and asked for again each time: a new version is never mixed with an old one.
  "cache-control": "no-cache",
} as const;

export interface Site {
  /** Such as "/console/". */
  readonly prefix: string;
  /** By path under the prefix; "index.html" is also the prefix itself. */
  readonly assets: ReadonlyMap<string, Asset>;
  readonly contentSecurityPolicy: string;
}

export function mountSite(app: Hono, { prefix, assets, contentSecurityPolicy }: Site): void {
  const headers = { ...HEADERS, "content-security-policy": contentSecurityPolicy };
  app.get(prefix.slice(0, -1), (c) => c.redirect(prefix));
  app.get(`${prefix}*`, (c, next) => {
    const path = c.req.path.slice(prefix.length);
    const found = assets.get(path === "" ? "index.html" : path);
    return found === undefined ? next() : serve(c, found, headers);
  });
}

function serve(c: HonoContext, { body, mediaType, etag }: Asset, more: Record<string, string>): Response {
  const headers = { ...more, etag };
  const known = c.req.header("if-none-match")?.split(/\s*,\s*/) ?? [];
  return known.includes(etag)
    ? new Response(null, { status: 304, headers })
    : new Response(body, { headers: { ...headers, "content-type": mediaType } });
}
