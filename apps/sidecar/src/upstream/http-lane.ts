// Connections to one tool server and the exchanges that run on them, up to a number. Two lanes to the same server keep what stays open out of
// the way of what ends.
import type { Clock } from "@postern/fault";
import { Pool } from "undici";
import type { Destination } from "./destination.ts";
import { createExchange } from "./exchange.ts";
import { busyFault, type UpstreamResponse, upstreamFault } from "./upstream.ts";

export interface HttpLane {
  /** Sends one request, once. @throws Fault (in the promise) as `Upstream.forward` does. */
  exchange(request: LaneRequest, signal: AbortSignal): Promise<UpstreamResponse>;
  close(): Promise<void>;
}

export interface LaneRequest {
  readonly method: "POST" | "GET" | "DELETE";
  readonly path: string;
  /** Name, value, name, value … */
  readonly headers: string[];
  readonly body: Uint8Array | null;
  /** Until the end of an answer that is a stream; undefined for one that stays open. */
  readonly streamTimeoutMs: number | undefined;
  /** The answer is 401. */
  readonly unauthorized: () => void;
}

export interface HttpLaneOptions {
  readonly connectTimeoutMs: number;
  /** Until the answer begins, and between two pieces of an answer that is no stream. */
  readonly answerTimeoutMs: number;
  /** Largest answer that is no stream. */
  readonly bodyBytesMax: number;
  /** Exchanges at once. */
  readonly exchangesMax: number;
  readonly clock: Clock;
}

export function openHttpLane({ origin, lookup }: Destination, options: HttpLaneOptions): HttpLane {
  const { connectTimeoutMs, answerTimeoutMs, bodyBytesMax, exchangesMax, clock } = options;
  const pool = new Pool(origin, {
    pipelining: 1,
    allowH2: false,
    headersTimeout: answerTimeoutMs,
    bodyTimeout: 0,
    connect: { timeout: connectTimeoutMs, lookup },
  });
  let running = 0;
  const finished = () => {
    running -= 1;
  };
  return {
    exchange({ method, path, headers, body, streamTimeoutMs, unauthorized }, signal) {
      if (signal.aborted) {
        return Promise.reject(upstreamFault("upstream.aborted", "The caller has gone", { sent: false }));
      }
      if (running >= exchangesMax) {
        return Promise.reject(
          busyFault("The tool server is given as many calls or streams at once as it may be."),
        );
      }
      running += 1;
      return new Promise((resolve, reject) => {
        const handler = createExchange({
          signal,
          clock,
          idleTimeoutMs: answerTimeoutMs,
          streamTimeoutMs,
          bodyBytesMax,
          resolve,
          reject,
          unauthorized,
          finished,
        });
        pool.dispatch({ path, method, headers, body }, handler);
      });
    },
    close: () => pool.destroy(),
  };
}
