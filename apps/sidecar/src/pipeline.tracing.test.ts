import assert from "node:assert/strict";
import { test } from "node:test";
import { createRig } from "./pipeline.fixture.ts";
import { TRACE, TRACEPARENT } from "./tracing/memory-tracer.fixture.ts";
import { watch } from "./tracing/observer.fixture.ts";

const call = (name: string, door = "tools/call") => ({
  jsonrpc: "2.0",
  id: 1,
  method: door,
  params: {
    name,
    arguments: { path: "canary-7d1f" },
    _meta: { traceparent: TRACEPARENT, tracestate: "a=b" },
  },
});
const initialize = { jsonrpc: "2.0", id: 0, method: "initialize", params: {} };

test("a call is traced from its own context to the tool server's headers, and its bytes stay as they were", async (t) => {
  const { observer, spans, lines } = watch({ isVerbose: true });
  const rig = await createRig(t, { observer });
  await rig.send(call("read"), { headers: { "x-intent-prompt": "canary-7d1f" } });
  const [server, client] = spans;
  assert.equal(spans.length, 2);
  assert.equal(server?.context.traceId, TRACE);
  assert.equal(client?.start.parent, server);
  assert.equal(client?.attributes["http.response.status_code"], 200);
  assert.equal(rig.forwarded[0]?.overrides?.traceparent, `00-${TRACE}-${client?.context.spanId}-01`);
  assert.equal(Buffer.from(rig.forwarded[0]?.body ?? []).toString(), JSON.stringify(call("read")));
  assert.deepEqual([server?.attributes["postern.decision"], server?.ends], ["allow", 1]);
  assert.ok((client?.ends ?? 0) >= 1);
  assert.equal(lines[0]?.trace_id, TRACE);
  const [event] = await rig.events();
  assert.equal(server?.attributes["postern.event_id"], event?.event_id);
});

test("the direct door carries the trace to every request of its session", async (t) => {
  const { observer, spans } = watch();
  const rig = await createRig(t, { observer });
  rig.answering = async (request) => {
    const { message } = request;
    const id = message?.id?.value;
    const result = {
      protocolVersion: "2025-11-25",
      capabilities: {},
      serverInfo: { name: "x", version: "1" },
      content: [],
    };
    const whole = Buffer.from(id === undefined ? "" : JSON.stringify({ jsonrpc: "2.0", id, result }));
    return {
      status: id === undefined ? 202 : 200,
      headers: { "content-type": "application/json" },
      body: {
        whole,
        cancel() {},
        onOver() {},
        async *[Symbol.asyncIterator]() {
          yield whole;
        },
      },
    };
  };
  await rig.send(call("read"), { door: "tool-call", path: "/v1/tool-call" });
  assert.ok(rig.forwarded.length >= 2);
  for (const { overrides } of rig.forwarded)
    assert.match(overrides?.traceparent ?? "", new RegExp(`^00-${TRACE}-`));
  assert.equal(spans.length, 2);
});

test("every message has exactly one span of ours, however it ends, and every span ends", async (t) => {
  const { observer, spans, lines } = watch({ isVerbose: true });
  const rig = await createRig(t, { observer });
  const sent = [
    () => rig.send(call("read")),
    () => rig.send(call("deny:policy")),
    () => rig.send(call("escalate")),
    () => rig.send(call("read"), { token: null }),
    () => rig.send(call("read"), { token: "nobody" }),
    () => rig.send(initialize),
    () => rig.send(Buffer.from("not json")),
    () => rig.send(undefined, { verb: "GET" }),
    () => {
      rig.answering = async () => {
        throw new Error("canary-7d1f");
      };
      return rig.send(call("read"));
    },
  ];
  for (const send of sent) {
    const before = spans.length;
    const told = lines.length;
    await send();
    assert.equal(
      spans.slice(before).filter(({ start }) => start.kind === "server").length,
      1,
      send.toString(),
    );
    assert.equal(lines.length, told + 1);
  }
  for (const span of spans) assert.ok(span.ends >= 1, span.start.name);
  assert.doesNotMatch(
    JSON.stringify([
      lines,
      spans.map(({ attributes, notes, start: { parent: _, ...start } }) => [attributes, notes, start]),
    ]).replaceAll(/"stack":"[^"]*"|"detail":"[^"]*"/g, ""),
    /canary/,
  );
});
