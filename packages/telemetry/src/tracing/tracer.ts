// Traces as the product sees them: a span has a place, a name, attributes and an end. An adapter exports them; whoever has no tracer traces
// nothing and pays nothing.
import type { TraceContext } from "./trace-context.ts";

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** Values of OpenTelemetry's `OTEL_TRACES_SAMPLER`. The "parentbased" ones do as the trace does that a message belongs to. */
export const SAMPLERS = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;
export type SamplerName = (typeof SAMPLERS)[number];

export interface SpanStart {
  readonly name: string;
  /** server: what somebody asked of us · client: what we asked of somebody. */
  readonly kind: "server" | "client";
  /** A span of ours, or what a message said; absent: a new trace. */
  readonly parent?: Span | TraceContext;
  /** Another trace that this belongs with. */
  readonly link?: TraceContext;
  /** When it began, on both clocks; default: now. Spans within a span go by its clocks. */
  readonly began?: { readonly wallMs: number; readonly monotonicMs: number };
}

export interface Span {
  readonly context: TraceContext;
  /** False when the trace is not sampled: then nothing that is set is kept. */
  readonly isRecording: boolean;
  set(attributes: SpanAttributes): void;
  /** Something that happened on the way. */
  note(name: string, attributes: SpanAttributes): void;
  /** The span ends in an error of this class, from a closed set. */
  fail(errorType: string): void;
  /** The first end counts. */
  end(): void;
}

export interface Tracer {
  begin(start: SpanStart): Span;
  /** Exports what waits, until the time is up. Never throws. */
  close(timeUp: Promise<unknown>): Promise<void>;
}
