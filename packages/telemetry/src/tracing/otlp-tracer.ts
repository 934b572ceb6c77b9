// Spans over OTLP/HTTP (protobuf), with OpenTelemetry's own packages. Nothing global is registered, and this file is loaded only where traces
// are configured. What waits to be exported is bounded: beyond that spans are dropped and counted, and nobody ever waits for a collector.
import {
  type Context,
  createTraceState,
  type Link,
  type Span as OtelSpan,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Clock } from "@postern/fault";
import type { TraceContext } from "./trace-context.ts";
import type { SamplerName, Span, SpanStart, Tracer } from "./tracer.ts";

/** `ratio` is asked by those with "ratio" in their name. */
const SAMPLER: Readonly<Record<SamplerName, (ratio: number) => Sampler>> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (ratio) => new TraceIdRatioBasedSampler(ratio),
  parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  parentbased_traceidratio: (ratio) => new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
};

export type SpanFate = "exported" | "failed" | "dropped";

export interface OtlpTracerOptions {
  /** Whole address that spans are sent to, such as http://127.0.0.1:4318/v1/traces. */
  readonly url: string;
  /** Sent with every export. */
  readonly headers: Readonly<Record<string, string>>;
  /** For one export with all its attempts. */
  readonly timeoutMs: number;
  readonly sampler: SamplerName;
  /** 0 to 1. */
  readonly ratio: number;
  /** Attributes of the process: "service.name", "service.version", … */
  readonly resource: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Ended spans that wait; default 2,048. */
  readonly waitingMax?: number;
  /** How long the first of them waits for company; default 5,000. */
  readonly gatherMs?: number;
  /** Hears what became of spans. `trouble`: why they could not be exported; an error's text may hold an address. */
  readonly onSpans?: (fate: SpanFate, count: number, trouble?: Error) => void;
}

const WAITING_MAX = 2_048;
const BATCH_MAX = 512;
/** `ExportResultCode.SUCCESS`. */
const SUCCESS = 0;
/** Tool names and the like are bounded by whoever sets them; this is the last bound. */
const ATTRIBUTE_CHARACTERS_MAX = 1_024;

export function createOtlpTracer(options: OtlpTracerOptions): Tracer {
  const provider = new TracerProvider({
    sampler: SAMPLER[options.sampler](options.ratio),
    resource: defaultResource().merge(resourceFromAttributes(options.resource)),
    spanLimits: { attributeValueLengthLimit: ATTRIBUTE_CHARACTERS_MAX },
    spanProcessors: [boundedProcessor(options)],
  });
  const tracer = provider.getTracer("postern");
  return {
    begin: (start) => beginSpan(tracer, options.clock, start),
    async close(timeUp) {
      const ended = provider.shutdown().catch((caught: Error) => options.onSpans?.("failed", 0, caught));
      await Promise.race([ended, timeUp]);
    },
  };
}

/** Batches in the background. The processor's own bound is the same, but it would drop without a word. */
function boundedProcessor(options: OtlpTracerOptions): SpanProcessor {
  const { url, headers, timeoutMs, waitingMax = WAITING_MAX, gatherMs = 5_000, onSpans } = options;
  const otlp = new OTLPTraceExporter({ url, headers: { ...headers }, timeoutMillis: timeoutMs });
  let waiting = 0;
  const exporter: SpanExporter = {
    export(spans, done) {
      waiting -= spans.length;
      otlp.export(spans, ({ code, error }) => {
        onSpans?.(code === SUCCESS ? "exported" : "failed", spans.length, error);
        // The batches go on whatever became of this one; a failure would end the flush of the others.
        done({ code: SUCCESS });
      });
    },
    shutdown: () => otlp.shutdown(),
  };
  const batches = new BatchSpanProcessor({
    exporter,
    maxQueueSize: waitingMax,
    maxExportBatchSize: Math.min(BATCH_MAX, waitingMax),
    scheduledDelayMillis: gatherMs,
    // The exporter gives up by itself; this is for one that does not.
    exportTimeoutMillis: 2 * timeoutMs,
  });
  return {
    onStart: () => {},
    onEnd(span) {
      if (waiting >= waitingMax) {
        onSpans?.("dropped", 1);
        return;
      }
      waiting += 1;
      batches.onEnd(span);
    },
    forceFlush: () => batches.forceFlush(),
    shutdown: () => batches.shutdown(),
  };
}

/** A span as others within this file see it: with the clocks by which it goes. */
interface OwnSpan extends Span {
  readonly otel: OtelSpan;
  readonly wallMsNow: () => number;
}

function beginSpan(
  tracer: OtelTracer,
  clock: Clock,
  { name, kind, parent, link, began }: SpanStart,
): OwnSpan {
  const own = parent !== undefined && isOwn(parent) ? parent : undefined;
  const wallMsNow = own?.wallMsNow ?? wallClock(clock, began);
  const links: Link[] = link === undefined ? [] : [{ context: remoteContext(link) }];
  const otel = tracer.startSpan(
    name,
    {
      kind: kind === "server" ? SpanKind.SERVER : SpanKind.CLIENT,
      startTime: own === undefined ? (began?.wallMs ?? wallMsNow()) : wallMsNow(),
      ...(links.length > 0 && { links }),
    },
    contextOf(parent, own),
  );
  return wrap(otel, wallMsNow);
}

function contextOf(parent: SpanStart["parent"], own: OwnSpan | undefined): Context {
  if (parent === undefined) return ROOT_CONTEXT;
  return own === undefined
    ? trace.setSpanContext(ROOT_CONTEXT, remoteContext("context" in parent ? parent.context : parent))
    : trace.setSpan(ROOT_CONTEXT, own.otel);
}

/** Wall time that never steps within a span: its beginning by the wall clock, and what has passed since by the other. */
function wallClock(clock: Clock, began: SpanStart["began"]): () => number {
  const { wallMs, monotonicMs } = began ?? { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
  return () => wallMs + Math.max(0, clock.monotonicMs() - monotonicMs);
}

function wrap(otel: OtelSpan, wallMsNow: () => number): OwnSpan {
  const { traceId, spanId, traceFlags, traceState } = otel.spanContext();
  const isSampled = (traceFlags & TraceFlags.SAMPLED) === TraceFlags.SAMPLED;
  let isEnded = false;
  return {
    otel,
    wallMsNow,
    context: { traceId, spanId, isSampled, state: traceState?.serialize() ?? "" },
    isRecording: otel.isRecording(),
    set: (attributes) => void otel.setAttributes(attributes),
    note: (name, attributes) => void otel.addEvent(name, attributes, wallMsNow()),
    fail(errorType) {
      otel.setAttribute("error.type", errorType);
      otel.setStatus({ code: SpanStatusCode.ERROR });
    },
    end() {
      if (isEnded) return;
      isEnded = true;
      otel.end(wallMsNow());
    },
  };
}

const isOwn = (parent: Span | TraceContext): parent is OwnSpan => "otel" in parent;

const remoteContext = ({ traceId, spanId, isSampled, state }: TraceContext): SpanContext => ({
  traceId,
  spanId,
  traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
  isRemote: true,
  ...(state !== "" && { traceState: createTraceState(state) }),
});
