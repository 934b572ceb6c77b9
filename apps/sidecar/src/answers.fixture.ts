// The upstream's side of a test: answers, whole and streamed.
import { wholeBody } from "./upstream/body.ts";
import type { UpstreamBody, UpstreamRequest, UpstreamResponse } from "./upstream/upstream.ts";

export type Answering = (
  request: UpstreamRequest,
  signal: AbortSignal,
) => Promise<UpstreamResponse> | UpstreamResponse;

const JSON_TYPE = { "content-type": "application/json" };
const SSE_TYPE = { "content-type": "text/event-stream" };

/** Answers each request with the result "done", each notification with 202. */
export const answerJson: Answering = ({ message }) =>
  message?.kind === "request"
    ? jsonAnswer({
        jsonrpc: "2.0",
        id: message.id.value,
        result: { content: [{ type: "text", text: "done" }] },
      })
    : { status: 202, headers: {}, body: wholeBody(new Uint8Array()) };

export const jsonAnswer = (
  value: unknown,
  status = 200,
  headers: Record<string, string> = JSON_TYPE,
): UpstreamResponse => ({
  status,
  headers,
  body: wholeBody(Buffer.from(JSON.stringify(value))),
});

/** A stream of these events; a Fault among them breaks it there. */
export function sseAnswer(
  events: readonly unknown[],
  headers: Record<string, string> = SSE_TYPE,
): UpstreamResponse {
  const body: UpstreamBody = {
    whole: undefined,
    cancel: () => {},
    onOver: () => {},
    async *[Symbol.asyncIterator]() {
      for (const event of events) {
        if (event instanceof Error) throw event;
        yield Buffer.from(`event: message\ndata: ${JSON.stringify(event)}\n\n`);
      }
    },
  };
  return { status: 200, headers, body };
}
