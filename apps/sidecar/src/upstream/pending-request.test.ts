import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createPendingRequest } from "./pending-request.ts";
import { requestOf } from "./upstream.fixture.ts";

function asked(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const events: string[] = [];
  const gone = new AbortController();
  const question = { ...requestOf({ id: 1, method: "ping" }), takesStream: true, signal: gone.signal };
  const request = createPendingRequest(question, {
    answerTimeoutMs: 1_000,
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
