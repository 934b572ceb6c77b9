// From what a handler returned to bytes. A reply that does not match its declaration never leaves: it is an internal fault, raised inside
// the unit of work so that what led to it is undone. Fields that are not declared are not sent.
import { Fault } from "@postern/fault";
import { z } from "zod";
import { isAnswer, type Operation, type RequestInfo } from "./operation.ts";
import { type Streamed, type StreamKind, streamBody } from "./stream.ts";

/** A reply that was checked and serialised. */
export interface Prepared {
  readonly status: number;
  readonly mediaType: string | undefined;
  readonly body: string | Streamed | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** Checks a handler's result against its row. Raises Fault internal "reply.mismatch". */
export function prepareReply<Context>(row: Operation<Context>, result: unknown): Prepared {
  const { body, status = row.status, headers } = isAnswer(result) ? result : { body: result, headers: {} };
  if (status !== row.status && row.replies?.[status] === undefined)
    throw mismatch(row.id, `status ${status} is not declared`);
  const { reply } = row;
  if (reply === undefined) {
    if (body !== undefined) throw mismatch(row.id, "a body where none is declared");
    return { status, mediaType: undefined, body: undefined, headers };
  }
  if (!(reply instanceof z.ZodType)) return prepareStream(row.id, status, [reply].flat(), body, headers);
  const parsed = reply.safeParse(body);
  if (!parsed.success) throw mismatch(row.id, z.prettifyError(parsed.error));
  return { status, mediaType: "application/json", body: JSON.stringify(parsed.data), headers };
}

export function toResponse(
  reply: Prepared,
  request: RequestInfo,
  streamFailed: (caught: unknown) => void,
): Response {
  const headers = new Headers({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
  if (reply.mediaType !== undefined) headers.set("content-type", reply.mediaType);
  for (const [name, value] of Object.entries(reply.headers)) headers.set(name, value);
  headers.set("x-request-id", request.id);
  // A stream that nobody will read is never opened.
  const wanted = request.method !== "HEAD" && reply.status !== 204 && reply.status !== 304;
  const body = !wanted || reply.body === undefined ? null : encoded(reply.body, streamFailed);
  return new Response(body, { status: reply.status, headers });
}

function encoded(body: string | Streamed, failed: (caught: unknown) => void): string | ReadableStream {
  return typeof body === "string" ? body : streamBody(body.chunks, failed);
}

function prepareStream(
  id: string,
  status: number,
  kinds: readonly StreamKind[],
  body: unknown,
  headers: Readonly<Record<string, string>>,
): Prepared {
  const streamed = body as Streamed;
  if (!kinds.some((kind) => kind.mediaType === streamed?.mediaType))
    throw mismatch(id, `a stream of "${streamed?.mediaType}" is not declared`);
  return {
    status,
    mediaType: streamed.mediaType,
    body: streamed,
    headers: { ...streamed.headers, ...headers },
  };
}

function mismatch(id: string, detail: string): Fault {
  return new Fault("internal", "reply.mismatch", "Something went wrong on our side.", {
    detail: `${id}: ${detail}`,
  });
}
