// A request on a channel that waits for its answer: becomes a JSON answer when the answer comes first, and a stream when anything else does.
// It settles once, whoever settles it.
import { Buffer } from "node:buffer";
import type { RequestMessage } from "@postern/mcp";
import { type BodyPipe, type BodyProducer, createBodyPipe, wholeBody } from "./body.ts";
import { type UpstreamRequest, type UpstreamResponse, upstreamFault } from "./upstream.ts";

export interface Question {
  readonly message: RequestMessage;
  readonly body: Uint8Array;
  /** The token under which progress of it is told. */
  readonly progressToken: string | number | undefined;
  /** The client's own request. */
  readonly request: UpstreamRequest;
  readonly signal: AbortSignal;
}

export interface PendingRequest {
  /** Whether the client can take anything but the answer itself. */
  readonly takesStream: boolean;
  /** Gives the client a message that is not the answer. */
  stream(line: Uint8Array): void;
  /** The answer. */
  finish(line: Uint8Array): void;
  /** Ends without an answer, as after the client's own cancellation. */
  drop(): void;
  fail(fault: Error): void;
}

export interface PendingPorts extends Pick<BodyProducer, "pause" | "resume"> {
  /** Until the answer, or a stream, begins. */
  readonly answerTimeoutMs: number;
  /** Until the end of a stream; undefined for one that stays open. */
  readonly streamTimeoutMs: number | undefined;
  /** What may wait for a client that reads too slowly before it is given up. */
  readonly unreadBytesMax: number;
  readonly resolve: (response: UpstreamResponse) => void;
  readonly reject: (fault: Error) => void;
  /** Called once, first of all. */
  readonly settled: () => void;
  /** The answer is not wanted any more. */
  readonly abandoned: () => void;
}

export const STREAM_HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache",
  "x-accel-buffering": "no",
};

export function createPendingRequest({ request, signal }: Question, ports: PendingPorts): PendingRequest {
  const { answerTimeoutMs, streamTimeoutMs, unreadBytesMax } = ports;
  let pipe: BodyPipe | undefined;
  let isSettled = false;
  const settle = () => {
    isSettled = true;
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    ports.settled();
  };
  const fail = (fault: Error) => {
    if (isSettled) return;
    settle();
    if (pipe === undefined) ports.reject(fault);
    else pipe.fail(fault);
  };
  const giveUp = (code: "upstream.aborted" | "upstream.timeout", why: string, isOutage = false) => {
    if (isSettled) return;
    fail(upstreamFault(code, why, { sent: true, isOutage }));
    ports.abandoned();
  };
  const onAbort = () => giveUp("upstream.aborted", "The caller has gone");
  let timer = setTimeout(
    () => giveUp("upstream.timeout", "The tool server did not begin to answer in time", true),
    answerTimeoutMs,
  );
  signal.addEventListener("abort", onAbort, { once: true });

  const open = (): BodyPipe => {
    clearTimeout(timer);
    if (streamTimeoutMs !== undefined) {
      const late = `The tool server's answer did not end within ${streamTimeoutMs} ms`;
      timer = setTimeout(() => giveUp("upstream.timeout", late), streamTimeoutMs);
    }
    const opened = createBodyPipe({ pause: ports.pause, resume: ports.resume, abort: onAbort });
    ports.resolve({ status: 200, headers: STREAM_HEADERS, body: opened.body });
    return opened;
  };
  return {
    takesStream: (request.headers.get("accept") ?? "").includes("text/event-stream"),
    fail,
    stream(line) {
      if (isSettled) return;
      pipe ??= open();
      pipe.push(sseEvent(line));
      if (pipe.bufferedBytes() > unreadBytesMax)
        giveUp("upstream.aborted", "The caller does not read its answer");
    },
    finish(line) {
      if (isSettled) return;
      settle();
      if (pipe === undefined) {
        const headers = { "content-type": "application/json" };
        return ports.resolve({ status: 200, headers, body: wholeBody(line) });
      }
      pipe.push(sseEvent(line));
      pipe.end();
    },
    drop() {
      if (isSettled) return;
      pipe ??= open();
      settle();
      pipe.end();
    },
  };
}

const EVENT_HEAD = Buffer.from("event: message\ndata: ");
const EVENT_END = Buffer.from("\n\n");

/** One line of JSON as one event. */
export const sseEvent = (line: Uint8Array): Uint8Array => Buffer.concat([EVENT_HEAD, line, EVENT_END]);
