import assert from "node:assert/strict";
import { test } from "node:test";
import { call, dataIn, initialize, next, openScripted } from "./stdio.fixture.ts";
import { bodiless, faultOf, forever, requestOf, textOf } from "./upstream.fixture.ts";
import { mayHaveRun } from "./upstream.ts";

test("each session has a process of its own, named by at least 128 random bits", async (t) => {
  const upstream = openScripted(t, "answer(message, { pid: process.pid })");
  const first = await initialize(upstream);
  const second = await initialize(upstream);
  assert.notEqual(first.pid, second.pid);
  assert.match(first.headers["mcp-session-id"], /^[A-Za-z0-9_-]{32}$/);
  for (const { headers, pid } of [first, second]) {
    const answer = await upstream.forward(requestOf(call(1), headers), forever());
    assert.equal(answer.headers["content-type"], "application/json");
    assert.equal(JSON.parse(Buffer.from(answer.body.whole ?? []).toString()).result.pid, pid);
  }
});

test("the judged bytes reach the process on one line, all else unchanged", async (t) => {
  const upstream = openScripted(t, "answer(message, { line })");
  const { headers } = await initialize(upstream);
  const text =
    '{ "jsonrpc":"2.0",\r\n\t"id":"\\u0061", "method":"tools/call",\n"params":{"name":"t","arguments":{"n":1.50,"s":"a\\nb"}} }';
  const request = requestOf(JSON.parse(text), headers);
  const answer = await upstream.forward({ ...request, body: Buffer.from(text) }, forever());
  assert.equal(JSON.parse(await textOf(answer)).result.line, text.replaceAll(/[\r\n]/g, " "));
});

test("progress goes to the request that asked for it, and the answer ends its stream", async (t) => {
  const upstream = openScripted(
    t,
    `const token = message.params._meta?.progressToken;
     if (token !== undefined) say({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: token, progress: 1 } });
     say({ jsonrpc: "2.0", method: "notifications/progress", params: { progress: 2 } });
     say({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: "other", progress: 3 } });
     answer(message, {});`,
  );
  const { headers } = await initialize(upstream);
  const [plain, asking, other] = await Promise.all([
    upstream.forward(requestOf(call(1), headers), forever()),
    upstream.forward(requestOf(call(2, { _meta: { progressToken: 7 } }), headers), forever()),
    upstream.forward(requestOf(call(3, { _meta: { progressToken: "7" } }), headers), forever()),
  ]);
  assert.equal(plain.headers["content-type"], "application/json");
  for (const [answer, token, id] of [
    [asking, 7, 2],
    [other, "7", 3],
  ] as const) {
    assert.equal(answer.headers["content-type"], "text/event-stream");
    const [progress, result, ...rest] = dataIn(await textOf(answer));
    assert.deepEqual([progress.params, result.id, rest], [{ progressToken: token, progress: 1 }, id, []]);
  }
});

test("a client that takes no stream gets the answer alone", async (t) => {
  const upstream = openScripted(
    t,
    `say({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: 7, progress: 1 } });
     say({ jsonrpc: "2.0", id: "ask", method: "roots/list" });
     answer(message, {});`,
  );
  const { headers } = await initialize(upstream);
  const request = requestOf(call(1, { _meta: { progressToken: 7 } }), {
    ...headers,
    accept: "application/json",
  });
  const answer = await upstream.forward(request, forever());
  assert.deepEqual(JSON.parse(await textOf(answer)), { jsonrpc: "2.0", id: 1, result: {} });
});

test("what the server says of its own accord waits for the GET stream and then flows there", async (t) => {
  const upstream = openScripted(
    t,
    `if (message.method === "notifications/initialized") say({ jsonrpc: "2.0", method: "notifications/message", params: { n: 1 } });
     else if (message.id === "ask") say({ jsonrpc: "2.0", method: "notifications/message", params: { answered: message.result } });
     else if (message.method === "tools/call") { say({ jsonrpc: "2.0", id: "ask", method: "roots/list" }); answer(message, {}); }`,
  );
  const { headers } = await initialize(upstream);
  const told = await upstream.forward(requestOf({ method: "notifications/initialized" }, headers), forever());
  assert.deepEqual([told.status, await textOf(told)], [202, ""]);
  const gone = new AbortController();
  const stream = await upstream.forward(bodiless("GET", headers), gone.signal);
  assert.deepEqual(dataIn(await next(stream))[0].params, { n: 1 });
  const second = await upstream.forward(bodiless("GET", headers), forever());
  assert.equal(second.status, 409);
  await upstream.forward(requestOf(call(1), headers), forever());
  assert.equal(dataIn(await next(stream))[0].method, "roots/list");
  const answered = await upstream.forward(
    requestOf({ id: "ask", result: { roots: [] } }, headers),
    forever(),
  );
  assert.equal(answered.status, 202);
  assert.deepEqual(dataIn(await next(stream))[0].params, { answered: { roots: [] } });
  gone.abort();
  const again = await upstream.forward(bodiless("GET", headers), forever());
  assert.equal(again.status, 200);
});

test("a question to a client that listens nowhere goes to the answer it waits for", async (t) => {
  const upstream = openScripted(
    t,
    `if (message.method === "tools/call") { globalThis.waiting = message; say({ jsonrpc: "2.0", id: 5, method: "sampling/createMessage", params: {} }); }
     else answer(globalThis.waiting, { got: message.result });`,
  );
  const { headers } = await initialize(upstream);
  const answer = await upstream.forward(requestOf(call(1), headers), forever());
  const reader = answer.body[Symbol.asyncIterator]();
  const first = Buffer.from((await reader.next()).value ?? []).toString();
  assert.equal(dataIn(first)[0].method, "sampling/createMessage");
  await upstream.forward(requestOf({ id: 5, result: "said" }, headers), forever());
  const second = Buffer.from((await reader.next()).value ?? []).toString();
  assert.deepEqual(dataIn(second)[0].result, { got: "said" });
  assert.equal((await reader.next()).done, true);
});

test("unheard messages are bounded, and a question that makes room is answered", async (t) => {
  const upstream = openScripted(
    t,
    `if (message.method === "tools/call") {
       say({ jsonrpc: "2.0", id: "first", method: "roots/list" });
       for (let n = 0; n < 256; n += 1) say({ jsonrpc: "2.0", method: "notifications/message", params: { n } });
       globalThis.waiting = message;
     } else answer(globalThis.waiting, message.error);`,
  );
  const { headers } = await initialize(upstream);
  const request = requestOf(call(1), { ...headers, accept: "application/json" });
  const answer = await upstream.forward(request, forever());
  assert.equal(JSON.parse(await textOf(answer)).result.message, "The client does not listen.");
  const stream = await upstream.forward(bodiless("GET", headers), forever());
  assert.deepEqual(
    dataIn(await next(stream)).map(({ params }) => params.n),
    [...Array(256).keys()],
  );
});

test("a message outside a session, or in conflict with one, is refused with a JSON-RPC body", async (t) => {
  const upstream = openScripted(t, "");
  const { headers } = await initialize(upstream);
  const waiting = upstream.forward(requestOf(call(1, { _meta: { progressToken: "p" } }), headers), forever());
  waiting.catch(() => {});
  const unknown = { "mcp-session-id": "x" };
  const cases = [
    [requestOf(call(1)), 400, 1],
    [requestOf(call(1), unknown), 404, 1],
    [requestOf({ id: "i", method: "initialize" }, headers), 400, "i"],
    [requestOf({ id: "i", method: "initialize" }, unknown), 404, "i"],
    [requestOf(call(1), headers), 400, 1],
    [requestOf(call(2, { _meta: { progressToken: "p" } }), headers), 400, 2],
    [bodiless("GET"), 400, null],
    [bodiless("GET", unknown), 404, null],
    [bodiless("DELETE"), 400, null],
    [{ method: "POST", headers: new Map(Object.entries(headers)) }, 400, null],
  ] as const;
  for (const [request, status, id] of cases) {
    const answer = await upstream.forward(request, forever());
    const { error, ...rest } = JSON.parse(await textOf(answer));
    assert.deepEqual([answer.status, rest, error.code], [status, { jsonrpc: "2.0", id }, -32600]);
  }
});

const SAYS_WHAT_IT_IS_TOLD = `if (message.method?.startsWith("notifications/")) say({ jsonrpc: "2.0", method: "notifications/message", params: message });`;

test("a caller that leaves, or an answer that is late, is told to the server as a cancellation", async (t) => {
  const upstream = openScripted(t, SAYS_WHAT_IT_IS_TOLD, { answerTimeoutMs: 300 });
  const { headers } = await initialize(upstream);
  const stream = await upstream.forward(bodiless("GET", headers), forever());
  const gone = new AbortController();
  const left = faultOf(upstream.forward(requestOf(call("left"), headers), gone.signal));
  gone.abort();
  assert.deepEqual([(await left).code, mayHaveRun(await left)], ["upstream.aborted", true]);
  assert.deepEqual(dataIn(await next(stream))[0].params.params, { requestId: "left" });
  const late = await faultOf(upstream.forward(requestOf(call("late"), headers), forever()));
  assert.deepEqual([late.code, mayHaveRun(late)], ["upstream.timeout", true]);
  assert.deepEqual(dataIn(await next(stream))[0].params.params, { requestId: "late" });
});

test("leaving a stream half-read cancels the request, and its id is free again", async (t) => {
  const upstream = openScripted(
    t,
    `${SAYS_WHAT_IT_IS_TOLD}
     if (message.id === 1) say({ jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: 1, progress: 1 } });`,
  );
  const { headers } = await initialize(upstream);
  const stream = await upstream.forward(bodiless("GET", headers), forever());
  for (let attempts = 0; attempts < 2; attempts += 1) {
    const answer = await upstream.forward(
      requestOf(call(1, { _meta: { progressToken: 1 } }), headers),
      forever(),
    );
    for await (const _ of answer.body) break;
    assert.deepEqual(dataIn(await next(stream))[0].params.params, { requestId: 1 });
  }
});

test("a client's own cancellation ends its answer without one", async (t) => {
  const upstream = openScripted(t, "");
  const { headers } = await initialize(upstream);
  const waiting = upstream.forward(requestOf(call(1), headers), forever());
  await upstream.forward(
    requestOf({ method: "notifications/cancelled", params: { requestId: 1 } }, headers),
    forever(),
  );
  assert.equal(await textOf(await waiting), "");
});

test("a caller that leaves during initialize ends its process, and no cancellation is sent, which MCP forbids", async (t) => {
  let told = "";
  const script = 'process.stdin.pipe(process.stderr); process.stdin.on("end", () => process.exit())';
  const upstream = openScripted(t, "", {
    command: [process.execPath, "-e", script],
    graceMs: 10_000,
    onDiagnostic: (text) => {
      told += text;
      gone.abort();
    },
  });
  const gone = new AbortController();
  const fault = await faultOf(upstream.forward(requestOf({ id: 0, method: "initialize" }), gone.signal));
  assert.equal(fault.code, "upstream.aborted");
  await upstream.close();
  assert.equal(told, '{"jsonrpc":"2.0","id":0,"method":"initialize"}\n');
});
