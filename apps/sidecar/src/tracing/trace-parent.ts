// Which trace a message says it belongs to: `params._meta` first, which is the message's own (SEP-414), then the headers of the request that
// carried it. `baggage` is passed on with the rest and read by nobody here.
import { type JsonRpcMessage, member, metaOf } from "@postern/mcp";
import { readTraceContext, type TraceContext } from "@postern/telemetry";

export interface ClaimedTrace {
  readonly parent: TraceContext | undefined;
  /** The request's own trace, where the message names another one. */
  readonly link: TraceContext | undefined;
}

export function claimedTrace({
  message,
  headers,
}: {
  readonly message: JsonRpcMessage | undefined;
  readonly headers: ReadonlyMap<string, string>;
}): ClaimedTrace {
  const carried = readTraceContext(headers.get("traceparent"), headers.get("tracestate"));
  const meta = message && metaOf(message);
  const own = meta && readTraceContext(member(meta, "traceparent"), member(meta, "tracestate"));
  const isOther = own !== undefined && own.spanId !== carried?.spanId;
  return { parent: own ?? carried, link: isOther ? carried : undefined };
}
