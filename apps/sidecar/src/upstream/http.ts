// A tool server over Streamable HTTP: one fixed address, the judged bytes under our own framing, the answer as it comes. There is no retry
// and no redirect; an exchange that anybody ends is over on both sides.
import { type Clock, systemClock } from "@postern/fault";
import type { Credential } from "./credential.ts";
import { type DestinationRules, readDestination } from "./destination.ts";
import { openHttpLane } from "./http-lane.ts";
import { createRequestHeaders } from "./travelling-headers.ts";
import { opensStream, type Upstream, type UpstreamRequest, type UpstreamResponse } from "./upstream.ts";

export interface HttpUpstreamOptions extends DestinationRules {
  readonly name: string;
  /** Address of the MCP endpoint; path and query are used as they stand, for every request. */
  readonly url: string;
  /** Sent with each request, such as the upstream's credential; they replace a client's header of the same name. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What shows us to the tool server, when that is something which must be fetched. */
  readonly credential?: Credential;
  /** Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** Until the answer begins, and between two pieces of an answer that is no stream; default 120,000. */
  readonly answerTimeoutMs?: number;
  /** Until the end of an answer that is a stream; default 3,600,000. Streams that stay open are not limited. */
  readonly streamTimeoutMs?: number;
  /** Largest answer that is no stream; default 16 MiB. */
  readonly bodyBytesMax?: number;
  /** Exchanges at once; default 2,048. Streams that stay open are counted apart, up to the same number. */
  readonly exchangesMax?: number;
  readonly clock?: Clock;
}

const MIB = 1_048_576;

/** @throws Fault invalid "config.invalid" for an address that may not be reached. */
export function createHttpUpstream(options: HttpUpstreamOptions): Upstream {
  const { name, credential, connectTimeoutMs = 5_000, streamTimeoutMs = 3_600_000 } = options;
  const destination = readDestination(options.url, options);
  const headersOf = createRequestHeaders(options.headers, [], credential?.header);
  const limits = {
    connectTimeoutMs,
    answerTimeoutMs: options.answerTimeoutMs ?? 120_000,
    bodyBytesMax: options.bodyBytesMax ?? 16 * MIB,
    exchangesMax: options.exchangesMax ?? 2_048,
    clock: options.clock ?? systemClock,
  };
  // Streams that stay open would lengthen the search for a free connection, so they have connections of their own.
  const calls = openHttpLane(destination, limits);
  const streams = openHttpLane(destination, limits);

  function exchange(
    request: UpstreamRequest,
    signal: AbortSignal,
    authorization: string | undefined,
  ): Promise<UpstreamResponse> {
    const staysOpen = opensStream(request);
    return (staysOpen ? streams : calls).exchange(
      {
        method: request.method,
        path: destination.path,
        headers: headersOf(request, authorization),
        body: request.body ?? null,
        streamTimeoutMs: staysOpen ? undefined : streamTimeoutMs,
        unauthorized: () => credential?.forget(authorization),
      },
      signal,
    );
  }

  return {
    name,
    forward(request, signal) {
      const authorization = credential?.authorizationFor(request.subjectToken);
      if (authorization === undefined || typeof authorization === "string") {
        return exchange(request, signal, authorization);
      }
      return authorization.then((fetched) => exchange(request, signal, fetched));
    },
    probe: () => destination.reach(connectTimeoutMs),
    async close() {
      await Promise.all([calls.close(), streams.close(), credential?.close()]);
    },
  };
}
