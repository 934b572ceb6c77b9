// A tool server over HTTP+SSE, the transport of 2024-11-05, offered as Streamable HTTP: each session has an event stream of its own, from
// which every answer comes, and the address that the stream names takes the messages. That address must be of the same origin: where the
// configuration points is decided by the operator, never by the tool server.
import { type Clock, systemClock } from "@postern/fault";
import type { Credential } from "./credential.ts";
import { type DestinationRules, readDestination } from "./destination.ts";
import { openHttpLane } from "./http-lane.ts";
import { createSessionHost } from "./session-host.ts";
import { openSseChannel } from "./sse-channel.ts";
import { createRequestHeaders } from "./travelling-headers.ts";
import type { Upstream } from "./upstream.ts";

export interface SseUpstreamOptions extends DestinationRules {
  readonly name: string;
  /** Address of the event stream. */
  readonly url: string;
  /** Sent with each request, such as the upstream's credential. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What shows us to the tool server, when that is something which must be fetched. */
  readonly credential?: Credential;
  /** Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** Until the stream is open, and until an answer begins; default 120,000. */
  readonly answerTimeoutMs?: number;
  /** Until the end of an answer that is a stream; default 3,600,000. */
  readonly streamTimeoutMs?: number;
  /** Largest event; default 16 MiB. */
  readonly eventBytesMax?: number;
  /** Sessions, each with a stream, at once; default 1,024. */
  readonly sessionsMax?: number;
  /** A session without traffic, waiting request or open stream ends after this; default 600,000. */
  readonly idleTtlMs?: number;
  /** What is wrong with what the tool server says; default: discarded. */
  readonly onDiagnostic?: (text: string) => void;
  readonly clock?: Clock;
}

const MIB = 1_048_576;
/** What a tool server answers to a POST says only that it was taken. */
const RECEIPT_BYTES_MAX = 65_536;
/** Session ids are ours, and the stream cannot be resumed. */
const WITHHELD = ["mcp-session-id", "last-event-id"];

/** @throws Fault invalid "config.invalid" for an address that may not be reached. */
export function createSseUpstream(options: SseUpstreamOptions): Upstream {
  const { name, credential, connectTimeoutMs = 5_000, answerTimeoutMs = 120_000 } = options;
  const { eventBytesMax = 16 * MIB, sessionsMax = 1_024, clock = systemClock } = options;
  const onDiagnostic = options.onDiagnostic ?? (() => {});
  const destination = readDestination(options.url, options);
  const limits = { connectTimeoutMs, answerTimeoutMs, bodyBytesMax: RECEIPT_BYTES_MAX, clock };
  const streams = openHttpLane(destination, { ...limits, exchangesMax: sessionsMax });
  const posts = openHttpLane(destination, { ...limits, exchangesMax: 2_048 });
  const headersOf = createRequestHeaders(options.headers, WITHHELD, credential?.header);
  const host = createSessionHost({
    openChannel: (events, opening) =>
      openSseChannel(
        { destination, streams, posts, headersOf, credential, eventBytesMax, answerTimeoutMs },
        events,
        opening,
      ),
    sessionsMax,
    idleTtlMs: options.idleTtlMs ?? 600_000,
    answerTimeoutMs,
    streamTimeoutMs: options.streamTimeoutMs ?? 3_600_000,
    messageBytesMax: eventBytesMax,
    waitingMax: 2_048,
    onDiagnostic,
    onOpened: () => {},
  });
  return {
    name,
    forward: host.forward,
    probe: () => destination.reach(connectTimeoutMs),
    async close() {
      await host.close();
      await Promise.all([streams.close(), posts.close(), credential?.close()]);
    },
  };
}
