export {
  createLogger,
  type Fields,
  LOG_LEVELS,
  type Logger,
  type LogLevel,
  REDACTED_FIELDS,
  silentLogger,
} from "./logger.ts";
export { createMetrics, METRICS, type MetricName, type Metrics } from "./metrics.ts";
