// The interface as a page for people, under /docs/: Swagger UI, a library, over the document that the service serves itself.
import { readFileSync } from "node:fs";
import type { Hono } from "hono";
import { type Asset, asset, mountSite } from "../assets.ts";

// Swagger UI sets styles on elements and draws its icons from data: addresses; scripts are files of ours only.
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Postern API</title>
    <link rel="stylesheet" href="swagger-ui.css">
  </head>
  <body>
    <div id="reference"></div>
    <script src="swagger-ui-bundle.js"></script>
    <script src="reference.js"></script>
  </body>
</html>
`;

// Answers and credentials stay in the page: nothing is sent to a validator elsewhere, nothing is kept.
const SCRIPT = `SwaggerUIBundle({
  url: "../openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "none",
  filter: true,
  validatorUrl: null,
  persistAuthorization: false,
});
`;

/** Adds the page. Does nothing where the library is not installed. */
export function mountReference(app: Hono): void {
  const style = contentOf(() => import.meta.resolve("swagger-ui-dist/swagger-ui.css"));
  const library = contentOf(() => import.meta.resolve("swagger-ui-dist/swagger-ui-bundle.js"));
  if (style === undefined || library === undefined) return;
  const javascript = "text/javascript; charset=utf-8";
  const assets = new Map<string, Asset>([
    ["index.html", asset(PAGE, "text/html; charset=utf-8")],
    ["reference.js", asset(SCRIPT, javascript)],
    ["swagger-ui-bundle.js", asset(library, javascript)],
    ["swagger-ui.css", asset(style, "text/css; charset=utf-8")],
  ]);
  mountSite(app, { prefix: "/docs/", assets, contentSecurityPolicy: CONTENT_SECURITY_POLICY });
}

function contentOf(find: () => string): string | undefined {
  try {
    return readFileSync(new URL(find()), "utf8");
  } catch {
    return undefined;
  }
}
