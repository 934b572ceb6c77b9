// The HTTP edge: node:http, a handful of exact paths, and limits on everything a caller controls. A request that gets past this file has a
// well-formed head, meant for this host, and a body of bounded size; what it says is for the pipeline to read.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Identifier, type Reason } from "@postern/contracts";
import type { MessageRequest } from "@postern/decision";
import { type Clock, Fault, type NewId } from "@postern/fault";
import { type HeaderRules, isForeignPage, RPC_ERROR, readHeaders } from "@postern/mcp";
import type { Logger, Metrics } from "@postern/telemetry";
import { createExchange } from "./exchange.ts";
import type { Readiness } from "./health.ts";
import type { Pipeline } from "./pipeline.ts";
import { type BodyLimits, createBodyReceiver, type ReceivedBody } from "./receive-body.ts";
import type { Door, Received, Refused } from "./stages.ts";
import { refuse } from "./stages.ts";
import { bearerToken, malformed } from "./steps/read-message.ts";
import { respondRefused } from "./steps/respond.ts";
import type { MessageObserver } from "./tracing/message-observer.ts";

export interface ListenerOptions extends BodyLimits {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly bodyTimeoutMs: number;
  /** Further connections are closed. */
  readonly connectionsMax: number;
  readonly headerRules: HeaderRules;
  /** Name of the upstream that answers on /v1/mcp and /v1/tool-call. */
  readonly first: string;
}

export interface ListenerPorts {
  /** The upstreams that there are now. */
  readonly upstreams: Pick<ReadonlyMap<string, unknown>, "has">;
  readonly pipeline: Pipeline;
  /** Why a token stands for nothing; asked only of those who send much. */
  readonly refusalOf: (
    message: MessageRequest & { readonly host: string | undefined },
  ) => Promise<Reason | undefined>;
  /** What there is to read at a path about logging in. */
  readonly loginMetadata: (path: string, host: string | undefined) => object | undefined;
  readonly readiness: () => Readiness;
  readonly metrics: Pick<Metrics, "expose">;
  readonly observer: Pick<MessageObserver, "ended">;
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
  readonly path: string;
  readonly upstream: string;
}

const VERBS = { mcp: ["POST", "GET", "DELETE"], "tool-call": ["POST"] } as const;
const HEAD_BYTES_MAX = 16_384;

/** @throws Fault unavailable "listener.address": the address cannot be listened on. */
export async function startListener(options: ListenerOptions, ports: ListenerPorts): Promise<Listener> {
  const bodies = createBodyReceiver(options);
  let draining = false;
  const inFlight = createFlightCount();
  /** Connections on which nothing more is read, although it may have arrived already. */
  const ended = new WeakSet<Socket>();
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
      inFlight.begin();
      handle(request, response).then(inFlight.end, (caught) => {
        // A caller that leaves in the middle of its request is no trouble of ours.
        if (!request.readableAborted) ports.log.error("request broke", caught);
        createExchange(response).breakOff();
        inFlight.end();
      });
    },
  );

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (ended.has(request.socket)) return;
    if (!isPlainlyFramed(request)) {
      ended.add(request.socket);
      response.shouldKeepAlive = false;
      return createExchange(response).whole(400, {}, "");
    }
    const route = routeTo(request.url ?? "", options.first, ports.upstreams);
    if (route === undefined) return handlePlain(request, response, options.headerRules, ports);
    const read = readHeaders(request.rawHeaders, options.headerRules, request.method === "POST");
    const ownId = read.ok ? read.headers.get("x-request-id") : request.headers["x-request-id"]?.toString();
    const requestId = requestIdOf(ownId) ?? ports.newId();
    const exchange = createExchange(response, requestId);
    const verb = (VERBS[route.door] as readonly string[]).find((known) => known === request.method);
    if (verb === undefined) {
      exchange.whole(405, { allow: VERBS[route.door].join(", ") }, "");
      return;
    }
    if (draining) {
      exchange.whole(503, { "retry-after": "1" }, "");
      return;
    }
    const startedMs = ports.clock.monotonicMs();
    if (!read.ok) return respondRefused(exchange, { verb: "POST", requestId }, malformed(read), ports);
    const { headers } = read;
    const refusalOf = () =>
      ports.refusalOf({
        token: bearerToken(headers.get("authorization")),
        upstream: route.upstream,
        host: headers.get("host"),
      });
    const received = verb === "POST" ? await bodies.receive(request, headers, refusalOf) : NO_BODY;
    if (!received.ok) {
      // What is still coming is read and thrown away, so that the connection can go on.
      request.resume();
      return respondRefused(exchange, { verb: "POST", requestId }, unreceived(received), ports);
    }
    const message: Received = {
      ...route,
      verb: verb as Received["verb"],
      headers,
      body: received.body,
      remoteAddress: addressOf(request.socket),
      requestId,
      eventId: ports.newId(),
      receivedAtMs: ports.clock.nowMs(),
      startedMs,
      gone: goneSignal(response),
    };
    try {
      await ports.pipeline(message, exchange);
    } finally {
      received.release();
    }
  }

  server.maxConnections = options.connectionsMax;
  await listen(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    async drain(timeUp) {
      draining = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const finished = inFlight.none().then(() => true);
      const clean = await Promise.race([finished, timeUp.then(() => false)]);
      server.closeAllConnections();
      await closed;
      await inFlight.none();
      return clean;
    },
  };
}

/** node:http takes any list that ends in "chunked" for chunks, in HTTP/1.0 too. Whoever reads it otherwise may see the body end elsewhere. */
const isPlainlyFramed = ({ headers, httpVersion }: IncomingMessage): boolean => {
  const coding = headers["transfer-encoding"];
  return coding === undefined || (httpVersion === "1.1" && coding.toLowerCase() === "chunked");
};

interface FlightCount {
  begin(): void;
  end(): void;
  /** Resolves when nothing is in flight. */
  none(): Promise<void>;
}

function createFlightCount(): FlightCount {
  let count = 0;
  let landed: (() => void)[] = [];
  return {
    begin() {
      count += 1;
    },
    end() {
      count -= 1;
      if (count > 0) return;
      for (const resolve of landed) resolve();
      landed = [];
    },
    none: () => (count === 0 ? Promise.resolve() : new Promise((resolve) => landed.push(resolve))),
  };
}

/** An IPv4 address is written as one, also on a socket that takes both. */
function addressOf({ remoteAddress = "" }: Socket): string {
  return remoteAddress.startsWith("::ffff:") ? remoteAddress.slice("::ffff:".length) : remoteAddress;
}

const NO_BODY = { ok: true, body: new Uint8Array(), release: () => {} } as const;

/** The caller's own id of the request, so that both sides can follow it; anything but one identifier is no id. */
function requestIdOf(given: string | undefined): string | undefined {
  return given === undefined ? undefined : Identifier.safeParse(given).data;
}

/** Paths are compared as they were sent: no query, no dots, no escapes, no absolute form. */
function routeTo(path: string, first: string, upstreams: ListenerPorts["upstreams"]): Route | undefined {
  const door = path === "/v1/tool-call" ? "tool-call" : "mcp";
  const isFirst = door === "tool-call" || path === "/v1/mcp";
  if (!isFirst && !path.startsWith(NAMED)) return undefined;
  const upstream = isFirst ? first : path.slice(NAMED.length);
  return upstreams.has(upstream) ? { door, path, upstream } : undefined;
}

const NAMED = "/v1/mcp/";

/** Probes come under any Host; a page of another site may not even look. */
async function handlePlain(
  request: IncomingMessage,
  response: ServerResponse,
  { origins }: HeaderRules,
  ports: ListenerPorts,
): Promise<void> {
  const exchange = createExchange(response);
  const json = (status: number, value: object) =>
    exchange.whole(status, { "content-type": "application/json" }, JSON.stringify(value));
  const header = (name: string) => request.headers[name]?.toString();
  if (isForeignPage(header, origins)) return json(403, { error: "The Origin is not allowed." });
  const path = request.method === "GET" ? request.url : undefined;
  if (path === "/healthz") return json(200, { status: "ok", version: ports.version });
  if (path === "/readyz") {
    const readiness = ports.readiness();
    return json(readiness.ready ? 200 : 503, readiness);
  }
  if (path === "/metrics") {
    const { contentType, body } = await ports.metrics.expose();
    return exchange.whole(200, { "content-type": contentType }, body);
  }
  const metadata = path === undefined ? undefined : ports.loginMetadata(path, header("host"));
  if (metadata !== undefined) return json(200, metadata);
  return json(404, { error: "There is nothing here: calls go to /v1/mcp or /v1/tool-call." });
}

const unreceived = ({ status, detail }: ReceivedBody & { ok: false }): Refused =>
  refuse(undefined, {
    status,
    code: RPC_ERROR.invalid_request,
    check: "",
    reasons: [{ code: "message.malformed", detail }],
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
        new Fault(
          "unavailable",
          "listener.address",
          `Cannot listen on ${host}:${port} (${error.code}); set POSTERN_SIDECAR_PORT (0 = any free one).`,
          {
            cause: error,
          },
        ),
      );
    server.once("error", refuse);
    server.listen(port, host, () => {
      server.off("error", refuse);
      resolve();
    });
  });
}
