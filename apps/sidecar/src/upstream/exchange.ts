// One HTTP exchange with a tool server, as a handler of undici's dispatcher: knows whether anything was written, hands the answer over as
// soon as it begins (or whole, when it is small), passes back-pressure on, and ends once, whoever ends it. An answer that comes in one piece,
// as most do, costs neither a pipe nor a timer.
import { Buffer } from "node:buffer";
import type { Clock, Fault } from "@postern/fault";
import type { Dispatcher } from "undici";
import { type AnswerHead, readAnswerHead, tooLarge } from "./answer-head.ts";
import { type BodyPipe, createBodyPipe, HIGH_WATER_BYTES, wholeBody } from "./body.ts";
import { type IdleWatch, startIdleWatch } from "./idle-watch.ts";
import { type UpstreamCode, type UpstreamResponse, upstreamFault } from "./upstream.ts";

export interface ExchangeOptions {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Between two pieces of an answer that is no stream. */
  readonly idleTimeoutMs: number;
  /** Until the end of an answer that is a stream; undefined for one that stays open. */
  readonly streamTimeoutMs: number | undefined;
  /** Largest answer that is no stream. */
  readonly bodyBytesMax: number;
  readonly resolve: (response: UpstreamResponse) => void;
  readonly reject: (fault: Fault) => void;
  /** The tool server answers 401: whatever credential was sent is no good any more. */
  readonly unauthorized: () => void;
  /** Called exactly once, when nothing more will happen. */
  readonly finished: () => void;
}

interface Trouble {
  readonly cause?: unknown;
  readonly isOutage?: boolean;
}

export function createExchange(options: ExchangeOptions): Dispatcher.DispatchHandler {
  const { signal, bodyBytesMax } = options;
  let controller: Dispatcher.DispatchController | undefined;
  let head: AnswerHead | undefined;
  let pipe: BodyPipe | undefined;
  /** What has come of an answer that may yet be handed over whole. */
  let pieces: Uint8Array[] = [];
  let idle: IdleWatch | undefined;
  let deadline: NodeJS.Timeout | undefined;
  let receivedBytes = 0;
  let isOver = false;

  const finish = () => {
    isOver = true;
    idle?.stop();
    clearTimeout(deadline);
    signal.removeEventListener("abort", onAbort);
    options.finished();
  };
  const fail = (code: UpstreamCode, message: string, trouble: Trouble = {}) => {
    if (isOver) return;
    finish();
    const fault = upstreamFault(code, message, {
      ...trouble,
      sent: controller !== undefined,
      ...(trouble.cause instanceof Error && { detail: trouble.cause.message }),
    });
    if (pipe === undefined) options.reject(fault);
    else pipe.fail(fault);
    controller?.abort(fault);
  };
  const onAbort = () => fail("upstream.aborted", "The caller has gone");
  signal.addEventListener("abort", onAbort, { once: true });

  const handOver = ({ status, headers }: AnswerHead, started: Dispatcher.DispatchController) => {
    pipe = createBodyPipe({
      pause: () => started.pause(),
      resume: () => started.resume(),
      abort: () => fail("upstream.aborted", "The answer is not wanted any more"),
    });
    for (const piece of pieces) pipe.push(piece);
    pieces = [];
    options.resolve({ status, headers, body: pipe.body });
  };
  /** An answer that this turn of the event loop did not bring to its end. */
  const wait = (begun: AnswerHead, started: Dispatcher.DispatchController) => {
    const { clock, idleTimeoutMs } = options;
    if (isOver) return;
    idle = startIdleWatch({
      clock,
      timeoutMs: idleTimeoutMs,
      isPaused: () => started.paused,
      onIdle: () =>
        fail("upstream.timeout", `The tool server's answer stopped for ${idleTimeoutMs} ms`, {
          isOutage: true,
        }),
    });
    // A small answer is worth waiting for.
    if (!(begun.lengthBytes < HIGH_WATER_BYTES)) handOver(begun, started);
  };
  const limitStream = (timeoutMs: number) => {
    const message = `The tool server's answer did not end within ${timeoutMs} ms`;
    deadline = setTimeout(() => fail("upstream.timeout", message), timeoutMs);
  };

  return {
    onRequestStart(started) {
      // Started twice would be sent twice.
      if (isOver || controller !== undefined) started.abort(new Error("The exchange is over."));
      else controller = started;
    },
    onResponseStart(started, status, raw) {
      if (isOver || status < 200) return;
      const read = readAnswerHead(status, raw, bodyBytesMax);
      if (status === 401) options.unauthorized();
      if (!read.ok) return fail(read.code, read.message);
      head = read;
      if (!read.isStream) return process.nextTick(wait, read, started);
      handOver(read, started);
      if (options.streamTimeoutMs !== undefined) limitStream(options.streamTimeoutMs);
    },
    onResponseData(_controller, chunk) {
      if (isOver) return;
      receivedBytes += chunk.byteLength;
      if (!head?.isStream && receivedBytes > bodyBytesMax)
        return fail("upstream.protocol", tooLarge(bodyBytesMax));
      idle?.moved();
      if (pipe === undefined) pieces.push(chunk);
      else pipe.push(chunk);
    },
    onResponseEnd() {
      if (isOver || head === undefined) return;
      finish();
      if (pipe !== undefined) return pipe.end();
      const [first = Buffer.alloc(0)] = pieces;
      const bytes = pieces.length > 1 ? Buffer.concat(pieces) : first;
      options.resolve({ status: head.status, headers: head.headers, body: wholeBody(bytes) });
    },
    onResponseError(_controller, error) {
      const { code, message } = troubleOf(error);
      fail(code, message, { cause: error, isOutage: code !== "upstream.protocol" });
    },
  };
}

function troubleOf(error: Error & { code?: string }): { code: UpstreamCode; message: string } {
  if (error.code === "UND_ERR_HEADERS_TIMEOUT") {
    return { code: "upstream.timeout", message: "The tool server did not begin to answer in time" };
  }
  if (error.code === "UND_ERR_HEADERS_OVERFLOW" || error.name === "HTTPParserError") {
    return { code: "upstream.protocol", message: "The tool server's answer is not HTTP" };
  }
  return { code: "upstream.unavailable", message: "The connection to the tool server failed" };
}
