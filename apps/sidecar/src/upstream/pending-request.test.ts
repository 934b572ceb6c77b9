import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createPendingRequest } from "./pending-request.ts";
import { requestOf } from "./upstream.fixture.ts";

function asked(t: TestContext, limits: { streamTimeoutMs?: number; unreadBytesMax?: number } = {}) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const events: string[] = [];
  const gone = new AbortController();
  const asking = requestOf({ id: 1, method: "ping" });
  const question = { ...asking, request: asking, progressToken: undefined, signal: gone.signal };
  const request = createPendingRequest(question, {
    answerTimeoutMs: 1_000,
    streamTimeoutMs: limits.streamTimeoutMs,
    unreadBytesMax: limits.unreadBytesMax ?? 1_000_000,
    pause: () => {},
    resume: () => {},
    resolve: ({ headers }) => void events.push(headers["content-type"] ?? ""),
    reject: (fault) => void events.push("code" in fault ? String(fault.code) : fault.message),
    settled: () => void events.push("settled"),
    abandoned: () => void events.push("abandoned"),
  });
  return { request, gone, events, timers: t.mock.timers };
}

test("a request that gets nothing in time is settled, failed and abandoned, in this order and once", (t) => {
  const { events, gone, timers } = asked(t);
  timers.tick(1_000);
  gone.abort();
  assert.deepEqual(events, ["settled", "upstream.timeout", "abandoned"]);
});

test("a stream that has begun may go on for ever, and leaving it abandons the request", (t) => {
  const { request, events, gone, timers } = asked(t);
  request.stream(Buffer.from("{}"));
  timers.tick(1_000_000);
  assert.deepEqual(events, ["text/event-stream"]);
  gone.abort();
  assert.deepEqual(events, ["text/event-stream", "settled", "abandoned"]);
});

test("an answered request is not abandoned by a caller that leaves afterwards", (t) => {
  const { request, events, gone, timers } = asked(t);
  request.finish(Buffer.from("{}"));
  gone.abort();
  timers.tick(1_000);
  assert.deepEqual(events, ["settled", "application/json"]);
});

test("an answer that is a stream ends at its deadline, and the tool server is told", (t) => {
  const { request, events, timers } = asked(t, { streamTimeoutMs: 5_000 });
  request.stream(Buffer.from("{}"));
  timers.tick(4_999);
  assert.deepEqual(events, ["text/event-stream"]);
  timers.tick(1);
  assert.deepEqual(events, ["text/event-stream", "settled", "abandoned"]);
});

test("a client that lets more lie unread than it may is given up", (t) => {
  const { request, events } = asked(t, { unreadBytesMax: 1_000 });
  request.stream(Buffer.alloc(500, " "));
  assert.deepEqual(events, ["text/event-stream"]);
  request.stream(Buffer.alloc(500, " "));
  assert.deepEqual(events, ["text/event-stream", "settled", "abandoned"]);
  request.stream(Buffer.from("{}"));
  request.finish(Buffer.from("{}"));
  request.drop();
  assert.equal(events.length, 3);
});
