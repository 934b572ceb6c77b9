// Step 9: the one place that turns a result, a refusal or trouble into an HTTP answer. A refused request gets HTTP 200 with a JSON-RPC error,
// because clients then hand code and data to their caller; a refused notification gets 403, because 202 would say that it was taken.
import { ERROR_CODE, type ReasonCode, reason } from "@postern/contracts";
import { toFault } from "@postern/fault";
import { RPC_ERROR } from "@postern/mcp";
import { denialResponse } from "../denial.ts";
import type { Exchange } from "../exchange.ts";
import { type Inspected, type Refused, refuse } from "../stages.ts";
import type { MessageObserver } from "../tracing/message-observer.ts";
import type { Observed as Reached } from "../tracing/observed.ts";

export interface RespondPorts {
  readonly observer: Pick<MessageObserver, "ended">;
}

interface Milestones {
  /** Awaited before the caller holds the answer to its request. */
  readonly beforeAnswer: () => Promise<void>;
  /** Awaited before a stream ends. */
  readonly beforeEnd: () => Promise<void>;
}

const NONE: Milestones = { beforeAnswer: async () => {}, beforeEnd: async () => {} };

/** @throws what reading the answer throws. */
export async function respond(
  exchange: Exchange,
  stage: Reached,
  inspected: Inspected,
  ports: RespondPorts,
  milestones: Milestones = NONE,
): Promise<void> {
  const { status, headers } = inspected;
  if (inspected.form === "whole") {
    await milestones.beforeAnswer();
    exchange.whole(status, headers, inspected.body);
  } else {
    exchange.begin(status, headers);
    for await (const { bytes, settles } of inspected.parts) {
      if (settles) await milestones.beforeAnswer();
      if (!(await exchange.write(bytes))) break;
    }
    await milestones.beforeEnd();
    exchange.end();
  }
  ports.observer.ended(stage, { status: "answered" });
}

/** A message that was for us: an answer, or word that a call is not wanted any more (Streamable HTTP, Sending Messages). */
export function respondHeard(exchange: Exchange, stage: Reached, { observer }: RespondPorts): void {
  observer.ended(stage, { status: "answered" });
  exchange.whole(202, {}, "");
}

export function respondRefused(
  exchange: Exchange,
  stage: Reached,
  refused: Refused,
  { observer }: RespondPorts,
  caught?: unknown,
): void {
  observer.ended(stage, { status: "refused", refused, caught });
  const asked = {
    ...HEADERS_OF_STATUS[refused.status],
    ...(refused.challenge !== undefined && { "www-authenticate": refused.challenge }),
  };
  if (stage.message !== undefined && stage.message.kind !== "request") {
    exchange.whole(refused.status === 200 ? 403 : refused.status, asked, "");
    return;
  }
  const headers = { "content-type": "application/json", ...asked };
  exchange.whole(refused.status, headers, denialResponse(refused, stage.requestId));
}

/** Trouble with the tool server, or of our own. An answer that has begun is broken off, so that nobody takes a part for the whole. */
export function respondTrouble(
  exchange: Exchange,
  stage: Reached & { readonly eventId: string; readonly isRecorded: boolean },
  caught: unknown,
  ports: RespondPorts,
): void {
  const fault = toFault(caught);
  if (exchange.begun()) {
    ports.observer.ended(stage, { status: "broken", caught });
    exchange.breakOff();
    return;
  }
  const isUpstream = fault.kind === "upstream" || fault.kind === "limited";
  const known = UPSTREAM_REASONS.find((code) => code === fault.code) ?? "upstream.unavailable";
  const refused = refuse(stage, {
    code: isUpstream ? ERROR_CODE.upstream_unavailable : RPC_ERROR.internal,
    check: isUpstream ? "upstream" : "",
    reasons: [isUpstream ? reason(known, fault.message) : reason("internal")],
    ...(stage.isRecorded && { eventId: stage.eventId }),
    ...(stage.message?.kind !== "request" && { status: 502 }),
  });
  respondRefused(exchange, stage, refused, ports, caught);
}

/** What HTTP asks for with a status (RFC 9110 §15, RFC 6585 §4). */
const HEADERS_OF_STATUS: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  401: { "www-authenticate": "Bearer" },
  405: { allow: "POST" },
  429: { "retry-after": "1" },
  503: { "retry-after": "1" },
};

const UPSTREAM_REASONS: readonly ReasonCode[] = [
  "upstream.unavailable",
  "upstream.busy",
  "upstream.circuit_open",
  "upstream.timeout",
  "upstream.protocol",
];
