import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { defer, fixedClock, freePort } from "@postern/testkit";
import { type OtlpReceiver, startOtlpReceiver } from "./otlp-receiver.fixture.ts";
import { createOtlpTracer, type OtlpTracerOptions } from "./otlp-tracer.ts";
import { readTraceContext, type TraceContext } from "./trace-context.ts";
import { SAMPLERS, type SamplerName } from "./tracer.ts";

const REMOTE: TraceContext = {
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: "00f067aa0ba902b7",
  isSampled: true,
  state: "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
};
const never = new Promise<never>(() => {});

/** `flush` exports what has ended and ends the tracer. */
function traceTo(
  t: TestContext,
  receiver: Pick<OtlpReceiver, "url">,
  changes: Partial<OtlpTracerOptions> = {},
) {
  const clock = fixedClock(1_700_000_000_000);
  const fates: Record<string, number> = { exported: 0, failed: 0, dropped: 0 };
  const troubles: string[] = [];
  const tracer = createOtlpTracer({
    url: receiver.url,
    headers: { "x-tenant": "ops" },
    timeoutMs: 200,
    sampler: "parentbased_always_on",
    ratio: 1,
    resource: { "service.name": "postern-sidecar", "service.version": "9.9" },
    clock,
    onSpans(fate, count, trouble) {
      fates[fate] = (fates[fate] ?? 0) + count;
      if (trouble !== undefined) troubles.push(trouble.message);
    },
    ...changes,
  });
  defer(t, () => tracer.close(Promise.resolve()));
  return { tracer, clock, fates, troubles, flush: () => tracer.close(never) };
}

test("a collector gets parent and child with names, kinds, times, attributes, events and resource", async (t) => {
  const receiver = await startOtlpReceiver(t);
  const { tracer, clock, fates, flush } = traceTo(t, receiver);
  const began = { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
  clock.advance(2);
  const server = tracer.begin({ name: "tools/call read", kind: "server", parent: REMOTE, began });
  server.set({ "mcp.method.name": "tools/call", "postern.policy.revision": 3, odd: 0.5, yes: true });
  server.note("postern.check", { "postern.check": "policy", "postern.duration_ms": 0.25 });
  const client = tracer.begin({ name: "tools/call read", kind: "client", parent: server });
  // Nobody's step of the wall clock turns a duration around.
  clock.stepWall(-60_000);
  clock.advance(3.5);
  client.fail("upstream.timeout");
  client.end();
  clock.advance(1);
  client.end();
  server.end();
  await flush();

  const [first, second] = receiver.spans;
  assert.ok(first !== undefined && second !== undefined && receiver.spans.length === 2);
  assert.equal(first.kind, 3);
  assert.equal(second.kind, 2);
  assert.deepEqual([second.traceId, second.parentSpanId], [REMOTE.traceId, REMOTE.spanId]);
  assert.deepEqual([first.traceId, first.parentSpanId], [REMOTE.traceId, second.spanId]);
  assert.deepEqual([second.spanId, first.spanId], [server.context.spanId, client.context.spanId]);
  assert.deepEqual([first.hasRemoteParent, second.hasRemoteParent], [false, true]);
  assert.equal(second.state, REMOTE.state);
  assert.equal(second.startNs, 1_700_000_000_000n * 1_000_000n);
  assert.equal(second.endNs - second.startNs, 6_500_000n);
  assert.equal(first.startNs - second.startNs, 2_000_000n);
  assert.equal(first.endNs - first.startNs, 3_500_000n);
  assert.deepEqual(second.attributes, {
    "mcp.method.name": "tools/call",
    "postern.policy.revision": 3,
    odd: 0.5,
    yes: true,
  });
  assert.deepEqual(second.events[0]?.attributes, { "postern.check": "policy", "postern.duration_ms": 0.25 });
  assert.equal(second.events[0]?.atNs, second.startNs + 2_000_000n);
  assert.deepEqual([first.status, second.status], [2, 0]);
  assert.deepEqual(first.attributes, { "error.type": "upstream.timeout" });
  assert.equal(first.resource["service.name"], "postern-sidecar");
  assert.equal(first.resource["service.version"], "9.9");
  assert.equal(receiver.headers[0]?.["x-tenant"], "ops");
  assert.equal(receiver.headers[0]?.["content-type"], "application/x-protobuf");
  assert.deepEqual(fates, { exported: 2, failed: 0, dropped: 0 });
});

test("the resource tells nothing of the machine but what was given", async (t) => {
  const receiver = await startOtlpReceiver(t);
  const { tracer, flush } = traceTo(t, receiver);
  tracer.begin({ name: "x", kind: "server" }).end();
  await flush();
  assert.deepEqual(Object.keys(receiver.spans[0]?.resource ?? {}).sort(), [
    "service.name",
    "service.version",
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
  ]);
});

test("without a parent a new trace begins, and a link keeps the tie to another one", async (t) => {
  const receiver = await startOtlpReceiver(t);
  const { tracer, flush } = traceTo(t, receiver);
  const span = tracer.begin({ name: "x", kind: "server", link: REMOTE });
  span.end();
  await flush();
  assert.notEqual(span.context.traceId, REMOTE.traceId);
  assert.equal(receiver.spans[0]?.parentSpanId, "");
  assert.deepEqual(receiver.spans[0]?.links, [{ traceId: REMOTE.traceId, spanId: REMOTE.spanId }]);
  assert.deepEqual(
    readTraceContext(`00-${span.context.traceId}-${span.context.spanId}-01`, ""),
    span.context,
  );
});

test("every sampler of the specification decides as it is named", async (t) => {
  const receiver = await startOtlpReceiver(t);
  const sampled = { ...REMOTE, isSampled: true };
  const unsampled = { ...REMOTE, isSampled: false };
  const cases: Record<SamplerName, readonly [root: boolean, sampled: boolean, unsampled: boolean]> = {
    always_on: [true, true, true],
    always_off: [false, false, false],
    traceidratio: [false, false, false],
    parentbased_always_on: [true, true, false],
    parentbased_always_off: [false, true, false],
    parentbased_traceidratio: [false, true, false],
  };
  for (const sampler of SAMPLERS) {
    const wanted = cases[sampler];
    const { tracer } = traceTo(t, receiver, { sampler, ratio: 0 });
    const spans = [undefined, sampled, unsampled].map((parent) =>
      tracer.begin({ name: "x", kind: "server", ...(parent && { parent }) }),
    );
    assert.deepEqual(
      spans.map(({ context }) => context.isSampled),
      wanted,
      sampler,
    );
    assert.deepEqual(
      spans.map(({ isRecording }) => isRecording),
      wanted,
      sampler,
    );
  }
});

test("a ratio samples about that share of new traces, by the trace id alone", async (t) => {
  const receiver = await startOtlpReceiver(t);
  const { tracer } = traceTo(t, receiver, { sampler: "parentbased_traceidratio", ratio: 0.25 });
  const sampled = Array.from({ length: 2_000 }, () => tracer.begin({ name: "x", kind: "server" })).filter(
    ({ isRecording }) => isRecording,
  );
  assert.ok(sampled.length > 400 && sampled.length < 600, String(sampled.length));
});

test("a span that is not sampled has a context to send on, and is not exported", async (t) => {
  const receiver = await startOtlpReceiver(t);
  const { tracer, flush } = traceTo(t, receiver);
  const server = tracer.begin({ name: "x", kind: "server", parent: { ...REMOTE, isSampled: false } });
  const client = tracer.begin({ name: "x", kind: "client", parent: server });
  assert.deepEqual(
    [client.context.traceId, client.context.isSampled, client.context.state],
    [REMOTE.traceId, false, REMOTE.state],
  );
  assert.match(client.context.spanId, /^[0-9a-f]{16}$/);
  assert.notEqual(client.context.spanId, server.context.spanId);
  client.end();
  server.end();
  await flush();
  assert.equal(receiver.bodies.length, 0);
});

test("spans that too many wait before are dropped and counted; none is lost without a word", async (t) => {
  const receiver = await startOtlpReceiver(t);
  receiver.isSilent = true;
  const { tracer, fates, flush } = traceTo(t, receiver, { waitingMax: 8, gatherMs: 60_000 });
  for (let n = 0; n < 40; n += 1) tracer.begin({ name: `span ${n}`, kind: "server" }).end();
  assert.deepEqual(fates, { exported: 0, failed: 0, dropped: 24 });
  receiver.isSilent = false;
  await flush();
  assert.equal(receiver.spans.length + (fates.dropped ?? 0), 40);
});

test("a collector that is down, or answers nothing, or refuses, costs nobody anything but spans", async (t) => {
  const down = { url: `http://127.0.0.1:${await freePort()}/v1/traces` };
  const refusing = await startOtlpReceiver(t);
  refusing.status = 400;
  const silent = await startOtlpReceiver(t);
  silent.isSilent = true;
  for (const receiver of [down, refusing, silent]) {
    const { tracer, fates, troubles, flush } = traceTo(t, receiver);
    const startMs = performance.now();
    for (let n = 0; n < 100; n += 1) tracer.begin({ name: "x", kind: "server" }).end();
    assert.ok(performance.now() - startMs < 1_000);
    await flush();
    assert.deepEqual(fates, { exported: 0, failed: 100, dropped: 0 });
    assert.equal(troubles.length > 0, true);
  }
});

test("closing waits no longer than it may, and what ends later is nobody's trouble", async (t) => {
  const receiver = await startOtlpReceiver(t);
  receiver.isSilent = true;
  const { tracer, fates } = traceTo(t, receiver, { timeoutMs: 700 });
  const late = tracer.begin({ name: "late", kind: "server" });
  tracer.begin({ name: "x", kind: "server" }).end();
  await tracer.close(receiver.requests(1));
  assert.equal(fates.failed, 0);
  late.set({ a: "b" });
  late.end();
  assert.equal(receiver.spans.length, 1);
});
