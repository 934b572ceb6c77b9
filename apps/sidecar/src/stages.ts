// What is known of a message at each point of its way through the door. A step takes one stage and returns the next or a refusal, so a
// step that is left out, or stands in the wrong place, does not compile: only `Recorded` and `Placed<Permitted>` may be forwarded.
import type { Capability, Check, JsonObject, JsonValue, Reason } from "@postern/contracts";
import type { Allowed, Findings } from "@postern/decision";
import { type Era, findMethod, type Headers, type JsonRpcMessage } from "@postern/mcp";
import type { UpstreamResponse } from "./upstream/upstream.ts";

/** /v1/mcp speaks Streamable HTTP; /v1/tool-call takes one tools/call and answers with one JSON document. */
export type Door = "mcp" | "tool-call";

/** An HTTP request that is well-formed and meant for us; nothing is known about who sent it. */
export interface Received {
  readonly door: Door;
  readonly verb: "POST" | "GET" | "DELETE";
  /** Name of the upstream that the path chose. */
  readonly upstream: string;
  readonly headers: Headers;
  /** Empty unless `verb` is POST. */
  readonly body: Uint8Array;
  readonly remoteAddress: string;
  readonly requestId: string;
  readonly eventId: string;
  /** Wall clock and monotonic clock on arrival. */
  readonly receivedAtMs: number;
  readonly startedMs: number;
  /** Fires when the caller has gone away. */
  readonly gone: AbortSignal;
}

/** The one reading of the body; undefined where there is none (GET, DELETE). */
export interface Parsed extends Received {
  readonly message: JsonRpcMessage | undefined;
  readonly era: Era;
  /** Method of a request or notification; "" for a response, GET or DELETE. */
  readonly method: string;
  readonly token: string | undefined;
  readonly sessionId: string;
  readonly intentPrompt: string | undefined;
}

/** A message that asks for a tool to be run: it will be judged and recorded. */
export interface IdentifiedCall extends Parsed {
  readonly kind: "call";
  readonly tool: string;
  readonly args: JsonObject;
}

/** Any other message. */
export interface IdentifiedOther extends Parsed {
  readonly kind: "other";
}
export type Identified = IdentifiedCall | IdentifiedOther;

/** Sent by the holder of a valid capability, in a session of its own if it names one. */
export type Authenticated<S extends Identified = Identified> = S & { readonly capability: Capability };

/** A call that every check allows; its budget is reserved. */
export interface Decided extends Authenticated<IdentifiedCall> {
  readonly decision: Allowed;
}

/** A message of a method that belongs to every session. */
export interface Permitted extends Authenticated<IdentifiedOther> {
  readonly passes: "always";
}

/** A message of a method that passes only because the configuration names it: it is recorded as a call is. */
export interface Admitted extends Authenticated<IdentifiedOther> {
  readonly passes: "configured";
}

/** A message that has the place it needs if it opens something that lasts. */
export type Placed<S extends Permitted | Admitted = Permitted | Admitted> = S & {
  /** Gives the place back; harmless at any time, any number of times. */
  readonly leave: () => void;
};

/** What is carried out and has a durable intent record. */
export type Recorded<S extends Decided | Admitted = Decided | Admitted> = S & {
  readonly recorded: { readonly sequence: number };
};

/** What may go to an upstream. */
export type Forwardable = Recorded | Placed<Permitted>;

/** Whether the answer is a stream that ends when either side has enough of it, and not with an answer. */
export const staysOpen = ({ verb, method }: Pick<Parsed, "verb" | "method">): boolean =>
  verb === "GET" || findMethod(method)?.kind === "subscribe";

/** What the upstream answered, unread. */
export interface Forwarded {
  readonly stage: Forwardable;
  readonly answer: UpstreamResponse;
}

/** What the caller will get: nothing in it that its capability does not cover. */
export type Inspected = Whole | Streamed;

interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}
export interface Whole extends Head {
  readonly form: "whole";
  readonly body: Uint8Array;
}
export interface Streamed extends Head {
  readonly form: "stream";
  readonly parts: AsyncIterable<StreamPart>;
}

/** Bytes of whole SSE events. `settles`: the answer to the caller's own request is among them. */
export interface StreamPart {
  readonly bytes: Uint8Array;
  readonly settles: boolean;
}

/** Why a message goes no further. A value, never an exception. */
export interface Refused {
  readonly refused: true;
  /** HTTP status of the answer to a request; a refused notification is answered 403 whatever stands here. */
  readonly status: number;
  /** JSON-RPC error code. */
  readonly code: number;
  /** JSON text of the request's id; undefined when there is none to answer to. */
  readonly idText: string | undefined;
  readonly check: Check | "";
  /** First one decides. Their codes go to the audit event and to the caller. */
  readonly reasons: readonly (Reason | ProtocolReason)[];
  readonly findings: Omit<Findings, "timingsMs">;
  readonly decision: "block" | "escalate";
  /** Id of the audit event that says so; undefined while there is none. */
  readonly eventId?: string;
  /** `data` of the error, where the specification of MCP asks for one. */
  readonly data?: JsonValue;
}

/** A refusal for what was sent, before anybody asks who sent it. */
export interface ProtocolReason {
  readonly code: "message.malformed" | "message.method" | "session.unknown";
  readonly detail: string;
}

export const isRefused = (outcome: object): outcome is Refused => "refused" in outcome;

type RefusalPart = "code" | "check" | "reasons";
/** A refusal with what most refusals have in common. */
export function refuse(
  parsed: { readonly message?: Parsed["message"] } | undefined,
  refusal: Pick<Refused, RefusalPart> & Partial<Omit<Refused, RefusalPart | "refused">>,
): Refused {
  return {
    refused: true,
    status: 200,
    idText: parsed?.message?.id?.text,
    findings: {},
    decision: "block",
    ...refusal,
  };
}
