// What a message that goes to its tool server carries of its trace.
import type { Span } from "@postern/telemetry";
import type { UpstreamResponse } from "../upstream/upstream.ts";

export interface MessageSpans {
  readonly server: Span;
  readonly client: Span;
  /** Headers of the request to the tool server, in place of the caller's own; "" = none. */
  readonly overrides: { readonly traceparent: string; readonly tracestate: string };
  /** The same answer, whose end is the end of the inner span. */
  answered(answer: UpstreamResponse): UpstreamResponse;
}
