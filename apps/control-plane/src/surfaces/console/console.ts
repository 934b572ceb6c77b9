// The web console as files: read once, kept in a table, served under /console/ and nowhere else. A path is looked up as it is, so it can
// never lead to the disk. The browser gets the very modules that are checked, with their types blanked out.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Hono, Context as HonoContext } from "hono";

const PREFIX = "/console/";
const FOLDER = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "..", "console", "src");

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  ts: "text/javascript; charset=utf-8",
};

// Nothing from elsewhere, nothing inline, no markup made from strings, no frame around it.
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const HEADERS = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  // Kept by the browser, and asked for again each time: a new version is never mixed with an old one.
  "cache-control": "no-cache",
} as const;

interface Asset {
  readonly body: string;
  readonly mediaType: string;
  readonly etag: string;
}

/** Adds the console to the application, and leads a browser that asks for `/` to it. Does nothing where the console is not installed. */
export function mountConsole(app: Hono, folder = FOLDER): void {
  if (!existsSync(folder)) return;
  const assets = readAssets(folder);
  app.get("/", (c, next) => (c.req.header("accept")?.includes("text/html") ? c.redirect(PREFIX) : next()));
  app.get("/console", (c) => c.redirect(PREFIX));
  app.get(`${PREFIX}*`, (c, next) => {
    const path = c.req.path.slice(PREFIX.length);
    const asset = assets.get(path === "" ? "index.html" : path);
    return asset === undefined ? next() : serve(c, asset);
  });
}

function serve(c: HonoContext, { body, mediaType, etag }: Asset): Response {
  const headers = { ...HEADERS, etag };
  const known = c.req.header("if-none-match")?.split(/\s*,\s*/) ?? [];
  return known.includes(etag)
    ? new Response(null, { status: 304, headers })
    : new Response(body, { headers: { ...headers, "content-type": mediaType } });
}

/** Path under the prefix → what is served there. Tests, and files of other kinds, are not. */
function readAssets(folder: string): ReadonlyMap<string, Asset> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const assets = files.flatMap(({ parentPath, name }): [string, Asset][] => {
    const mediaType = MEDIA_TYPES[name.split(".").at(-1) ?? ""];
    if (mediaType === undefined || /\.(test|fixture)\.ts$/.test(name)) return [];
    const file = join(parentPath, name);
    const text = readFileSync(file, "utf8");
    const body = name.endsWith(".ts") ? withoutTypes(text) : text;
    const etag = `"${createHash("sha256").update(body).digest("base64url")}"`;
    return [[relative(folder, file).replaceAll("\\", "/"), { body, mediaType, etag }]];
  });
  return new Map(assets);
}

/** Node warns that this function is young. Its version is pinned and its outcome tested, so an operator need not hear of it. */
function withoutTypes(text: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = emitWarning;
  }
}
