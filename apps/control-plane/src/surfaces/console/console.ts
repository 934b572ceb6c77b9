// The web console under /console/. The browser gets the very modules that are checked, with their types blanked out.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Hono } from "hono";
import { type Asset, asset, mountSite } from "../assets.ts";

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

/** Adds the console to the application, and leads a browser that asks for `/` to it. Does nothing where the console is not installed. */
export function mountConsole(app: Hono, folder = FOLDER): void {
  if (!existsSync(folder)) return;
  app.get("/", (c, next) => (c.req.header("accept")?.includes("text/html") ? c.redirect(PREFIX) : next()));
  mountSite(app, {
    prefix: PREFIX,
    assets: readAssets(folder),
    contentSecurityPolicy: CONTENT_SECURITY_POLICY,
  });
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
    return [[relative(folder, file).replaceAll("\\", "/"), asset(body, mediaType)]];
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
