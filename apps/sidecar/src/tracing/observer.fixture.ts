// An observer whose lines, metrics and spans can be read.
import { createLogger, createMetrics } from "@postern/telemetry";
import { fixedClock } from "@postern/testkit";
import { createMemoryTracer } from "./memory-tracer.fixture.ts";
import { createMessageObserver } from "./message-observer.ts";

export function watch({ isVerbose = false, isTraced = true } = {}) {
  const clock = fixedClock();
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    name: "sidecar",
    level: isVerbose ? "debug" : "info",
    destination: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  });
  const metrics = createMetrics(["requests", "messageDuration", "obligationsApplied", "logLinesHeldBack"]);
  const tracer = createMemoryTracer();
  const observer = createMessageObserver({
    log,
    metrics,
    clock,
    tracer: isTraced ? tracer : undefined,
    places: new Map([
      ["files", { transport: "tcp", host: "tools.example", port: 8443 }],
      ["local", { transport: "pipe" }],
    ] as const),
    classes: new Set(["email"]),
    isVerbose,
  });
  return { clock, lines, metrics, spans: tracer.spans, observer };
}
