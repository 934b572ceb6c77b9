// The settings of traces, under the names that OpenTelemetry gives them, so that a cluster's own way of setting them works here too. Without an
// address there are no traces.
import {
  type ConfigOf,
  decimal,
  flag,
  httpUrl,
  integer,
  oneOf,
  type Secret,
  secret,
  setting,
  text,
} from "@postern/config";
import { SAMPLERS, type SamplerName } from "@postern/telemetry";
import { z } from "zod";

/** `name=value` pairs, separated by commas; values are percent-decoded. */
const pairs = () =>
  z
    .string()
    .max(16_384)
    .refine((given) => readPairs(given) !== undefined, "must be name=value pairs, separated by commas");

export const TRACING_SETTINGS = {
  otlpEndpoint: setting(
    {
      env: "OTEL_EXPORTER_OTLP_ENDPOINT",
      description:
        "Address of an OTLP/HTTP collector, such as http://127.0.0.1:4318; traces go to its /v1/traces. Unset = no traces.",
      optional: true,
    },
    httpUrl(),
  ),
  otlpTracesEndpoint: setting(
    {
      env: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
      description: "Whole address that traces go to, in place of the one above.",
      optional: true,
    },
    httpUrl(),
  ),
  otlpHeaders: setting(
    {
      env: "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
      aliases: ["OTEL_EXPORTER_OTLP_HEADERS"],
      description: "Headers sent to the collector, as name=value pairs separated by commas.",
      optional: true,
    },
    pairs().transform((given): Secret => secret(given)),
  ),
  otlpProtocol: setting(
    {
      env: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
      aliases: ["OTEL_EXPORTER_OTLP_PROTOCOL"],
      description: "Form of what is sent to the collector.",
      default: "http/protobuf",
    },
    oneOf(["http/protobuf"]),
  ),
  otlpTimeoutMs: setting(
    {
      env: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
      aliases: ["OTEL_EXPORTER_OTLP_TIMEOUT"],
      description: "How long one export to the collector may take, in milliseconds.",
      default: "10000",
    },
    integer({ min: 1, max: 600_000 }),
  ),
  tracesExporter: setting(
    { env: "OTEL_TRACES_EXPORTER", description: "none = no traces, whatever else is set.", default: "otlp" },
    oneOf(["otlp", "none"]),
  ),
  otelDisabled: setting(
    { env: "OTEL_SDK_DISABLED", description: "true = no traces, whatever else is set.", default: "false" },
    flag(),
  ),
  tracesSampler: setting(
    { env: "OTEL_TRACES_SAMPLER", description: "Which traces are kept.", default: "parentbased_always_on" },
    oneOf(SAMPLERS),
  ),
  tracesRatio: setting(
    {
      env: "OTEL_TRACES_SAMPLER_ARG",
      description: "Share of traces that a ratio sampler keeps, 0 to 1.",
      default: "1",
    },
    decimal({ min: 0, max: 1 }),
  ),
  otelServiceName: setting(
    { env: "OTEL_SERVICE_NAME", description: "Name of this service in traces.", default: "postern-sidecar" },
    text(255),
  ),
  otelResource: setting(
    {
      env: "OTEL_RESOURCE_ATTRIBUTES",
      description: "What else traces say of this process, as name=value pairs separated by commas.",
      optional: true,
    },
    pairs(),
  ),
} as const;

export type TracingSettings = ConfigOf<typeof TRACING_SETTINGS>;

export interface TracingConfig {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly sampler: SamplerName;
  readonly ratio: number;
  readonly resource: Readonly<Record<string, string>>;
}

/** Where traces go, and which; undefined when there are none. */
export function readTracing(settings: TracingSettings): TracingConfig | undefined {
  const { otlpEndpoint, otlpTracesEndpoint, otelDisabled, tracesExporter } = settings;
  const url = otlpTracesEndpoint ?? (otlpEndpoint && `${otlpEndpoint.replace(/\/$/, "")}/v1/traces`);
  if (url === undefined || otelDisabled || tracesExporter === "none") return undefined;
  return {
    url,
    headers: readPairs(settings.otlpHeaders?.reveal() ?? "") ?? {},
    timeoutMs: settings.otlpTimeoutMs,
    sampler: settings.tracesSampler,
    ratio: settings.tracesRatio,
    resource: { ...readPairs(settings.otelResource ?? ""), "service.name": settings.otelServiceName },
  };
}

function readPairs(given: string): Record<string, string> | undefined {
  const found = given
    .split(",")
    .filter((pair) => pair.trim() !== "")
    .map((pair) => /^\s*([\w.*/-]{1,256})\s*=\s*([!-+\--~ ]*?)\s*$/.exec(pair));
  const read = found.flatMap((match) => {
    const value = decode(match?.[2]);
    return match?.[1] === undefined || value === undefined ? [] : [[match[1], value] as const];
  });
  return read.length === found.length ? Object.fromEntries(read) : undefined;
}

/** Undefined for what is not percent-encoded text. */
function decode(encoded: string | undefined): string | undefined {
  try {
    const decoded = encoded === undefined ? undefined : decodeURIComponent(encoded);
    return decoded !== undefined && /[\r\n\0]/.test(decoded) ? undefined : decoded;
  } catch {
    return undefined;
  }
}
