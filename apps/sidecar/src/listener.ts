// The HTTP edge: node:http, a handful of exact paths, and limits on everything a caller controls. A request that gets past this file has a
// well-formed head, meant for this host, and a body of bounded size; what it says is for the pipeline to read.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Clock, Fault, type NewId } from "@postern/fault";
import { type HeaderRules, RPC_ERROR, readHeaders } from "@postern/mcp";
import type { Logger, Metrics } from "@postern/telemetry";
import { createExchange } from "./exchange.ts";
import type { Readiness } from "./health.ts";
import type { Pipeline } from "./pipeline.ts";
import type { Door, Received, Refused } from "./stages.ts";
import { isRefused, refuse } from "./stages.ts";
import { malformed } from "./steps/read-message.ts";
import { respondRefused } from "./steps/respond.ts";

export interface ListenerOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly bodyBytesMax: number;
  readonly bodyTimeoutMs: number;
  readonly headerRules: HeaderRules;
  /** The first one answers on /v1/mcp. */
  readonly upstreams: readonly [string, ...string[]];
}

export interface ListenerPorts {
  readonly pipeline: Pipeline;
  readonly readiness: () => Readiness;
  readonly metrics: Pick<Metrics, "expose" | "increment" | "observeMs">;
  readonly version: string;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly log: Logger;
}

export interface Listener {
  /** Port that is listened on. */
  readonly port: number;
  /** Takes no new calls, waits for those in flight, and cuts off what is left when the time is up. True when nothing had to be cut off. */
  drain(timeUp: Promise<void>): Promise<boolean>;
}

interface Route {
  readonly door: Door;
  readonly upstream: string;
}

const VERBS = { mcp: ["POST", "GET", "DELETE"], "tool-call": ["POST"] } as const;
const HEAD_BYTES_MAX = 16_384;

/** @throws Fault unavailable "listener.address": the address cannot be listened on. */
export async function startListener(options: ListenerOptions, ports: ListenerPorts): Promise<Listener> {
  const routes = routesTo(options.upstreams);
  let draining = false;
  const inFlight = new Set<Promise<void>>();
  const server = createServer(
    {
      maxHeaderSize: HEAD_BYTES_MAX,
      headersTimeout: options.bodyTimeoutMs,
      requestTimeout: options.bodyTimeoutMs,
      connectionsCheckingInterval: Math.min(1_000, options.bodyTimeoutMs),
      keepAliveTimeout: 30_000,
    },
    (request, response) => {
      if (draining) response.shouldKeepAlive = false;
      const handled = handle(request, response).catch((caught) => {
        // A caller that leaves in the middle of its request is no trouble of ours.
        if (!request.readableAborted) ports.log.error("request broke", caught);
        createExchange(response).breakOff();
      });
      inFlight.add(handled);
      void handled.finally(() => inFlight.delete(handled));
    },
  );

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = routes.get(request.url ?? "");
    if (route === undefined) return handlePlain(request, response, ports);
    const exchange = createExchange(response);
    const verb = (VERBS[route.door] as readonly string[]).find((known) => known === request.method);
    if (verb === undefined) {
      exchange.whole(405, { allow: VERBS[route.door].join(", ") }, "");
      return;
    }
    if (draining) {
      exchange.whole(503, { "retry-after": "1" }, "");
      return;
    }
    const received = await receive(request, response, route, verb as Received["verb"]);
    if (isRefused(received))
      respondRefused(exchange, { verb: "POST", requestId: ports.newId() }, received, ports);
    else await ports.pipeline(received, exchange);
  }

  async function receive(
    request: IncomingMessage,
    response: ServerResponse,
    { door, upstream }: Route,
    verb: Received["verb"],
  ): Promise<Received | Refused> {
    const startedMs = ports.clock.monotonicMs();
    const read = readHeaders(request.rawHeaders, options.headerRules, verb === "POST");
    if (!read.ok) return malformed(read);
    const body = verb === "POST" ? await readBody(request, options.bodyBytesMax) : EMPTY;
    if (body === undefined) return tooLarge(options.bodyBytesMax);
    return {
      door,
      verb,
      upstream,
      headers: read.headers,
      body,
      remoteAddress: (request.socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
      requestId: ports.newId(),
      eventId: ports.newId(),
      receivedAtMs: ports.clock.nowMs(),
      startedMs,
      gone: goneSignal(response),
    };
  }

  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    async drain(timeUp) {
      draining = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const finished = Promise.all(inFlight).then(() => true);
      const clean = await Promise.race([finished, timeUp.then(() => false)]);
      server.closeAllConnections();
      await closed;
      await Promise.all(inFlight);
      return clean;
    },
  };
}

const EMPTY = new Uint8Array();

/** Paths are compared as they were sent: no query, no dots, no escapes, no absolute form. */
function routesTo(upstreams: readonly [string, ...string[]]): ReadonlyMap<string, Route> {
  const named = upstreams.map((upstream) => [`/v1/mcp/${upstream}`, { door: "mcp", upstream }] as const);
  const [first] = upstreams;
  return new Map<string, Route>([
    ["/v1/mcp", { door: "mcp", upstream: first }],
    ["/v1/tool-call", { door: "tool-call", upstream: first }],
    ...named,
  ]);
}

async function handlePlain(
  request: IncomingMessage,
  response: ServerResponse,
  ports: ListenerPorts,
): Promise<void> {
  const exchange = createExchange(response);
  const json = (status: number, value: object) =>
    exchange.whole(status, { "content-type": "application/json" }, JSON.stringify(value));
  const path = request.method === "GET" ? request.url : undefined;
  if (path === "/healthz") return json(200, { status: "ok", version: ports.version });
  if (path === "/readyz") {
    const { ready, reasons } = ports.readiness();
    return json(ready ? 200 : 503, { ready, reasons });
  }
  if (path === "/metrics") {
    const { contentType, body } = await ports.metrics.expose();
    return exchange.whole(200, { "content-type": contentType }, body);
  }
  return json(404, { error: "There is nothing here: calls go to /v1/mcp or /v1/tool-call." });
}

/** The whole body; undefined as soon as it is larger than allowed, and the rest is thrown away. */
async function readBody(request: IncomingMessage, bytesMax: number): Promise<Uint8Array | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > bytesMax) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size <= bytesMax) chunks.push(chunk);
  }
  if (size > bytesMax) return undefined;
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size);
}

const tooLarge = (bytesMax: number): Refused =>
  refuse(undefined, {
    status: 413,
    code: RPC_ERROR.invalid_request,
    check: "",
    reasons: [
      {
        code: "message.malformed",
        detail: `the body is larger than ${bytesMax} bytes (POSTERN_BODY_BYTES_MAX)`,
      },
    ],
  });

function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort();
  });
  return gone.signal;
}

function listen(server: Server, { host, port }: Pick<ListenerOptions, "host" | "port">): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException) =>
      reject(
        new Fault("unavailable", "listener.address", `Cannot listen on ${host}:${port} (${error.code}).`, {
          cause: error,
        }),
      );
    server.once("error", refuse);
    server.listen(port, host, () => {
      server.off("error", refuse);
      resolve();
    });
  });
}
