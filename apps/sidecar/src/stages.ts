// What is known of a message at each point of its way through the door. A step takes one stage and returns the next or a refusal, so a
// step that is left out, or stands in the wrong place, does not compile: only `Recorded` and `Placed<Permitted>` may be forwarded.
import type { ApprovalTicket, Capability, Check, JsonObject, JsonValue, Reason } from "@postern/contracts";
import type { Allowed, Escalated, Findings } from "@postern/decision";
import type { Era, Headers, JsonRpcMessage } from "@postern/mcp";
import type { Applied, Obligations } from "@postern/obligation";
import type { Handle } from "./handles.ts";
import type { MessageSpans } from "./tracing/spans.ts";
import type { UpstreamResponse } from "./upstream/upstream.ts";

/** /v1/mcp speaks Streamable HTTP; /v1/tool-call takes one tools/call and answers with one JSON document. */
export type Door = "mcp" | "tool-call";

/** An HTTP request that is well-formed and meant for us; nothing is known about who sent it. */
export interface Received {
  readonly door: Door;
  readonly verb: "POST" | "GET" | "DELETE";
  /** As it was sent: one of the paths that are listened on. */
  readonly path: string;
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
  /** The access token that `token` was exchanged for, if the caller came with one. */
  readonly subjectToken?: string | undefined;
  readonly sessionId: string;
  readonly intentPrompt: string | undefined;
  /** The memories that it rests on, as they were sent. */
  readonly memoryProvenance: string | undefined;
  /** Its trace, from when it is forwarded; absent where nothing is traced. */
  readonly spans?: MessageSpans;
}

/**
 * A message that asks for something, a tool to be run or whatever else a server offers: it will be judged and recorded. `tool` is what it is
 * judged as: the tool's name, or for anything but `tools/call` the method that stands for it ("resources/read", "prompts/get", …).
 */
export interface IdentifiedCall extends Parsed {
  readonly kind: "call";
  readonly tool: string;
  readonly args: JsonObject;
  /** What it came back with, when it was asked to wait for a person. */
  readonly returned?: Returned;
}

/** An answer to a question of our own: whether to keep waiting for the approval of a call. */
export interface Returned {
  readonly pendingId: string;
  readonly isDeclined: boolean;
}

/** Any other message. */
export interface IdentifiedOther extends Parsed {
  readonly kind: "other";
  readonly tool?: never;
}
export type Identified = IdentifiedCall | IdentifiedOther;

/** Sent by the holder of a valid capability, in a session of its own if it names one. */
export type Authenticated<S extends Identified = Identified> = S & { readonly capability: Capability };

/** A message that has the place it needs if it opens something that lasts. */
export type Placed<S extends Authenticated = Authenticated> = S & {
  /** Gives the place back; harmless at any time, any number of times. */
  readonly leave: () => void;
  /** Fires when the caller's token stands for it no more; only for what stays open. */
  readonly over?: AbortSignal;
};

/** A call that the policy puts before a person; nothing is reserved. */
export interface Escalation {
  readonly stage: Placed<Authenticated<IdentifiedCall>>;
  readonly escalated: Escalated;
}

/** A call that every check allows; its budget is reserved. */
export type Decided = Placed<Authenticated<IdentifiedCall>> & {
  readonly decision: Allowed;
  /** The approval without which it would have been put before a person. */
  readonly grant?: ApprovalTicket;
};

/** A message that may pass as it is: what belongs to every session, lists, and what concerns a task of the caller's own. */
export type Permitted = Placed<Authenticated<IdentifiedOther>> & {
  /** The decision under which the task began that the message is about. */
  readonly task: Handle | undefined;
};

/** A call as it will be sent: changed where the decision asks for it. */
export type Obliged = Decided & {
  readonly obligations: Obligations | undefined;
  /** What was done so far; the answer may add to it. */
  readonly applied: readonly Applied[];
};

/** A call that needs no approval, or has taken the one it had: nobody else can run by it any more. */
export type Cleared = Obliged & { readonly isCleared: true };

/** A call with a durable intent record. */
export type Recorded = Cleared & { readonly recorded: { readonly sequence: number } };

/** What may go to an upstream. */
export type Forwardable = Recorded | Permitted;

/** The stage itself with what the next one knows more: it grows, so that nothing is copied on the way. */
export const grow = <S extends object, const M extends object>(stage: S, more: M): S & M =>
  Object.assign(stage, more);

/** Whether the answer is a stream that ends when either side has enough of it, and not with an answer. */
export const staysOpen = ({ verb, method }: Pick<Parsed, "verb" | "method">): boolean =>
  verb === "GET" || method === "subscriptions/listen";

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
  /** What obligations had found when they refused. */
  readonly applied?: readonly Applied[];
  /** Id of the audit event that says so; undefined while there is none. */
  readonly eventId?: string;
  /** `data` of the error, where the specification of MCP asks for one. */
  readonly data?: JsonValue;
  /** The approval that it waits for, or was refused with. */
  readonly approval?: ApprovalTicket;
  /** What a request is answered with in place of an error: what it has to bring (MCP 2026-07-28, `input_required`). */
  readonly result?: JsonObject;
  /** Value of `WWW-Authenticate` that points to where one can log in; the status is then 401. */
  readonly challenge?: string;
}

/** A refusal for what was sent, before anybody asks who sent it. */
export interface ProtocolReason {
  readonly code: "message.malformed" | "message.method" | "session.unknown";
  readonly detail: string;
}

export const isRefused = (outcome: object): outcome is Refused => "refused" in outcome;
export const isEscalation = (outcome: object): outcome is Escalation => "escalated" in outcome;

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
