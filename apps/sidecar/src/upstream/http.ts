// A tool server over Streamable HTTP: one fixed address, the judged bytes under our own framing, the answer as it comes. There is no retry
// and no redirect; an exchange that anybody ends is over on both sides.
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { type Clock, systemClock } from "@postern/fault";
import { Pool } from "undici";
import { createExchange } from "./exchange.ts";
import { requestHeaders } from "./travelling-headers.ts";
import {
  busyFault,
  type Upstream,
  type UpstreamRequest,
  type UpstreamResponse,
  upstreamFault,
} from "./upstream.ts";

export interface HttpUpstreamOptions {
  readonly name: string;
  /** Address of the MCP endpoint; path and query are used as they stand, for every request. */
  readonly url: string;
  /** Sent with each request, such as the upstream's credential; they replace a client's header of the same name. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** Until the answer begins, and between two pieces of an answer that is no stream; default 120,000. */
  readonly answerTimeoutMs?: number;
  /** Largest answer that is no stream; default 16 MiB. */
  readonly bodyBytesMax?: number;
  /** Exchanges at once; default 2,048. GET streams are counted apart, up to the same number, so that they never stand in a call's way. */
  readonly exchangesMax?: number;
  readonly clock?: Clock;
}

const MIB = 1_048_576;

export function createHttpUpstream(options: HttpUpstreamOptions): Upstream {
  const {
    name,
    connectTimeoutMs = 5_000,
    answerTimeoutMs = 120_000,
    exchangesMax = 2_048,
    clock = systemClock,
  } = options;
  const url = new URL(options.url);
  const path = `${url.pathname}${url.search}`;
  const own = Object.fromEntries(
    Object.entries(options.headers ?? {}).map(([key, value]) => [key.toLowerCase(), value]),
  );
  const poolOptions = {
    pipelining: 1,
    allowH2: false,
    headersTimeout: answerTimeoutMs,
    bodyTimeout: 0,
    connect: { timeout: connectTimeoutMs },
  };
  // Streams that stay open would lengthen the search for a free connection, so they have a pool of their own.
  const calls = { pool: new Pool(url.origin, poolOptions), running: 0 };
  const streams = { pool: new Pool(url.origin, poolOptions), running: 0 };

  return {
    name,
    async forward(request, signal) {
      if (signal.aborted) throw upstreamFault("upstream.aborted", "The caller has gone", { sent: false });
      const lane = request.method === "GET" ? streams : calls;
      if (lane.running >= exchangesMax)
        throw busyFault("The tool server is given as many calls or streams at once as it may be.");
      lane.running += 1;
      return new Promise<UpstreamResponse>((resolve, reject) => {
        const handler = createExchange({
          signal,
          clock,
          idleTimeoutMs: answerTimeoutMs,
          bodyBytesMax: options.bodyBytesMax ?? 16 * MIB,
          resolve,
          reject,
          finished: () => {
            lane.running -= 1;
          },
        });
        const body = request.body ?? null;
        lane.pool.dispatch(
          { path, method: request.method, headers: headersFor(request, own), body },
          handler,
        );
      });
    },
    probe: () => reach(url, connectTimeoutMs),
    async close() {
      await Promise.all([calls.pool.destroy(), streams.pool.destroy()]);
    },
  };
}

function headersFor(request: UpstreamRequest, own: Readonly<Record<string, string>>): Record<string, string> {
  return {
    accept: "application/json, text/event-stream",
    ...requestHeaders(request.headers),
    // A compressed answer could be neither filtered nor bounded.
    "accept-encoding": "identity",
    ...(request.body !== undefined && { "content-type": "application/json" }),
    ...own,
  };
}

/** A connection, opened and closed: the least that can be asked without sending a message. */
function reach(url: URL, timeoutMs: number): Promise<{ ok: boolean; detail?: string }> {
  const isTls = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || (isTls ? 443 : 80));
  return new Promise((resolve) => {
    const socket = isTls ? connectTls({ host, port, servername: host }) : connect({ host, port });
    const settle = (answer: { ok: boolean; detail?: string }) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => settle({ ok: false, detail: `no connection within ${timeoutMs} ms` }));
    socket.once(isTls ? "secureConnect" : "connect", () => settle({ ok: true }));
    socket.once("error", (error) => settle({ ok: false, detail: error.message }));
  });
}
