// A tracer that keeps its spans, and stages as the pipeline would have grown them.
import { type Capability, reason } from "@postern/contracts";
import type { JsonRpcMessage } from "@postern/mcp";
import { readMessage } from "@postern/mcp";
import type { Span, SpanAttributes, SpanStart, TraceContext, Tracer } from "@postern/telemetry";
import { type Refused, refuse } from "../stages.ts";
import type { Observed } from "./observed.ts";

export interface MemorySpan extends Span {
  readonly start: SpanStart;
  readonly attributes: Record<string, string | number | boolean>;
  readonly notes: { readonly name: string; readonly attributes: SpanAttributes }[];
  errorType: string | undefined;
  /** How often its end was asked for. */
  ends: number;
}

export interface MemoryTracer extends Tracer {
  readonly spans: MemorySpan[];
}

/** Every trace is kept unless its parent is not. */
export function createMemoryTracer(): MemoryTracer {
  const spans: MemorySpan[] = [];
  const digits = (count: number) => String(spans.length + 1).padStart(count, "a");
  return {
    spans,
    begin(start) {
      const { parent } = start;
      const within: TraceContext | undefined = parent && ("context" in parent ? parent.context : parent);
      const context: TraceContext = {
        traceId: within?.traceId ?? digits(32),
        spanId: digits(16),
        isSampled: within?.isSampled ?? true,
        state: within?.state ?? "",
      };
      const span: MemorySpan = {
        start,
        context,
        isRecording: context.isSampled,
        attributes: {},
        notes: [],
        errorType: undefined,
        ends: 0,
        set: (attributes) => void Object.assign(span.attributes, attributes),
        note: (name, attributes) => void span.notes.push({ name, attributes }),
        fail(errorType) {
          span.errorType = errorType;
        },
        end() {
          span.ends += 1;
        },
      };
      spans.push(span);
      return span;
    },
    close: async () => {},
  };
}

export const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
export const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

const alice: Capability = {
  tenant: "acme",
  agent: "alice",
  issuer: "postern",
  jti: "jti-1",
  rootJti: "root-1",
  parentJti: undefined,
  kid: "k4.pid.test",
  issuedAtMs: 0,
  notBeforeMs: undefined,
  expiresAtMs: undefined,
  stepUpAtMs: undefined,
  hops: [],
  caveatCount: 0,
};

export function messageOf(value: object): JsonRpcMessage {
  const body = Buffer.from(JSON.stringify(value));
  const read = readMessage(body, { bytesMax: body.byteLength });
  if (!read.ok) throw new Error(read.detail);
  return read.message;
}

export const callOf = (params: object = {}) =>
  messageOf({ jsonrpc: "2.0", id: 7, method: "tools/call", params: { name: "read", ...params } });

const POINTER = {
  revision: 3,
  digest: "d".repeat(64),
  kid: "k4.pid.test",
  expires_at: "2027-01-01T00:00:00Z",
};

/** A call of alice's that is about to be forwarded. */
export function forwardable(changes: Partial<Observed> = {}): Observed {
  const message = callOf();
  return {
    verb: "POST",
    requestId: "req-1",
    eventId: "event-1",
    upstream: "files",
    remoteAddress: "192.0.2.7",
    receivedAtMs: 1_700_000_000_000,
    startedMs: 1_000,
    gone: new AbortController().signal,
    headers: new Map([["mcp-protocol-version", "2025-11-25"]]),
    message,
    method: "tools/call",
    token: "v4.public.canary",
    sessionId: "session-1",
    kind: "call",
    tool: "read",
    capability: alice,
    decision: { capability: alice, pointer: POINTER, timingsMs: { capability: 0.125, policy: 0.5 } },
    recorded: {},
    ...changes,
  };
}

export const denial = (changes: Partial<Refused> = {}): Refused => ({
  ...refuse(undefined, {
    code: -32012,
    check: "policy",
    reasons: [reason("policy.denied", "because amount 4711-canary is too much")],
    findings: { capability: alice },
    eventId: "event-1",
  }),
  ...changes,
});
