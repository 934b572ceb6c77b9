// The spans of one message: one for what was asked of us, one within it for what we asked of the tool server. The request that goes there
// names the inner one in its headers; the message itself stays as it was sent (P1), so its own `traceparent` still names the caller's span.
import { toFault } from "@postern/fault";
import { type Span, type Tracer, traceParentOf } from "@postern/telemetry";
import type { UpstreamBody, UpstreamResponse } from "../upstream/upstream.ts";
import {
  callerAttributes,
  endingAttributes,
  messageAttributes,
  spanName,
  type UpstreamPlace,
  upstreamAttributes,
} from "./message-attributes.ts";
import { type Ending, findingsOf, holderOf, type Observed, timingsOf } from "./observed.ts";
import type { MessageSpans } from "./spans.ts";
import { claimedTrace } from "./trace-parent.ts";

export interface SpanKeeper {
  /** Begins both spans: the message goes to the tool server now. */
  forwarding(stage: Observed): MessageSpans;
  /** Ends what was begun, or begins and ends the one span of a message that went no further. Returns the trace's id. */
  ended(stage: Observed, ending: Ending): string;
}

export interface SpanKeeperPorts {
  readonly tracer: Pick<Tracer, "begin">;
  /** Of each upstream, by name. */
  readonly places: ReadonlyMap<string, UpstreamPlace>;
}

export function createSpanKeeper({ tracer, places }: SpanKeeperPorts): SpanKeeper {
  /** Somebody who proved nothing has no say in which trace we write to, nor in whether it is kept. */
  function beginServer(stage: Observed, ending?: Ending): Span {
    const { headers = new Map<string, string>(), message, receivedAtMs, startedMs } = stage;
    const { parent, link } = claimedTrace({ message, headers });
    const isKnown = holderOf(stage, ending) !== undefined;
    const linked = isKnown ? link : (parent ?? link);
    const server = tracer.begin({
      name: spanName(stage),
      kind: "server",
      ...(isKnown && parent !== undefined && { parent }),
      ...(linked !== undefined && { link: linked }),
      ...(receivedAtMs !== undefined &&
        startedMs !== undefined && { began: { wallMs: receivedAtMs, monotonicMs: startedMs } }),
    });
    if (!server.isRecording) return server;
    server.set({ ...messageAttributes(stage), ...callerAttributes(stage) });
    for (const [check, ms] of timingsOf(findingsOf(stage, ending)))
      server.note("postern.check", { "postern.check": check, "postern.duration_ms": ms });
    return server;
  }

  return {
    forwarding(stage) {
      const server = beginServer(stage);
      const client = tracer.begin({ name: spanName(stage), kind: "client", parent: server });
      if (client.isRecording)
        client.set({ ...messageAttributes(stage), ...upstreamAttributes(places.get(stage.upstream ?? "")) });
      const overrides = { traceparent: traceParentOf(client.context), tracestate: client.context.state };
      return { server, client, overrides, answered: (answer) => watched(answer, client) };
    },

    ended(stage, ending) {
      const { server = beginServer(stage, ending), client } = stage.spans ?? {};
      const { caught, refused, status } = ending;
      const isLeft = stage.gone?.aborted === true;
      if (client !== undefined) {
        if (caught !== undefined && !isLeft) client.fail(toFault(caught).code);
        client.end();
      }
      if (server.isRecording) {
        server.set(endingAttributes(stage, ending));
        if (isLeft) server.set({ "postern.caller_left": true });
        else if (refused !== undefined) server.fail(String(refused.code));
        else if (status === "broken") server.fail(toFault(caught).code);
      }
      server.end();
      return server.context.traceId;
    },
  };
}

function watched(answer: UpstreamResponse, client: Span): UpstreamResponse {
  if (!client.isRecording) return answer;
  const { body, status } = answer;
  client.set({ "http.response.status_code": status });
  if (status >= 400) client.fail(String(status));
  if (body.whole === undefined) return { ...answer, body: watchedBody(body, client) };
  client.end();
  return answer;
}

function watchedBody(body: UpstreamBody, client: Span): UpstreamBody {
  return {
    whole: body.whole,
    cancel: () => body.cancel(),
    onOver: (callback) => body.onOver(callback),
    async *[Symbol.asyncIterator]() {
      try {
        yield* body;
      } catch (caught) {
        client.fail(toFault(caught).code);
        throw caught;
      } finally {
        client.end();
      }
    },
  };
}
