// Step 6: the message goes to its upstream: the very bytes that were judged, once. Nothing is ever sent a second time, since what was
// written may have run.
import { ERROR_CODE, type Reason } from "@postern/contracts";
import type { CallClients } from "../call-clients.ts";
import { type Forwardable, type Forwarded, grow, type Refused, refuse, staysOpen } from "../stages.ts";
import type { MessageObserver } from "../tracing/message-observer.ts";
import { type Upstream, type UpstreamResponse, upstreamFault } from "../upstream/upstream.ts";

export interface ForwardPorts {
  /** The upstreams that there are now. */
  readonly upstreams: Pick<ReadonlyMap<string, Upstream>, "get">;
  readonly callClients: Pick<CallClients, "clientFor">;
  readonly observer: Pick<MessageObserver, "forwarding">;
  /** Why nothing may be forwarded now. Asked again here: the process may have been stopped since the call was judged. */
  readonly stale: (tool?: string) => Reason | undefined;
  /** Fires when the sidecar is to end; streams that no answer ends end with it. */
  readonly closing: AbortSignal;
}

/** @throws Fault as `Upstream.forward` does. */
export async function forward(stage: Forwardable, ports: ForwardPorts): Promise<Forwarded | Refused> {
  const stale = ports.stale(stage.tool);
  if (stale !== undefined) {
    const findings = { capability: stage.capability };
    return refuse(stage, { code: ERROR_CODE.capability, check: "capability", reasons: [stale], findings });
  }
  const upstream = ports.upstreams.get(stage.upstream);
  if (upstream === undefined)
    throw upstreamFault("upstream.unavailable", "The tool server was removed meanwhile", { sent: false });
  const spans = ports.observer.forwarding(stage);
  if (spans !== undefined) grow(stage, { spans });
  const answer = await (stage.door === "mcp" ? forwardAsIs : forwardDirect)(stage, upstream, ports);
  return { stage, answer: spans === undefined ? answer : spans.answered(answer) };
}

async function forwardAsIs(
  stage: Forwardable,
  upstream: Upstream,
  { closing }: ForwardPorts,
): Promise<UpstreamResponse> {
  const { gone, headers, message, spans, subjectToken, verb: method } = stage;
  const overrides = spans?.overrides;
  const principal = stage.capability.rootJti;
  const body = message === undefined ? undefined : stage.body;
  const signal = staysOpen(stage) ? AbortSignal.any([gone, closing]) : gone;
  return upstream.forward({ method, headers, overrides, principal, subjectToken, body, message }, signal);
}

/** A caller of /v1/tool-call gets the answer alone, whatever the tool server streams before it. */
async function forwardDirect(
  stage: Forwardable,
  upstream: Upstream,
  { callClients }: ForwardPorts,
): Promise<UpstreamResponse> {
  if (stage.message?.kind !== "request") throw new TypeError("a direct call is a request");
  const { body, capability, gone, message, spans, subjectToken } = stage;
  const caller = { principal: capability.rootJti, subjectToken, overrides: spans?.overrides };
  return callClients.clientFor(upstream, capability).callOnce(message, body, gone, caller);
}
