// The HTTP server: one application for all doors, and an orderly end.
import type { Server } from "node:http";
import { createServer, type Server as NetServer } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { Fault } from "@postern/fault";
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

interface Address {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
}

/**
 * Tries the address and lets go of it, so that what cannot be served is known before anything else is made.
 * @throws Fault unavailable "listener.address".
 */
export async function assertFree(address: Address): Promise<void> {
  const probe = createServer();
  await bind(probe, address);
  await new Promise((resolve) => probe.close(resolve));
}

/** @throws Fault unavailable "listener.address". */
export async function listen(app: Hono, address: Address): Promise<Listener> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
  }) as Server;
  await bind(server, address);
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

function bind(server: NetServer, { host, port }: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      reject(new Fault("unavailable", "listener.address", whyNot(cause.code, host, port), { cause }));
    });
    server.listen(port, host, resolve);
  });
}

function whyNot(code: string | undefined, host: string, port: number): string {
  switch (code) {
    case "EADDRINUSE":
      return `Port ${port} of ${host} is taken; set POSTERN_PORT (0 = any free one).`;
    case "EACCES":
      return `Port ${port} of ${host} needs rights that this process lacks; set POSTERN_PORT (0 = any free one).`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `${host} is not an address of this machine; set POSTERN_HOST.`;
    default:
      return `Cannot listen on port ${port} of ${host} (${code}); set POSTERN_HOST and POSTERN_PORT.`;
  }
}

function urlOf(server: Server): string {
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the server listens on a TCP address");
  const host = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
  return `http://${host}:${bound.port}`;
}
