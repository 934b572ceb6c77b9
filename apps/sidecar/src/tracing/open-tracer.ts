// The tracer of this process, if traces are configured: only then is any of OpenTelemetry's code loaded. Trouble with the collector is told now
// and then, and concerns no call.
import type { Tracer } from "@postern/telemetry";
import { createAllowance } from "../allowance.ts";
import type { Surroundings } from "../surroundings.ts";
import { VERSION } from "../version.ts";
import { readTracing, type TracingSettings } from "./tracing-settings.ts";

type Ports = Pick<Surroundings, "clock" | "log" | "metrics" | "newId">;

const TROUBLE_LINES = { burst: 1, perSecond: 1 / 60 };

export async function openTracer(
  settings: TracingSettings,
  { clock, log, metrics, newId }: Ports,
): Promise<Tracer | undefined> {
  const tracing = readTracing(settings);
  if (tracing === undefined) return undefined;
  const { createOtlpTracer } = await import("@postern/telemetry/tracing");
  const troubleLines = createAllowance({ ...TROUBLE_LINES, clock });
  log.info("traces are exported", { to: new URL(tracing.url).origin, sampler: tracing.sampler });
  return createOtlpTracer({
    ...tracing,
    resource: { ...tracing.resource, "service.version": VERSION, "service.instance.id": newId() },
    clock,
    onSpans(fate, count, trouble) {
      if (count > 0) metrics.increment("spans", { fate }, count);
      if (trouble !== undefined && troubleLines.take())
        log.warn("traces not exported", { detail: `${trouble.name}: ${trouble.message}` });
    },
  });
}
