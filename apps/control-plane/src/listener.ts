// The HTTP server: one application for all doors, and an orderly end.
import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";

export interface Listener {
  /** Address that was bound, such as http://127.0.0.1:8080. */
  readonly url: string;
  /** Takes no new connections, waits for the requests under way, and cuts off what is left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

const HEADERS_TIMEOUT_MS = 10_000;
/** Bodies are small but for audit batches, and those are read within seconds. */
const REQUEST_TIMEOUT_MS = 60_000;

export async function listen(app: Hono, address: { host: string; port: number }): Promise<Listener> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
  }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(address.port, address.host, resolve);
  });
  return {
    url: urlOf(server),
    close: (graceMs) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function urlOf(server: Server): string {
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the server listens on a TCP address");
  const host = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
  return `http://${host}:${bound.port}`;
}
