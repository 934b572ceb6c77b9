import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { loadConfig } from "@postern/config";
import { createLogger, createMetrics } from "@postern/telemetry";
import { defer, fixedClock, freePort, sequentialIds } from "@postern/testkit";
import { callOf, denial, forwardable, TRACEPARENT } from "./memory-tracer.fixture.ts";
import { createMessageObserver } from "./message-observer.ts";
import { openTracer } from "./open-tracer.ts";
import { TRACING_SETTINGS } from "./tracing-settings.ts";

const never = new Promise<never>(() => {});

function surroundings() {
  const lines: string[] = [];
  const log = createLogger({
    name: "s",
    level: "debug",
    destination: { write: (line) => void lines.push(line) },
  });
  return {
    lines,
    clock: fixedClock(),
    log,
    metrics: createMetrics(["spans", "requests"]),
    newId: sequentialIds(),
  };
}

const settings = (environment: Readonly<Record<string, string>>) =>
  loadConfig(TRACING_SETTINGS, environment, "OTEL_").config;

async function startCollector(t: TestContext) {
  const bodies: Buffer[] = [];
  const paths: (string | undefined)[] = [];
  const server = createServer(async (request, response) => {
    paths.push(request.url);
    bodies.push(Buffer.concat(await request.toArray()));
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  defer(t, () => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies, paths };
}

test("no address, no tracer, and none of OpenTelemetry's code in memory", async () => {
  assert.equal(await openTracer(settings({}), surroundings()), undefined);
  const program = `
    import { registerHooks } from "node:module";
    const loaded = new Set();
    registerHooks({ resolve(specifier, context, next) {
      const found = next(specifier, context);
      loaded.add(/opentelemetry[/](sdk|exporter|otlp|resources)[^/]*/.exec(found.url)?.[0]);
      return found;
    } });
    const { openTracer } = await import(${JSON.stringify(new URL("./open-tracer.ts", import.meta.url))});
    const unset = { otelDisabled: false, tracesExporter: "otlp" };
    await openTracer(unset, {});
    const without = loaded.size;
    const address = { ...unset, otlpTracesEndpoint: "http://127.0.0.1:1/", tracesSampler: "always_off", otlpTimeoutMs: 1 };
    await openTracer(address, { clock: { monotonicMs: () => 0 }, log: { info() {} }, newId: () => "x" });
    process.stdout.write(without + " " + (loaded.size > 4));
  `;
  const said = execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
  });
  // One: undefined, for everything else.
  assert.equal(said, "1 true");
});

test("what reaches the collector names the message and holds nothing of what it says", async (t) => {
  const collector = await startCollector(t);
  const around = surroundings();
  const tracer = await openTracer(settings({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }), around);
  assert.ok(tracer !== undefined);
  const observer = createMessageObserver({
    ...around,
    tracer,
    places: new Map(),
    classes: new Set(),
    isVerbose: false,
  });
  const stage = forwardable({
    message: callOf({
      arguments: { a: "canary-7d1f" },
      _meta: { traceparent: TRACEPARENT, baggage: "canary-7d1f" },
    }),
    token: "v4.public.canary-7d1f",
    intentPrompt: "canary-7d1f",
  });
  observer.ended(stage, { status: "refused", refused: denial() });
  await tracer.close(never);
  assert.deepEqual(collector.paths, ["/v1/traces"]);
  const sent = collector.bodies[0]?.toString("latin1") ?? "";
  for (const part of ["tools/call read", "postern-sidecar", "policy.denied", "acme"])
    assert.ok(sent.includes(part), part);
  assert.doesNotMatch(sent, /canary/);
  assert.match((await around.metrics.expose()).body, /postern_spans_total\{fate="exported"\} 1/);
});

test("a collector that is down is told of now and then, and the messages go on", async () => {
  const around = surroundings();
  const address = `http://127.0.0.1:${await freePort()}`;
  const tracer = await openTracer(
    settings({ OTEL_EXPORTER_OTLP_ENDPOINT: address, OTEL_EXPORTER_OTLP_TIMEOUT: "100" }),
    around,
  );
  assert.ok(tracer !== undefined);
  const observer = createMessageObserver({
    ...around,
    tracer,
    places: new Map(),
    classes: new Set(),
    isVerbose: false,
  });
  for (let n = 0; n < 1_200; n += 1) observer.ended(forwardable(), { status: "answered" });
  await tracer.close(never);
  assert.match((await around.metrics.expose()).body, /postern_spans_total\{fate="failed"\} 1200/);
  assert.equal(around.lines.filter((line) => line.includes("traces not exported")).length, 1);
});
