import assert from "node:assert/strict";
import { test } from "node:test";
import { reason } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { upstreamFault } from "../upstream/upstream.ts";
import { callOf, denial, forwardable, messageOf, TRACE, TRACEPARENT } from "./memory-tracer.fixture.ts";
import type { Ending, Observed } from "./observed.ts";
import { watch } from "./observer.fixture.ts";

const body = (whole: Uint8Array | undefined, chunks: readonly string[] = [], failure?: Error) => ({
  whole,
  cancel: () => {},
  onOver: () => {},
  async *[Symbol.asyncIterator]() {
    for (const chunk of chunks) yield Buffer.from(chunk);
    if (failure !== undefined) throw failure;
  },
});
const answered: Ending = { status: "answered" };
const unknownCaller = (changes: Partial<Observed> = {}): Observed => {
  const { capability: _, decision: __, recorded: ___, ...rest } = forwardable(changes);
  return rest;
};
const strangerRefused = denial({
  check: "capability",
  code: -32010,
  reasons: [reason("capability.missing")],
  findings: {},
});

test("an allowed call has one span for the caller and one within it for the tool server", () => {
  const { observer, spans, clock } = watch();
  const message = callOf({ _meta: { traceparent: TRACEPARENT, tracestate: "a=b" } });
  const stage = forwardable({ message, startedMs: clock.monotonicMs() });
  const own = observer.forwarding(stage);
  assert.ok(own !== undefined);
  own.answered({ status: 200, headers: {}, body: body(Buffer.from("{}")) });
  observer.ended({ ...stage, spans: own }, answered);
  const [server, client] = spans;
  assert.ok(server !== undefined && client !== undefined && spans.length === 2);
  assert.deepEqual([server.start.name, server.start.kind], ["tools/call read", "server"]);
  assert.deepEqual(
    [client.start.name, client.start.kind, client.start.parent],
    ["tools/call read", "client", server],
  );
  assert.equal(server.context.traceId, TRACE);
  assert.deepEqual(server.start.began, { wallMs: 1_700_000_000_000, monotonicMs: clock.monotonicMs() });
  assert.deepEqual(own.overrides, {
    traceparent: `00-${TRACE}-${client.context.spanId}-01`,
    tracestate: "a=b",
  });
  assert.deepEqual(server.attributes, {
    "mcp.method.name": "tools/call",
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "read",
    "mcp.protocol.version": "2025-11-25",
    "mcp.session.id": "session-1",
    "jsonrpc.request.id": "7",
    "network.transport": "tcp",
    "network.protocol.name": "http",
    "network.protocol.version": "1.1",
    "client.address": "192.0.2.7",
    "postern.request_id": "req-1",
    "postern.upstream": "files",
    "postern.decision": "allow",
    "postern.event_id": "event-1",
    "postern.tenant": "acme",
    "postern.policy.revision": 3,
    "gen_ai.agent.id": "alice",
  });
  assert.deepEqual(server.notes, [
    { name: "postern.check", attributes: { "postern.check": "capability", "postern.duration_ms": 0.125 } },
    { name: "postern.check", attributes: { "postern.check": "policy", "postern.duration_ms": 0.5 } },
  ]);
  assert.equal(client.attributes["server.address"], "tools.example");
  assert.equal(client.attributes["server.port"], 8443);
  assert.equal(client.attributes["http.response.status_code"], 200);
  assert.deepEqual([server.errorType, client.errorType], [undefined, undefined]);
  assert.ok(server.ends === 1 && client.ends >= 1);
});

test("a refusal is a span of its own with check, reason and code, and none for the tool server", () => {
  const { observer, spans } = watch();
  const {
    decision: _,
    recorded: __,
    ...stage
  } = forwardable({
    headers: new Map([["traceparent", TRACEPARENT]]),
  });
  observer.ended(stage, { status: "refused", refused: denial() });
  const [server] = spans;
  assert.ok(server !== undefined && spans.length === 1);
  assert.equal(server.context.traceId, TRACE);
  assert.deepEqual(
    [
      "postern.decision",
      "postern.check",
      "postern.reason",
      "postern.event_id",
      "rpc.response.status_code",
    ].map((name) => server.attributes[name]),
    ["block", "policy", "policy.denied", "event-1", "-32012"],
  );
  assert.deepEqual([server.errorType, server.ends], ["-32012", 1]);
});

test("an answer that streams ends its span when it ends, and one that breaks off says why", async () => {
  for (const failure of [undefined, upstreamFault("upstream.protocol", "gone", { sent: true })]) {
    const { observer, spans } = watch();
    const stage = forwardable();
    const own = observer.forwarding(stage);
    const answer = own?.answered({ status: 200, headers: {}, body: body(undefined, ["a", "b"], failure) });
    const client = spans[1];
    assert.equal(client?.ends, 0);
    const read: string[] = [];
    try {
      for await (const chunk of answer?.body ?? []) read.push(Buffer.from(chunk).toString());
    } catch (caught) {
      assert.equal(caught, failure);
    }
    assert.deepEqual(read, ["a", "b"]);
    assert.equal(client?.ends, 1);
    assert.equal(client?.errorType, failure === undefined ? undefined : "upstream.protocol");
  }
});

test("an upstream that cannot be reached fails both spans", () => {
  const { observer, spans, lines } = watch();
  const stage = forwardable();
  const own = observer.forwarding(stage);
  const caught = upstreamFault("upstream.timeout", "The tool server did not answer", { sent: true });
  const refused = denial({ code: -32018, check: "upstream", reasons: [reason("upstream.timeout")] });
  observer.ended({ ...stage, ...(own && { spans: own }) }, { status: "refused", refused, caught });
  const [server, client] = spans;
  assert.deepEqual([client?.errorType, server?.errorType], ["upstream.timeout", "-32018"]);
  assert.equal(server?.attributes["postern.decision"], "allow");
  assert.equal(client?.ends, 1);
  assert.deepEqual(
    [lines[0]?.level, lines[0]?.code, lines[0]?.trace_id],
    ["warn", "upstream.timeout", server?.context.traceId],
  );
});

test("a caller that leaves is nobody's error", () => {
  const { observer, spans, lines } = watch();
  const stage = forwardable({ gone: AbortSignal.abort() });
  const own = observer.forwarding(stage);
  const caught = upstreamFault("upstream.aborted", "The caller left", { sent: true });
  observer.ended({ ...stage, ...(own && { spans: own }) }, { status: "broken", caught });
  assert.deepEqual(
    spans.map(({ errorType, ends }) => [errorType, ends]),
    [
      [undefined, 1],
      [undefined, 1],
    ],
  );
  assert.equal(spans[0]?.attributes["postern.caller_left"], true);
  assert.equal(lines.length, 0);
});

test("somebody who proved nothing chooses neither trace nor name, and gets few spans and few lines", async () => {
  const { observer, spans, lines, clock, metrics } = watch();
  for (let n = 0; n < 1_000; n += 1) {
    const stage = unknownCaller({
      headers: new Map([["traceparent", TRACEPARENT]]),
      tool: `flood-${n}`,
    });
    observer.ended(stage, { status: "refused", refused: strangerRefused });
  }
  assert.equal(spans.length, 20);
  assert.equal(lines.length, 20);
  for (const { start, context, attributes } of spans) {
    assert.equal(start.name, "tools/call");
    assert.notEqual(context.traceId, TRACE);
    assert.equal(start.link?.traceId, TRACE);
    assert.equal(attributes["mcp.session.id"], undefined);
    assert.equal(attributes["postern.tenant"], undefined);
  }
  clock.advance(1_000);
  observer.ended(unknownCaller(), { status: "refused", refused: strangerRefused });
  assert.equal(lines[20]?.held_back, 980);
  assert.match((await metrics.expose()).body, /postern_log_lines_held_back_total\{kind="stranger"\} 980/);
  // Those who are known have lines of their own.
  observer.ended(forwardable(), { status: "refused", refused: denial() });
  assert.equal(lines.length, 22);
});

test("a method or a name that could be any text is no attribute without bounds", () => {
  const { observer, spans } = watch();
  const long = "x".repeat(10_000);
  const odd = messageOf({ jsonrpc: "2.0", id: "y".repeat(256), method: "x".repeat(128) });
  observer.ended(unknownCaller({ message: odd, method: long, kind: "other" }), {
    status: "refused",
    refused: strangerRefused,
  });
  observer.ended(
    forwardable({
      message: odd,
      tool: `\ud800${long}`,
      sessionId: long,
      headers: new Map([["mcp-protocol-version", long]]),
    }),
    answered,
  );
  assert.equal(spans[0]?.start.name, "_OTHER");
  for (const { start, attributes } of spans) {
    assert.ok(start.name.length < 256);
    for (const value of Object.values(attributes)) {
      assert.ok(String(value).length <= 128);
      assert.ok(String(value).isWellFormed());
    }
  }
  assert.equal(spans[1]?.attributes["mcp.protocol.version"], undefined);
});

test("a span that is not kept sends its context on and costs no attributes", () => {
  const { observer, spans } = watch();
  const message = callOf({ _meta: { traceparent: TRACEPARENT.replace(/01$/, "00") } });
  const stage = forwardable({ message });
  const own = observer.forwarding(stage);
  const answer = { status: 500, headers: {}, body: body(undefined) };
  assert.equal(own?.answered(answer), answer);
  observer.ended({ ...stage, ...(own && { spans: own }) }, answered);
  assert.match(own?.overrides.traceparent ?? "", new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  for (const { attributes, notes } of spans) assert.deepEqual([attributes, notes], [{}, []]);
});

test("a stream, an answer to a question and a request that was never read have their names, or no span", () => {
  const { observer, spans, lines } = watch();
  const { message: _, tool: __, ...get } = forwardable({ verb: "GET", method: "", kind: "other" });
  observer.ended(get, answered);
  const response = messageOf({ jsonrpc: "2.0", id: 1, result: {} });
  observer.ended(forwardable({ message: response, method: "", kind: "other" }), answered);
  observer.ended({ verb: "POST", requestId: "req-9" }, { status: "refused", refused: strangerRefused });
  assert.deepEqual(
    spans.map(({ start, attributes }) => [start.name, attributes["http.request.method"]]),
    [
      ["GET", "GET"],
      ["response", undefined],
    ],
  );
  assert.deepEqual([lines.length, lines[0]?.request_id, lines[0]?.method], [1, "req-9", "other"]);
});

test("no token, argument, prompt, header or sentence becomes an attribute or a log field", () => {
  const { observer, spans, lines } = watch({ isVerbose: true });
  const canary = "canary-7d1f";
  const params = {
    arguments: { path: canary, nested: [{ canary }] },
    _meta: { traceparent: TRACEPARENT, baggage: canary, progressToken: canary, "x/y": canary },
  };
  const { gone = new AbortController().signal, ...known } = forwardable();
  const secret: Observed = {
    ...known,
    gone,
    message: callOf(params),
    token: `v4.public.${canary}`,
    subjectToken: canary,
    intentPrompt: canary,
    body: Buffer.from(canary),
    path: `/v1/mcp/${canary}`,
    headers: new Map(
      [
        "authorization",
        "x-intent-prompt",
        "cookie",
        "baggage",
        "user-agent",
        "mcp-name",
        "mcp-protocol-version",
      ].map((name) => [name, canary]),
    ),
  };
  const refused = denial({ reasons: [reason("policy.denied", canary)], data: { canary }, challenge: canary });
  const caught = new Fault("internal", "internal", "Something went wrong.", { cause: new Error(canary) });
  const own = observer.forwarding(secret);
  own?.answered({ status: 400, headers: { "mcp-session-id": canary }, body: body(Buffer.from(canary)) });
  observer.ended({ ...secret, ...(own && { spans: own }) }, answered);
  observer.ended(secret, { status: "refused", refused });
  observer.ended(secret, { status: "broken", caught });
  const { capability: _, ...unknown } = secret;
  observer.ended(unknown, { status: "refused", refused: { ...refused, findings: {} } });
  const told = spans.map(({ start: { parent: _, ...start }, attributes, notes, errorType }) => ({
    start,
    attributes,
    notes,
    errorType,
  }));
  assert.doesNotMatch(JSON.stringify(told), /canary/);
  assert.equal(lines.length, 4);
  assert.doesNotMatch(JSON.stringify(lines), /canary/);
});

test("without a tracer nothing is begun", () => {
  const { observer, spans } = watch({ isTraced: false });
  assert.equal(observer.forwarding(forwardable()), undefined);
  observer.ended(forwardable(), answered);
  assert.equal(spans.length, 0);
});
