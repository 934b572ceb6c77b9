// Every metric that Postern exports stands in this table: one place for names, labels and help, so that dashboards have one truth.
// Label values are from closed sets; a tool's or an agent's name is never a label.
import { Counter, Gauge, Histogram, Registry } from "prom-client";

const seconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

export const METRICS = {
  requests: {
    name: "postern_requests_total",
    type: "counter",
    help: "MCP messages received.",
    labels: ["method", "status"],
  },
  decisions: {
    name: "postern_decisions_total",
    type: "counter",
    help: "Judged calls.",
    labels: ["decision", "check", "reason"],
  },
  strangersRefused: {
    name: "postern_strangers_refused_total",
    type: "counter",
    help: "Refused messages of callers who proved nothing; told: event = recorded by itself, count = in a summary.",
    labels: ["reason", "told"],
  },
  checkDuration: {
    name: "postern_check_duration_seconds",
    type: "histogram",
    help: "Time spent in one check.",
    labels: ["check"],
    buckets: seconds,
  },
  upstreamDuration: {
    name: "postern_upstream_duration_seconds",
    type: "histogram",
    help: "Time until the upstream's answer ended.",
    labels: ["outcome"],
    buckets: [...seconds, 30, 120],
  },
  spoolBytes: {
    name: "postern_spool_bytes",
    type: "gauge",
    help: "Audit records waiting for acknowledgement, in bytes.",
    labels: [],
  },
  spoolBytesMax: {
    name: "postern_spool_bytes_max",
    type: "gauge",
    help: "Size at which the spool is full and calls are refused.",
    labels: [],
  },
  auditShipped: {
    name: "postern_audit_records_shipped_total",
    type: "counter",
    help: "Audit records acknowledged as received.",
    labels: [],
  },
  auditWaiting: {
    name: "postern_audit_waiting_seconds",
    type: "gauge",
    help: "How long audit records have been waiting without one of them being shipped.",
    labels: [],
  },
  syncAge: {
    name: "postern_sync_age_seconds",
    type: "gauge",
    help: "Age of the newest proof that control state is current.",
    labels: [],
  },
  policyRevision: {
    name: "postern_policy_revision",
    type: "gauge",
    help: "Revision of the policy in force; 0 = none.",
    labels: [],
  },
  httpRequests: {
    name: "postern_http_requests_total",
    type: "counter",
    help: "Control-plane requests.",
    labels: ["operation", "status"],
  },
  httpDuration: {
    name: "postern_http_request_duration_seconds",
    type: "histogram",
    help: "Control-plane request time.",
    labels: ["operation"],
    buckets: seconds,
  },
  auditIngested: {
    name: "postern_audit_records_ingested_total",
    type: "counter",
    help: "Spool records taken in.",
    labels: [],
  },
  auditAppended: {
    name: "postern_audit_events_appended_total",
    type: "counter",
    help: "Events appended to a chain.",
    labels: [],
  },
  auditForks: {
    name: "postern_audit_forks_total",
    type: "counter",
    help: "Batches that contradicted a stored record.",
    labels: [],
  },
  sidecarsConnected: {
    name: "postern_sidecars_connected",
    type: "gauge",
    help: "Open sync streams.",
    labels: [],
  },
  admissions: {
    name: "postern_admissions_total",
    type: "counter",
    help: "Pods judged by the injector.",
    labels: ["outcome", "reason"],
  },
  admissionDuration: {
    name: "postern_admission_duration_seconds",
    type: "histogram",
    help: "Time the injector takes to judge a pod.",
    labels: [],
    buckets: seconds,
  },
} as const;

type Rows = typeof METRICS;
export type MetricName = keyof Rows;
type Labels<K extends MetricName> = Readonly<Record<Rows[K]["labels"][number], string>>;
type Named<T extends string> = { [K in MetricName]: Rows[K]["type"] extends T ? K : never }[MetricName];

export interface Metrics {
  increment<K extends Named<"counter">>(metric: K, labels: Labels<K>, by?: number): void;
  set<K extends Named<"gauge">>(metric: K, value: number): void;
  observeMs<K extends Named<"histogram">>(metric: K, labels: Labels<K>, durationMs: number): void;
  /** Prometheus text exposition and its content type. */
  expose(): Promise<{ contentType: string; body: string }>;
}

/** Exports the named metrics of the table only, so that each process shows what it has. */
export function createMetrics(names: readonly MetricName[]): Metrics {
  const registry = new Registry();
  const counters = new Map<MetricName, Counter>();
  const gauges = new Map<MetricName, Gauge>();
  const histograms = new Map<MetricName, Histogram>();
  for (const key of names) {
    const row = METRICS[key];
    const options = { name: row.name, help: row.help, labelNames: [...row.labels], registers: [registry] };
    if (row.type === "counter") counters.set(key, new Counter(options));
    else if (row.type === "gauge") gauges.set(key, new Gauge(options));
    else histograms.set(key, new Histogram({ ...options, buckets: [...row.buckets] }));
  }
  return {
    increment: (metric, labels, by = 1) => counters.get(metric)?.inc({ ...labels }, by),
    set: (metric, value) => gauges.get(metric)?.set(value),
    observeMs: (metric, labels, durationMs) =>
      histograms.get(metric)?.observe({ ...labels }, durationMs / 1000),
    expose: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}
