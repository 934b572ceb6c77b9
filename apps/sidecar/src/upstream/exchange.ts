// One HTTP exchange with a tool server, as a handler of undici's dispatcher: knows whether anything was written, hands the answer over as
// soon as it begins (or whole, when it is small), passes back-pressure on, and ends once, whoever ends it.
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
  /** Largest answer that is no stream. */
  readonly bodyBytesMax: number;
  readonly resolve: (response: UpstreamResponse) => void;
  readonly reject: (fault: Fault) => void;
  /** Called exactly once, when nothing more will happen. */
  readonly finished: () => void;
}

export function createExchange(options: ExchangeOptions): Dispatcher.DispatchHandler {
  const { signal, clock, idleTimeoutMs, bodyBytesMax } = options;
  let controller: Dispatcher.DispatchController | undefined;
  let head: AnswerHead | undefined;
  let pipe: BodyPipe | undefined;
  let handOver: (() => void) | undefined;
  let idle: IdleWatch | undefined;
  let receivedBytes = 0;
  let isOver = false;

  const finish = () => {
    isOver = true;
    idle?.stop();
    signal.removeEventListener("abort", onAbort);
    options.finished();
  };
  const fail = (code: UpstreamCode, message: string, cause?: unknown) => {
    if (isOver) return;
    finish();
    const fault = upstreamFault(code, message, { sent: controller !== undefined, cause });
    if (handOver !== undefined || pipe === undefined) options.reject(fault);
    handOver = undefined;
    pipe?.fail(fault);
    controller?.abort(fault);
  };
  const onAbort = () => fail("upstream.aborted", "The caller has gone");
  const onIdle = () => fail("upstream.timeout", `The tool server's answer stopped for ${idleTimeoutMs} ms`);
  signal.addEventListener("abort", onAbort, { once: true });

  return {
    onRequestStart(started) {
      // Started twice would be sent twice.
      if (isOver || controller !== undefined) started.abort(new Error("The exchange is over."));
      else controller = started;
    },
    onResponseStart(started, status, raw) {
      if (isOver || status < 200) return;
      const read = readAnswerHead(status, raw, bodyBytesMax);
      if (!read.ok) return fail(read.code, read.message);
      const { headers, isStream, lengthBytes } = read;
      const opened = createBodyPipe({
        pause: () => started.pause(),
        resume: () => started.resume(),
        abort: () => fail("upstream.aborted", "The answer is not wanted any more"),
      });
      head = read;
      pipe = opened;
      handOver = () => {
        handOver = undefined;
        const whole = opened.takeWhole();
        options.resolve({ status, headers, body: whole === undefined ? opened.body : wholeBody(whole) });
      };
      if (isStream) return handOver();
      idle = startIdleWatch({ clock, timeoutMs: idleTimeoutMs, isPaused: () => started.paused, onIdle });
      // A small answer is worth waiting for; of any other, what this turn of the event loop brings.
      if (!(lengthBytes < HIGH_WATER_BYTES)) process.nextTick(() => handOver?.());
    },
    onResponseData(_controller, chunk) {
      if (isOver) return;
      receivedBytes += chunk.byteLength;
      if (!head?.isStream && receivedBytes > bodyBytesMax)
        return fail("upstream.protocol", tooLarge(bodyBytesMax));
      idle?.moved();
      pipe?.push(chunk);
    },
    onResponseEnd() {
      if (isOver) return;
      finish();
      pipe?.end();
      handOver?.();
    },
    onResponseError(_controller, error) {
      const [code, message] = troubleOf(error);
      fail(code, message, error);
    },
  };
}

function troubleOf(error: Error & { code?: string }): readonly [UpstreamCode, string] {
  if (error.code === "UND_ERR_HEADERS_TIMEOUT") {
    return ["upstream.timeout", "The tool server did not begin to answer in time"];
  }
  if (error.code === "UND_ERR_HEADERS_OVERFLOW" || error.name === "HTTPParserError") {
    return ["upstream.protocol", "The tool server's answer is not HTTP"];
  }
  return ["upstream.unavailable", "The connection to the tool server failed"];
}
