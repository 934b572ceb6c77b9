// Every metric that Postern exports stands in this table: one place for names, labels and help, so that dashboards have one truth.
// Label values are from closed sets: a tool's or an agent's name is never a label, an upstream's is, since the configuration lists them.
// docs/observability.md holds the same rows, and a test compares them.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

const seconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

export const METRICS = {
  requests: {
    name: "postern_requests_total",
    type: "counter",
    help: "MCP messages received.",
    labels: ["method", "status"],
  },
  messageDuration: {
    name: "postern_message_duration_seconds",
    type: "histogram",
    help: "Time from a message's arrival to the end of its answer; streams that stay open are left out.",
    labels: ["status"],
    buckets: [...seconds, 30, 120],
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
  policyEvaluations: {
    name: "postern_policy_evaluations_total",
    type: "counter",
    help: "Questions to a policy, by where they were answered: cache, inline or thread.",
    labels: ["way"],
  },
  leaseDuration: {
    name: "postern_budget_lease_duration_seconds",
    type: "histogram",
    help: "Time the control plane takes to lease budget units; calls without units left wait for it.",
    labels: ["outcome"],
    buckets: seconds,
  },
  tokenExchanges: {
    name: "postern_token_exchanges_total",
    type: "counter",
    help: "Access tokens of an identity provider brought to the control plane: exchanged, refused or failed.",
    labels: ["outcome"],
  },
  toolsHeldBack: {
    name: "postern_tools_held_back_total",
    type: "counter",
    help: "Tool definitions seen that may not be used, each counted when it is first seen.",
    labels: ["reason"],
  },
  obligationsApplied: {
    name: "postern_obligations_applied_total",
    type: "counter",
    help: "What obligations found and did; a class of a policy's own pattern is custom.",
    labels: ["type", "class", "direction", "action"],
  },
  upstreamDuration: {
    name: "postern_upstream_duration_seconds",
    type: "histogram",
    help: "Time until the upstream's answer ended.",
    labels: ["outcome"],
    buckets: [...seconds, 30, 120],
  },
  upstreamCallsInFlight: {
    name: "postern_upstream_calls_in_flight",
    type: "gauge",
    help: "Calls that a tool server is working on.",
    labels: ["upstream"],
  },
  circuitOpen: {
    name: "postern_upstream_circuit_open",
    type: "gauge",
    help: "1 while a tool server is left alone after failures in a row.",
    labels: ["upstream"],
  },
  sessionsOpen: {
    name: "postern_sessions_open",
    type: "gauge",
    help: "MCP sessions remembered.",
    labels: [],
  },
  streamsOpen: {
    name: "postern_streams_open",
    type: "gauge",
    help: "Streams that no answer ends.",
    labels: [],
  },
  approvals: {
    name: "postern_approvals_total",
    type: "counter",
    help: "Calls that a policy put before people, each time they were asked for: pending, approved (the call ran), rejected, expired, used, unknown, unavailable or denied (by the second judgement).",
    labels: ["outcome"],
  },
  approvalsWaiting: {
    name: "postern_approvals_waiting",
    type: "gauge",
    help: "Calls that are held for a person's approval.",
    labels: [],
  },
  approvalWait: {
    name: "postern_approval_wait_seconds",
    type: "histogram",
    help: "How long a call was held for a person's approval, by how that ended: settled, waited_out, left, given_up or closing.",
    labels: ["ending"],
    buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600],
  },
  logLinesHeldBack: {
    name: "postern_log_lines_held_back_total",
    type: "counter",
    help: "Messages without a log line of their own, because there were too many: stranger, refusal or trouble.",
    labels: ["kind"],
  },
  spans: {
    name: "postern_spans_total",
    type: "counter",
    help: "Spans of traces: exported, failed (the collector did not take them) or dropped (too many waited).",
    labels: ["fate"],
  },
  ready: {
    name: "postern_ready",
    type: "gauge",
    help: "1 while calls are taken, as /readyz says.",
    labels: [],
  },
  buildInfo: {
    name: "postern_build_info",
    type: "gauge",
    help: "Always 1; the version that runs.",
    labels: ["version"],
  },
  outcomesOwed: {
    name: "postern_outcomes_owed",
    type: "gauge",
    help: "Calls that have ended and whose outcome could not be written to the spool yet.",
    labels: [],
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
  policyExpires: {
    name: "postern_policy_expires_timestamp_seconds",
    type: "gauge",
    help: "When the policy in force ends, in seconds since 1970; 0 = none.",
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

type GaugeLabels<K extends MetricName> = Rows[K]["labels"] extends readonly [] ? [] : [labels: Labels<K>];

export interface Metrics {
  increment<K extends Named<"counter">>(metric: K, labels: Labels<K>, by?: number): void;
  /** `labels` are due exactly where the metric has some. */
  set<K extends Named<"gauge">>(metric: K, value: number, ...labels: GaugeLabels<K>): void;
  observeMs<K extends Named<"histogram">>(metric: K, labels: Labels<K>, durationMs: number): void;
  /** Prometheus text exposition and its content type. */
  expose(): Promise<{ contentType: string; body: string }>;
}

/**
 * Exports the named metrics of the table only, so that each process shows what it has. `process`: also the usual ones of a Node process
 * (process_…, nodejs_…: memory, file descriptors, event-loop lag, garbage collection).
 */
export function createMetrics(
  names: readonly MetricName[],
  { process = false }: { readonly process?: boolean } = {},
): Metrics {
  const registry = new Registry();
  if (process) collectDefaultMetrics({ register: registry });
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
    set: (metric, value, labels: object = {}) => gauges.get(metric)?.set({ ...labels }, value),
    observeMs: (metric, labels, durationMs) =>
      histograms.get(metric)?.observe({ ...labels }, durationMs / 1000),
    expose: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}
