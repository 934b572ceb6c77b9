// One session of HTTP+SSE (MCP 2024-11-05, Transports): an event stream from the tool server, whose first event says where to POST, and a POST
// for each message. When the stream ends, the session is over: there is no way to come back to it.
import { Buffer } from "node:buffer";
import { Fault, toFault } from "@postern/fault";
import { createSseDecoder, type SseEvent } from "@postern/mcp";
import type { Channel, ChannelEvents } from "./channel.ts";
import type { Credential } from "./credential.ts";
import type { Destination } from "./destination.ts";
import type { HttpLane } from "./http-lane.ts";
import { withoutLineEnds } from "./lines.ts";
import type { HeaderSource, RequestHeaders } from "./travelling-headers.ts";
import { isOutage, type UpstreamRequest, type UpstreamTrouble, upstreamFault } from "./upstream.ts";

export interface SseChannelPorts {
  readonly destination: Destination;
  readonly streams: HttpLane;
  readonly posts: HttpLane;
  readonly headersOf: RequestHeaders;
  readonly credential: Credential | undefined;
  readonly eventBytesMax: number;
  /** Until the stream has named its endpoint. */
  readonly answerTimeoutMs: number;
}

const STREAM_ACCEPT = new Map([["accept", "text/event-stream"]]);
const NO_HEADERS: ReadonlyMap<string, string> = new Map();
const ENDPOINT_CHARS_MAX = 4_096;

export function openSseChannel(
  ports: SseChannelPorts,
  events: ChannelEvents,
  opening: UpstreamRequest,
): Channel {
  const { destination, streams, posts, credential, answerTimeoutMs } = ports;
  const gone = new AbortController();
  const endpoint = Promise.withResolvers<string>();
  const over = Promise.withResolvers<void>();
  let isNamed = false;
  let isOver = false;
  let resumed: PromiseWithResolvers<void> | undefined;
  endpoint.promise.catch(() => {});

  const end = (fault: Fault) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    endpoint.reject(fault);
    gone.abort();
    resumed?.resolve();
    events.onEnd(fault);
    over.resolve();
  };
  const timer = setTimeout(
    () => end(trouble("The tool server did not say in time where to send messages", { isOutage: true })),
    answerTimeoutMs,
  );

  const take = ({ type, data }: SseEvent) => {
    if (data === undefined) return;
    // Whatever else comes before the endpoint, or names another one later, is not what the specification says.
    if (isNamed) {
      if (type === "message") events.onMessage(withoutLineEnds(Buffer.from(data)));
    } else if (type === "endpoint") {
      endpoint.resolve(pathOf(data, destination));
      isNamed = true;
      clearTimeout(timer);
    }
  };
  const headersFor = async (source: HeaderSource, subjectToken: string | undefined) => {
    const authorization = await credential?.authorizationFor(subjectToken ?? opening.subjectToken);
    return {
      headers: ports.headersOf(source, authorization),
      unauthorized: () => credential?.forget(authorization),
      streamTimeoutMs: undefined,
    };
  };

  const read = async () => {
    const { overrides } = opening;
    const source = { headers: STREAM_ACCEPT, overrides };
    const head = await headersFor(source, undefined);
    const request = { ...head, method: "GET", path: destination.path, body: null } as const;
    const answer = await streams.exchange(request, gone.signal);
    if (answer.status !== 200 || !/^text\/event-stream\b/i.test(answer.headers["content-type"] ?? "")) {
      answer.body.cancel();
      throw trouble(`The tool server opens no event stream (HTTP ${answer.status})`, {
        isOutage: answer.status >= 500,
      });
    }
    const decoder = createSseDecoder({ eventBytesMax: ports.eventBytesMax });
    for await (const chunk of answer.body) {
      for (const event of decoder.push(chunk)) take(event);
      await resumed?.promise;
    }
    throw upstreamFault("upstream.unavailable", "The tool server's event stream has ended", {
      sent: isNamed,
    });
  };
  // What failed while nothing had been posted was never sent, whatever became of the stream.
  read().catch((caught: unknown) => end(isNamed ? toFault(caught) : unsent(caught)));

  return {
    async send(json, request) {
      const path = await endpoint.promise;
      const { headers = NO_HEADERS, overrides, subjectToken } = request ?? {};
      const source = { headers, body: json, overrides };
      const head = await headersFor(source, subjectToken);
      const { status, body } = await posts.exchange(
        { ...head, method: "POST", path, body: json },
        gone.signal,
      );
      body.cancel();
      if (status >= 200 && status < 300) return;
      const code = status >= 500 ? "upstream.unavailable" : "upstream.protocol";
      const fault = upstreamFault(code, `The tool server did not take the message (HTTP ${status})`, {
        sent: true,
        isOutage: status >= 500,
      });
      if (status === 404) end(fault);
      throw fault;
    },
    pause() {
      resumed ??= Promise.withResolvers();
    },
    resume() {
      resumed?.resolve();
      resumed = undefined;
    },
    end() {
      end(
        upstreamFault("upstream.unavailable", "The session with the tool server has ended", { sent: true }),
      );
      return over.promise;
    },
  };
}

/** Where to POST. @throws Fault upstream "upstream.protocol" for an address outside the origin that the operator configured. */
function pathOf(data: string, { url, origin }: Destination): string {
  const named = data.length > ENDPOINT_CHARS_MAX ? null : URL.parse(data, url.href);
  if (named === null || named.origin !== origin || named.username !== "" || named.password !== "") {
    throw trouble("The tool server names an address outside its own origin for messages");
  }
  return `${named.pathname}${named.search}`;
}

const trouble = (message: string, sign: Pick<UpstreamTrouble, "isOutage"> = {}) =>
  upstreamFault("upstream.protocol", message, { sent: false, ...sign });

function unsent(caught: unknown): Fault {
  const { code, message, detail } = toFault(caught);
  if (caught instanceof Fault && caught.kind === "limited") return caught;
  const known = code === "upstream.timeout" || code === "upstream.protocol" ? code : "upstream.unavailable";
  const text = message.replace(/(?:; the call may have run)?\.$/, "");
  return upstreamFault(known, text, {
    sent: false,
    isOutage: isOutage(caught),
    ...(detail !== undefined && { detail }),
  });
}
