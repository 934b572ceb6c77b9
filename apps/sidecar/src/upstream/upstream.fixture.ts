// What the tests of the adapters have in common: the public server-everything in both its transports, and a bare HTTP face in front of an
// upstream, so that an official client can be pointed at it.
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { Fault } from "@postern/fault";
import { type RequestMessage, readMessage } from "@postern/mcp";
import { defer, freePort, startProcess, type TestScope } from "@postern/testkit";
import type { Upstream, UpstreamRequest, UpstreamResponse } from "./upstream.ts";

const manifest = createRequire(import.meta.url).resolve(
  "@modelcontextprotocol/server-everything/package.json",
);
const everything = join(dirname(manifest), "dist", "index.js");

/** Runs server-everything over stdio. */
export const EVERYTHING_COMMAND = [process.execPath, everything, "stdio"] as const;

/** Starts server-everything over Streamable HTTP, or over HTTP+SSE; gives its address. */
export async function startEverything(
  scope: TestScope,
  transport: "streamableHttp" | "sse" = "streamableHttp",
): Promise<string> {
  const port = await freePort();
  await startProcess(scope, {
    command: process.execPath,
    args: [everything, transport],
    env: { PORT: String(port) },
    ready: /(?:listening|running) on port/,
  });
  return `http://127.0.0.1:${port}/${transport === "sse" ? "sse" : "mcp"}`;
}

/** A request as the pipeline would hand it over. */
export function requestOf(
  value: object,
  headers: Readonly<Record<string, string>> = {},
): UpstreamRequest & { readonly message: RequestMessage; readonly body: Uint8Array } {
  const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...value }));
  const read = readMessage(body, { bytesMax: body.byteLength });
  if (!read.ok) throw new TypeError(read.detail);
  const accept = "application/json, text/event-stream";
  const all = new Map(Object.entries({ accept, ...headers }));
  return { method: "POST", headers: all, body, message: read.message as RequestMessage };
}

/** A GET or DELETE as the pipeline would hand it over. */
export const bodiless = (
  method: "GET" | "DELETE",
  headers: Readonly<Record<string, string>> = {},
): UpstreamRequest => ({
  method,
  headers: new Map(Object.entries(headers)),
});

/** All of a body as text. */
export async function textOf({ body }: UpstreamResponse): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

/** A never ending wait's end: resolves once `isSo` holds, looking after each turn of the event loop. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

export const forever = (): AbortSignal => new AbortController().signal;

/** Serves an upstream at an address of its own, with no checks at all. */
export async function serveUpstream(scope: TestScope, upstream: Upstream): Promise<URL> {
  return serve(scope, async (request, response) => {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      const answer = await upstream.forward(await readRequest(request), gone.signal);
      response.writeHead(answer.status, answer.headers);
      response.flushHeaders();
      for await (const piece of answer.body) {
        if (!response.write(piece))
          await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
      }
      response.end();
    } catch {
      response.destroy();
    }
  });
}

/** An HTTP server of a test; gives its address. */
export async function serve(
  scope: TestScope,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<URL> {
  const server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  defer(scope, async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function readRequest(request: IncomingMessage): Promise<UpstreamRequest> {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(request.headers))
    if (typeof value === "string") headers.set(name, value);
  if (request.method !== "POST") return { method: request.method === "GET" ? "GET" : "DELETE", headers };
  const body = await bodyOf(request);
  const read = readMessage(body, { bytesMax: body.byteLength });
  if (!read.ok) throw new TypeError(read.detail);
  return { method: "POST", headers, body, message: read.message };
}

/** The fault that a promise rejects with. */
export async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  const caught = await promise.then(
    () => undefined,
    (rejected: unknown) => rejected,
  );
  assert.ok(caught instanceof Fault, `expected a Fault, got ${caught}`);
  return caught;
}
