// One conversation over a channel: takes what the tool server says apart and gives each message to the HTTP exchange it belongs to. Answers,
// progress and subscribed changes go to the POST that asked; everything else goes to the session's GET stream. Where clients share one
// conversation, what belongs to no request belongs to nobody, and no client can halt the others.

import { Buffer } from "node:buffer";
import { type Fault, toFault } from "@postern/fault";
import {
  errorResponse,
  type JsonRpcMessage,
  member,
  metaOf,
  progressTokenOf,
  type RequestMessage,
  RPC_ERROR,
  readServerMessage,
} from "@postern/mcp";
import { type BodyPipe, createBodyPipe } from "./body.ts";
import type { Channel, OpenChannel } from "./channel.ts";
import { createOutbox } from "./outbox.ts";
import {
  createPendingRequest,
  type PendingRequest,
  type Question,
  STREAM_HEADERS,
  sseEvent,
} from "./pending-request.ts";
import { busyFault, opensStream, type UpstreamRequest, type UpstreamResponse } from "./upstream.ts";

export interface SessionLimits {
  /** Until the tool server begins to answer a request. */
  readonly answerTimeoutMs: number;
  /** Until the end of an answer that is a stream, unless it is one that stays open. */
  readonly streamTimeoutMs: number;
  /** Largest message from the tool server. */
  readonly messageBytesMax: number;
  /** Requests that may wait at once. */
  readonly waitingMax: number;
}

export interface MessageSessionOptions extends SessionLimits {
  readonly openChannel: OpenChannel;
  /** The request that begins it. */
  readonly opening: UpstreamRequest;
  /** Whether its requests come from several clients. */
  readonly isShared: boolean;
  readonly onDiagnostic: (text: string) => void;
  /** Called once, when the channel has ended. */
  readonly onEnd: (fault: Fault) => void;
}

export interface MessageSession {
  /** Sends a request; resolves with the answer, or with a stream as soon as something else comes first. */
  ask(question: Question, restore?: Restore): Promise<UpstreamResponse>;
  /** Sends a notification, or the answer to a request of the tool server. */
  tell(
    request: UpstreamRequest & { readonly message: JsonRpcMessage; readonly body: Uint8Array },
  ): Promise<void>;
  /** The stream of what nobody asked for; undefined while another one is open. */
  listen(signal: AbortSignal): UpstreamResponse | undefined;
  /** Whether this id or progress token is in use by a request that waits. */
  isWaitingFor(message: RequestMessage): boolean;
  /** Whether a request waits or the GET stream is open. */
  readonly isBusy: boolean;
  end(): Promise<void>;
}

/** Gives a message that belongs to a request the ids that its client knows. */
export type Restore = (line: Uint8Array, message: JsonRpcMessage) => Uint8Array;

/** `_meta` member of what a subscription brings: the id of the request that subscribed (MCP 2026-07-28, Subscriptions). */
export const SUBSCRIPTION_META_KEY = "io.modelcontextprotocol/subscriptionId";

interface Waiting extends PendingRequest {
  readonly restore: Restore;
  readonly progressToken: string | number | undefined;
}

/** @throws Fault when the channel cannot be opened at all. */
export function openMessageSession(options: MessageSessionOptions): MessageSession {
  const { messageBytesMax, waitingMax, isShared } = options;
  const waiting = new Map<string | number, Waiting>();
  const byToken = new Map<string | number, Waiting>();
  const outbox = createOutbox();
  let stream: BodyPipe | undefined;
  let ended: Fault | undefined;
  let pausedPipes = 0;
  const channel = options.openChannel({ onMessage, onEnd }, options.opening);
  const flow = {
    pause() {
      pausedPipes += 1;
      // Clients that share a conversation must not wait for the slowest; each is bounded by what may wait for it.
      if (!isShared) channel.pause();
    },
    resume() {
      pausedPipes -= 1;
      if (pausedPipes === 0) channel.resume();
    },
  };

  function onMessage(line: Uint8Array): void {
    const read = readServerMessage(line, { bytesMax: messageBytesMax });
    if (!read.ok) {
      options.onDiagnostic(`what the tool server says is no message: ${read.detail}`);
      return;
    }
    const { message } = read;
    const owner = ownerOf(message);
    if (message.kind === "response") owner?.finish(owner.restore(line, message));
    else if (owner !== undefined) {
      if (owner.takesStream) owner.stream(owner.restore(line, message));
    } else if (message.method !== "notifications/progress") takeUnowned(message, line);
  }

  /** The request that a message belongs to by what it says. */
  function ownerOf(message: JsonRpcMessage): Waiting | undefined {
    if (message.kind === "response") return message.id && waiting.get(message.id.value);
    if (message.method === "notifications/progress") {
      const token = message.params && member(message.params, "progressToken");
      return typeof token === "string" || typeof token === "number" ? byToken.get(token) : undefined;
    }
    const id = subscriptionIdOf(message);
    return id === undefined ? undefined : waiting.get(id);
  }

  function takeUnowned(message: JsonRpcMessage, line: Uint8Array): void {
    if (isShared) {
      if (message.kind === "request") sendOwn(channel, refusalOf(message));
    } else if (stream !== undefined) {
      stream.push(sseEvent(line));
    } else {
      // A client that listens nowhere else still reads the answer it waits for.
      const request =
        message.kind === "request" ? [...waiting.values()].find(({ takesStream }) => takesStream) : undefined;
      if (request !== undefined) request.stream(line);
      else for (const refused of outbox.put(message, line)) sendOwn(channel, refused);
    }
  }

  function onEnd(fault: Fault): void {
    ended = fault;
    for (const request of [...waiting.values()]) request.fail(fault);
    stream?.fail(fault);
    options.onEnd(fault);
  }

  function ask(question: Question, restore: Restore): Promise<UpstreamResponse> {
    const { message, body, progressToken, request } = question;
    return new Promise((resolve, reject) => {
      const pending = createPendingRequest(question, {
        ...flow,
        answerTimeoutMs: options.answerTimeoutMs,
        streamTimeoutMs: opensStream(request) ? undefined : options.streamTimeoutMs,
        unreadBytesMax: isShared ? messageBytesMax : Number.POSITIVE_INFINITY,
        resolve,
        reject,
        settled() {
          waiting.delete(message.id.value);
          if (progressToken !== undefined) byToken.delete(progressToken);
        },
        abandoned: () => cancel(channel, message),
      });
      const entry: Waiting = { ...pending, restore, progressToken };
      waiting.set(message.id.value, entry);
      if (progressToken !== undefined) byToken.set(progressToken, entry);
      try {
        channel.send(body, request)?.catch((caught: unknown) => pending.fail(toFault(caught)));
      } catch (caught) {
        pending.fail(toFault(caught));
      }
    });
  }

  return {
    ask(question, restore = unchanged) {
      if (ended !== undefined) return Promise.reject(ended);
      if (waiting.size >= waitingMax)
        return Promise.reject(busyFault("The tool server has as many requests to answer as it may have."));
      return ask(question, restore);
    },
    async tell(request) {
      const { message, body } = request;
      await channel.send(body, request);
      if (message.kind !== "notification" || message.method !== "notifications/cancelled") return;
      const requestId = message.params && member(message.params, "requestId");
      if (typeof requestId === "string" || typeof requestId === "number") waiting.get(requestId)?.drop();
    },
    listen(signal) {
      if (stream !== undefined) return undefined;
      const leave = () => {
        stream = undefined;
        signal.removeEventListener("abort", onAbort);
      };
      const opened = createBodyPipe({ ...flow, abort: leave });
      const onAbort = () => opened.body.cancel();
      signal.addEventListener("abort", onAbort, { once: true });
      for (const line of outbox.take()) opened.push(sseEvent(line));
      stream = opened;
      return { status: 200, headers: STREAM_HEADERS, body: opened.body };
    },
    isWaitingFor(message) {
      const token = progressTokenOf(message);
      return waiting.has(message.id.value) || (token !== undefined && byToken.has(token));
    },
    get isBusy() {
      return waiting.size > 0 || stream !== undefined;
    },
    end: () => channel.end(),
  };
}

const unchanged: Restore = (line) => line;

function subscriptionIdOf(message: JsonRpcMessage): string | number | undefined {
  const meta = metaOf(message);
  const id = meta && member(meta, SUBSCRIPTION_META_KEY);
  return typeof id === "string" || typeof id === "number" ? id : undefined;
}

const refusalOf = ({ id }: RequestMessage) =>
  Buffer.from(
    errorResponse(id.text, { code: RPC_ERROR.method_not_found, message: "No client can be asked here." }),
  );

/** The tool server need not go on with what nobody waits for any more. Only `initialize` cannot be cancelled (MCP, Cancellation). */
function cancel(channel: Channel, message: RequestMessage): void {
  if (message.method === "initialize") return;
  const notice = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${message.id.text}}}`;
  sendOwn(channel, Buffer.from(notice));
}

/** Sends what nobody waits for. A tool server that does not even read cannot be told anything. */
function sendOwn(channel: Channel, json: Uint8Array): void {
  try {
    channel.send(json)?.catch(() => {});
  } catch {
    // As above.
  }
}
