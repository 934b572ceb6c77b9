export {
  createLogger,
  type Fields,
  LOG_LEVELS,
  type Logger,
  type LogLevel,
  silentLogger,
} from "./logger.ts";
export { createMetrics, METRICS, type MetricName, type Metrics } from "./metrics.ts";
export { REDACTED_FIELDS } from "./redact.ts";
export { readTraceContext, type TraceContext, traceParentOf } from "./tracing/trace-context.ts";
export {
  SAMPLERS,
  type SamplerName,
  type Span,
  type SpanAttributes,
  type SpanStart,
  type Tracer,
} from "./tracing/tracer.ts";
