// A forwarder that changes nothing of what passes, save that it may add the Authorization header, which the conformance suite cannot send.
// Host, Origin and every other header stay as the client wrote them, bytes are not held back, and whoever breaks off breaks off both legs.
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  request as send,
} from "node:http";
import type { AddressInfo } from "node:net";
import { defer, type TestScope } from "@postern/testkit";

export interface HopOptions {
  /** Asked for each request; its path replaces the one that was asked for. */
  readonly target: () => string;
  /** Added to each request; default: none. */
  readonly authorization?: string;
  /** Whether the target is told its own name as Host instead of the one that the client wrote; default false. */
  readonly isOwnHost?: boolean;
}

/** Listens on a free loopback port until the scope ends; gives its address. */
export async function startHop(scope: TestScope, options: HopOptions): Promise<string> {
  const server = createServer((request, response) => forward(request, response, options));
  server.requestTimeout = 0;
  return `${await listen(scope, server)}mcp`;
}

/** The root address of a server on a free loopback port, until the scope ends. */
export async function listen(scope: TestScope, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  defer(scope, () => {
    server.closeAllConnections();
    server.close();
  });
  // Bound to an address, so it has a port.
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}/`;
}

function forward(request: IncomingMessage, response: ServerResponse, options: HopOptions): void {
  const url = new URL(options.target());
  // A connection of its own for each request: whether one is reused must not depend on what another client did.
  const upstream = send(url, {
    agent: false,
    method: request.method,
    headers: headersOf(request, url, options),
  });
  upstream.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answer.rawHeaders);
    response.flushHeaders();
    answer.on("error", () => response.destroy());
    answer.pipe(response);
  });
  upstream.on("error", () => response.destroy());
  response.on("close", () => upstream.destroy());
  request.pipe(upstream);
}

function headersOf(
  { rawHeaders }: IncomingMessage,
  url: URL,
  { authorization, isOwnHost }: HopOptions,
): string[] {
  const own = authorization === undefined ? [] : ["Authorization", authorization];
  if (isOwnHost !== true) return [...rawHeaders, ...own];
  return [
    ...rawHeaders.map((value, at) => (isHost(rawHeaders[at - 1]) && at % 2 === 1 ? url.host : value)),
    ...own,
  ];
}

const isHost = (name: string | undefined) => name?.toLowerCase() === "host";
