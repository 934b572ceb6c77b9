#!/usr/bin/env node
// The process: arguments, signals and exit codes. 0 = ended cleanly, 1 = could not go on, 2 = the configuration cannot be used.
import { createSidecarClient } from "@postern/client";
import { toFault } from "@postern/fault";
import { CLASSES } from "@postern/obligation";
import { createLogger, createMetrics } from "@postern/telemetry";
import { readConfig, settingsHelp } from "./config.ts";
import { openUpstreams } from "./open-upstreams.ts";
import { startRuntime } from "./runtime.ts";
import { systemSurroundings } from "./surroundings.ts";
import { createMessageObserver } from "./tracing/message-observer.ts";
import { openTracer } from "./tracing/open-tracer.ts";
import { upstreamPlaces } from "./tracing/upstream-places.ts";

const METRICS = [
  "requests",
  "messageDuration",
  "logLinesHeldBack",
  "spans",
  "policyEvaluations",
  "policyExpires",
  "leaseDuration",
  "tokenExchanges",
  "toolsHeldBack",
  "obligationsApplied",
  "upstreamCallsInFlight",
  "circuitOpen",
  "sessionsOpen",
  "streamsOpen",
  "approvals",
  "approvalsWaiting",
  "approvalWait",
  "outcomesOwed",
  "ready",
  "buildInfo",
  "decisions",
  "strangersRefused",
  "checkDuration",
  "upstreamDuration",
  "spoolBytes",
  "spoolBytesMax",
  "auditShipped",
  "auditWaiting",
  "syncAge",
  "policyRevision",
] as const;

if (process.argv.includes("--help")) {
  process.stdout.write(
    `The Postern sidecar: judges every tool call between an agent and its tool server.\n\nSettings:\n${settingsHelp()}\n`,
  );
} else {
  await run();
}

async function run(): Promise<void> {
  let read: ReturnType<typeof readConfig>;
  try {
    read = readConfig();
  } catch (caught) {
    process.stderr.write(`${toFault(caught).message}\n`);
    process.exitCode = 2;
    return;
  }
  const { config, unknown } = read;
  const log = createLogger({ name: "sidecar", level: config.logLevel });
  for (const name of unknown) log.warn("unknown setting", { setting: name });
  const controlPlane = createSidecarClient({
    url: config.controlPlaneUrl,
    credential: config.credential.reveal(),
  });
  const surroundings = systemSurroundings({ log, metrics: createMetrics(METRICS, { process: true }) });
  try {
    const tracer = await openTracer(config, surroundings);
    const places = new Map(upstreamPlaces(config.upstreams));
    const runtime = await startRuntime(config, {
      ...surroundings,
      tracer,
      observer: createMessageObserver({
        ...surroundings,
        tracer,
        places,
        classes: CLASSES,
        isVerbose: config.logLevel === "debug",
      }),
      controlPlane,
      upstreams: openUpstreams(config, surroundings),
      places,
    });
    const host = config.host.includes(":") ? `[${config.host}]` : config.host;
    log.info("listening", { url: `http://${host}:${runtime.port}` });
    const told = Promise.withResolvers<void>();
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => told.resolve());
    await Promise.race([told.promise, runtime.broken]);
    const clean = await runtime.stop();
    log.info("ended", { clean });
    process.exit(0);
  } catch (caught) {
    log.error("cannot go on", caught);
    process.exit(1);
  }
}
