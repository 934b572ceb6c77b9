// Each answered request as one metric, and as a log line when something went wrong on our side.
import type { Outcome } from "@postern/surface";
import type { Logger, Metrics } from "@postern/telemetry";

export type Report = (outcome: Outcome<unknown>) => void;

export function createReport({ log, metrics }: { log: Logger; metrics: Metrics }): Report {
  return ({ request, operation, status, fault, durationMs }) => {
    const id = operation?.id ?? "none";
    metrics.increment("httpRequests", { operation: id, status: String(status) });
    metrics.observeMs("httpDuration", { operation: id }, durationMs);
    const isOurs = fault?.kind === "internal" || fault?.kind === "unavailable" || fault?.kind === "upstream";
    if (isOurs) log.error("request failed", fault, { operation: id, status, request_id: request.id });
    else log.debug("request", { operation: id, status, request_id: request.id, code: fault?.code });
  };
}
