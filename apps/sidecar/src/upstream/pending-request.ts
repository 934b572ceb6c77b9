// A request to a process that waits for its answer: becomes a JSON answer when the answer comes first, and a stream when anything else does.
// It settles once, whoever settles it.
import { Buffer } from "node:buffer";
import { progressTokenOf, type RequestMessage } from "@postern/mcp";
import { type BodyPipe, type BodyProducer, createBodyPipe, wholeBody } from "./body.ts";
import { type UpstreamResponse, upstreamFault } from "./upstream.ts";

export interface Question {
  readonly message: RequestMessage;
  readonly body: Uint8Array;
  /** Whether the client accepts a stream for an answer. */
  readonly takesStream: boolean;
  readonly signal: AbortSignal;
}

export interface PendingRequest {
  readonly progressToken: string | number | undefined;
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

export function createPendingRequest(
  { message, takesStream, signal }: Question,
  ports: PendingPorts,
): PendingRequest {
  let pipe: BodyPipe | undefined;
  let isSettled = false;
  const settle = () => {
    isSettled = true;
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    ports.settled();
  };
  const fail = (fault: Error) => {
    settle();
    if (pipe === undefined) ports.reject(fault);
    else pipe.fail(fault);
  };
  const giveUp = (code: "upstream.aborted" | "upstream.timeout", why: string) => {
    if (isSettled) return;
    fail(upstreamFault(code, why, { sent: true }));
    ports.abandoned();
  };
  const onAbort = () => giveUp("upstream.aborted", "The caller has gone");
  const onTimeout = () => giveUp("upstream.timeout", "The tool server did not begin to answer in time");
  const timer = setTimeout(onTimeout, ports.answerTimeoutMs);
  signal.addEventListener("abort", onAbort, { once: true });

  const open = (): BodyPipe => {
    clearTimeout(timer);
    const opened = createBodyPipe({ pause: ports.pause, resume: ports.resume, abort: onAbort });
    ports.resolve({ status: 200, headers: STREAM_HEADERS, body: opened.body });
    return opened;
  };
  return {
    progressToken: progressTokenOf(message),
    takesStream,
    fail,
    stream(line) {
      pipe ??= open();
      pipe.push(sseEvent(line));
    },
    finish(line) {
      settle();
      if (pipe === undefined) {
        ports.resolve({
          status: 200,
          headers: { "content-type": "application/json" },
          body: wholeBody(line),
        });
        return;
      }
      pipe.push(sseEvent(line));
      pipe.end();
    },
    drop() {
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
