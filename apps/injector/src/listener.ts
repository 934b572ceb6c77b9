// Two doors: HTTPS with the one path that the API server calls, and plain HTTP for probes and metrics, which hold nothing worth guarding.
// Everything that a caller controls is bounded before it is read.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Logger, Metrics } from "@postern/telemetry";
import type { Answer } from "./admission.ts";
import type { Certificate } from "./certificate.ts";

export interface ListenerOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly plainPort: number;
  readonly bodyBytesMax: number;
  readonly bodyTimeoutMs: number;
  readonly certificate: Certificate;
}

export interface ListenerPorts {
  readonly answer: (body: Uint8Array) => Answer;
  readonly readiness: () => { readonly ready: boolean; readonly reasons: readonly string[] };
  readonly metrics: Pick<Metrics, "expose">;
  readonly version: string;
  readonly log: Logger;
}

export interface Listener {
  readonly port: number;
  readonly plainPort: number;
  /** New connections get this one; those that are open stay as they are. */
  serveWith(certificate: Certificate): void;
  /** Takes no new connections, waits for answers in flight, and cuts off what is left when the time is up. True when nothing had to be cut off. */
  drain(timeUp: Promise<void>): Promise<boolean>;
}

const HEAD_BYTES_MAX = 16_384;

/** @throws what listening throws. */
export async function startListener(options: ListenerOptions, ports: ListenerPorts): Promise<Listener> {
  const { host, bodyBytesMax, bodyTimeoutMs, certificate } = options;
  const limits = {
    maxHeaderSize: HEAD_BYTES_MAX,
    headersTimeout: bodyTimeoutMs,
    requestTimeout: bodyTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, bodyTimeoutMs),
    keepAliveTimeout: 60_000,
  };
  const tls = { cert: certificate.cert, key: certificate.key, handshakeTimeout: bodyTimeoutMs };
  const inFlight = new Set<Promise<void>>();
  let draining = false;

  const tracked =
    (handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>) =>
    (request: IncomingMessage, response: ServerResponse) => {
      if (draining) response.shouldKeepAlive = false;
      const handled = handle(request, response).catch((caught) => {
        // A caller that leaves in the middle of its request is no trouble of ours.
        if (!request.readableAborted) ports.log.error("request broke", caught);
        response.destroy();
      });
      inFlight.add(handled);
      void handled.finally(() => inFlight.delete(handled));
    };
  const secure = createHttpsServer(
    { ...limits, ...tls },
    tracked((request, response) => review(request, response, bodyBytesMax, ports)),
  );
  const plain = createServer(
    limits,
    tracked((request, response) => observe(request, response, ports)),
  );
  await Promise.all([listen(secure, host, options.port), listen(plain, host, options.plainPort)]).catch(
    (caught) => {
      for (const server of [secure, plain]) server.close();
      throw caught;
    },
  );
  return {
    port: (secure.address() as AddressInfo).port,
    plainPort: (plain.address() as AddressInfo).port,
    serveWith: ({ cert, key }) => secure.setSecureContext({ cert, key }),
    async drain(timeUp) {
      draining = true;
      const closed = [secure, plain].map((server) => new Promise((resolve) => server.close(resolve)));
      const finished = Promise.all(inFlight).then(() => true);
      const clean = await Promise.race([finished, timeUp.then(() => false)]);
      for (const server of [secure, plain]) server.closeAllConnections();
      await Promise.all(closed);
      return clean;
    },
  };
}

async function review(
  request: IncomingMessage,
  response: ServerResponse,
  bodyBytesMax: number,
  { answer }: ListenerPorts,
): Promise<void> {
  // The API server adds ?timeout=5s.
  const [path] = (request.url ?? "").split("?");
  if (path !== "/mutate") return respond(response, 404, { error: "There is nothing here but POST /mutate." });
  if (request.method !== "POST") {
    response.setHeader("allow", "POST");
    return respond(response, 405, { error: "Only POST is answered." });
  }
  if (!/^application\/json *(?:;|$)/i.test(request.headers["content-type"] ?? ""))
    return respond(response, 415, { error: "Content-Type must be application/json." });
  const body = await readBody(request, bodyBytesMax);
  if (body === undefined) {
    response.shouldKeepAlive = false;
    return respond(response, 413, { error: `The body is larger than ${bodyBytesMax} bytes.` });
  }
  const { status, body: text } = answer(body);
  respond(response, status, text);
}

async function observe(
  request: IncomingMessage,
  response: ServerResponse,
  { readiness, metrics, version }: ListenerPorts,
): Promise<void> {
  const path = request.method === "GET" ? request.url : undefined;
  if (path === "/healthz") return respond(response, 200, { status: "ok", version });
  if (path === "/readyz") {
    const { ready, reasons } = readiness();
    return respond(response, ready ? 200 : 503, { ready, reasons });
  }
  if (path !== "/metrics") return respond(response, 404, { error: "There is nothing here." });
  const { contentType, body } = await metrics.expose();
  response.writeHead(200, { "content-type": contentType }).end(body);
}

/** `content`: an object, or JSON text. */
function respond(response: ServerResponse, status: number, content: object | string): void {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  response
    .writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) })
    .end(text);
}

/** The whole body; undefined as soon as it is larger than allowed, and the rest is thrown away. */
async function readBody(request: IncomingMessage, bytesMax: number): Promise<Uint8Array | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) {
    request.resume();
    return undefined;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size <= bytesMax) chunks.push(chunk);
  }
  return size > bytesMax ? undefined : Buffer.concat(chunks, size);
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
