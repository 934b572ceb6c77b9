import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Fault } from "@postern/fault";
import { fixedClock } from "@postern/testkit";
import type { Dispatcher } from "undici";
import { HIGH_WATER_BYTES } from "./body.ts";
import { createExchange } from "./exchange.ts";
import { isOutage, mayHaveRun, type UpstreamResponse } from "./upstream.ts";

/** A connection as the dispatcher shows it to a handler. */
function memoryController() {
  const controller = {
    aborted: false,
    paused: false,
    reason: null as Error | null,
    abort(reason: Error) {
      controller.aborted = true;
      controller.reason = reason;
    },
    pause() {
      controller.paused = true;
    },
    resume() {
      controller.paused = false;
    },
  };
  return controller;
}

interface Seen {
  response?: UpstreamResponse;
  fault?: Fault;
  finished: number;
  unauthorized: number;
}

function started(
  t: TestContext,
  { isSent = true, streamTimeoutMs }: { isSent?: boolean; streamTimeoutMs?: number } = {},
) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const seen: Seen = { finished: 0, unauthorized: 0 };
  const gone = new AbortController();
  const clock = fixedClock();
  const handler = createExchange({
    signal: gone.signal,
    clock,
    idleTimeoutMs: 1_000,
    streamTimeoutMs,
    bodyBytesMax: 1_000_000,
    resolve(response) {
      seen.response = response;
    },
    reject(fault) {
      seen.fault = fault;
    },
    unauthorized() {
      seen.unauthorized += 1;
    },
    finished() {
      seen.finished += 1;
    },
  });
  const controller = memoryController();
  if (isSent) handler.onRequestStart?.(controller, {});
  const begin = (headers: Record<string, string>) =>
    handler.onResponseStart?.(controller, 200, headers, "OK");
  const data = (text: string | Buffer) => handler.onResponseData?.(controller, Buffer.from(text));
  const pass = (ms: number) => {
    clock.advance(ms);
    t.mock.timers.tick(ms);
  };
  return { handler, controller, seen, gone, begin, data, pass, timers: t.mock.timers };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const JSON_TYPE = { "content-type": "application/json" };
const SSE_TYPE = { "content-type": "text/event-stream; charset=utf-8" };

test("a request that is started a second time is stopped before it is written again", (t) => {
  const { handler, controller, seen } = started(t);
  const again = memoryController();
  handler.onRequestStart?.(again as Dispatcher.DispatchController, {});
  assert.deepEqual([controller.aborted, again.aborted], [false, true]);
  assert.equal(seen.fault, undefined);
});

test("a caller that leaves before the request is written keeps it from being written", (t) => {
  const { handler, seen, gone } = started(t, { isSent: false });
  gone.abort();
  assert.equal(mayHaveRun(seen.fault), false);
  const late = memoryController();
  handler.onRequestStart?.(late as Dispatcher.DispatchController, {});
  assert.equal(late.aborted, true);
  handler.onResponseError?.(late as Dispatcher.DispatchController, new Error("aborted"));
  assert.equal(seen.finished, 1);
});

test("a silent stream stays open, however long", (t) => {
  const { begin, seen, pass } = started(t);
  begin(SSE_TYPE);
  pass(1_000_000);
  assert.equal(seen.response?.status, 200);
  assert.deepEqual([seen.fault, seen.finished], [undefined, 0]);
});

test("an answer that is no stream may pause for its caller, but not of its own", async (t) => {
  const { begin, data, controller, seen, pass } = started(t);
  begin(JSON_TYPE);
  await turn();
  assert.equal(seen.response?.body.whole, undefined);
  data(Buffer.alloc(HIGH_WATER_BYTES));
  assert.equal(controller.paused, true);
  pass(10_000);
  assert.equal(seen.finished, 0);
  const reader = seen.response?.body[Symbol.asyncIterator]();
  await reader?.next();
  assert.equal(controller.paused, false);
  pass(900);
  data("x");
  pass(900);
  assert.equal(controller.aborted, false);
  pass(200);
  assert.equal(controller.aborted, true);
  await reader?.next();
  await assert.rejects(reader?.next() ?? Promise.resolve(), { code: "upstream.timeout" });
  assert.equal(seen.finished, 1);
});

test("an answer that ends in the turn it began in is whole, and a longer one of unknown length is not waited for", async (t) => {
  const quick = started(t);
  quick.begin(JSON_TYPE);
  quick.data("{}");
  quick.handler.onResponseEnd?.(quick.controller as Dispatcher.DispatchController, {});
  assert.equal(Buffer.from(quick.seen.response?.body.whole ?? []).toString(), "{}");
  quick.timers.reset();
  const slow = started(t);
  slow.begin(JSON_TYPE);
  assert.equal(typeof slow.seen.response, "undefined");
  await turn();
  assert.equal(slow.seen.response?.body.whole, undefined);
  slow.timers.reset();
  const known = started(t);
  known.begin({ ...JSON_TYPE, "content-length": "2" });
  await turn();
  assert.equal(typeof known.seen.response, "undefined");
  known.data("{}");
  known.handler.onResponseEnd?.(known.controller as Dispatcher.DispatchController, {});
  assert.equal(known.seen.response?.body.whole?.byteLength, 2);
});

test("what comes after the end changes nothing", (t) => {
  const { handler, controller, begin, data, seen, gone } = started(t);
  begin({ ...JSON_TYPE, "content-length": "2" });
  data("{}");
  handler.onResponseEnd?.(controller as Dispatcher.DispatchController, {});
  gone.abort();
  handler.onResponseError?.(controller as Dispatcher.DispatchController, new Error("late"));
  assert.deepEqual([seen.fault, seen.finished, controller.aborted], [undefined, 1, false]);
});

test("a stream that is an answer ends at its deadline, broken, and its caller is not told that it was whole", async (t) => {
  const { begin, controller, data, pass, seen } = started(t, { streamTimeoutMs: 5_000 });
  begin(SSE_TYPE);
  for (let seconds = 0; seconds < 4; seconds += 1) {
    pass(1_000);
    data(`data: ${seconds}\n\n`);
  }
  assert.equal(controller.aborted, false);
  pass(1_000);
  assert.deepEqual([controller.aborted, seen.finished], [true, 1]);
  const reader = seen.response?.body[Symbol.asyncIterator]();
  await reader?.next();
  await assert.rejects(reader?.next() ?? Promise.resolve(), { code: "upstream.timeout" });
});

test("a stream that ends in time leaves no deadline behind", (t) => {
  const { begin, handler, controller, pass, seen } = started(t, { streamTimeoutMs: 5_000 });
  begin(SSE_TYPE);
  handler.onResponseEnd?.(controller as Dispatcher.DispatchController, {});
  pass(10_000);
  assert.deepEqual([controller.aborted, seen.finished], [false, 1]);
});

test("an answer of 401 says that the credential is no good", (t) => {
  const { handler, controller, seen } = started(t);
  handler.onResponseStart?.(controller, 401, {}, "Unauthorized");
  assert.deepEqual([seen.unauthorized, seen.fault?.code, seen.finished], [1, "upstream.unavailable", 1]);
});

test("trouble of the tool server is told apart from trouble with a message", (t) => {
  const outages: readonly [error: object, outage: boolean][] = [
    [{ code: "ECONNREFUSED" }, true],
    [{ code: "UND_ERR_HEADERS_TIMEOUT" }, true],
    [{ name: "HTTPParserError" }, false],
  ];
  for (const [error, outage] of outages) {
    const { handler, controller, seen, timers } = started(t);
    handler.onResponseError?.(controller, Object.assign(new Error("x"), error));
    assert.equal(isOutage(seen.fault), outage);
    timers.reset();
  }
  const left = started(t);
  left.gone.abort();
  assert.equal(isOutage(left.seen.fault), false);
});
