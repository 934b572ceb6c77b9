// What operators and their machines look at: alive, ready (or why not), metrics, and the description of the whole interface.
import { answer, bytes, type Door, operationsFor, type Surface } from "@postern/surface";
import { z } from "zod";
import { FailureBody, failureOf } from "../failure.ts";
import type { Report } from "../report.ts";

export interface OperationsContext {
  /** What keeps the service from doing its work; empty = ready. */
  problems(): Promise<readonly string[]>;
  metrics(): Promise<{ contentType: string; body: string }>;
  openapi(): Record<string, unknown>;
}

const operation = operationsFor<OperationsContext>();
const row = { permission: "public", audit: "none", status: 200, method: "GET", tag: "Operations" } as const;
const exposition = bytes("text/plain; version=0.0.4; charset=utf-8", {
  is: "text",
  description: "The Prometheus text format.",
});

const Readiness = z.strictObject({ ready: z.boolean(), reasons: z.array(z.string()) });

export const operationsRows = [
  operation({
    ...row,
    id: "health_live",
    path: "/healthz",
    summary: "Whether the process is alive",
    reply: z.strictObject({ status: z.literal("ok") }),
    run: () => ({ status: "ok" as const }),
  }),
  operation({
    ...row,
    id: "health_ready",
    path: "/readyz",
    summary: "Whether the service can do its work, and why not",
    replies: { 503: { description: "Not ready; `reasons` say why.", body: Readiness } },
    reply: Readiness,
    run: async (_, context) => {
      const reasons = [...(await context.problems())];
      const ready = reasons.length === 0;
      return answer({ ready, reasons }, { status: ready ? 200 : 503 });
    },
  }),
  operation({
    ...row,
    id: "metrics",
    path: "/metrics",
    summary: "Metrics in the Prometheus text format",
    reply: exposition,
    run: async (_, context) => exposition.of([Buffer.from((await context.metrics()).body)]),
  }),
  operation({
    ...row,
    id: "openapi",
    path: "/openapi.json",
    summary: "This interface as an OpenAPI document",
    reply: z.record(z.string(), z.json()),
    run: (_, context) => context.openapi() as Record<string, z.core.util.JSONType>,
  }),
];

export const operationsFace = {
  name: "operations",
  prefixes: operationsRows.map(({ path }) => path),
  security: {},
  failureBody: FailureBody,
};

export function createOperationsSurface(
  context: OperationsContext,
  report: Report,
): Surface<never, OperationsContext> {
  const door: Door<never, OperationsContext> = {
    ...operationsFace,
    authenticate: () => {
      throw new Error("every row of the operations door is public");
    },
    authorize: () => undefined,
    within: (_, work) => work(context),
    failure: failureOf,
    report,
  };
  return { door, rows: operationsRows };
}
