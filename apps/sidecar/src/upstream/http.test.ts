import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import { freePort } from "@postern/testkit";
import { JSON_HEADERS, openHttp, PING, SSE_HEADERS, upstreamOf } from "./http.fixture.ts";
import { bodiless, bodyOf, faultOf, forever, requestOf, textOf, until } from "./upstream.fixture.ts";
import { mayHaveRun, type UpstreamResponse } from "./upstream.ts";

test("the judged bytes go to the fixed path, framed anew, with only the headers that may travel", async (t) => {
  let seen: { request: IncomingMessage; body: string } | undefined;
  const upstream = await upstreamOf(
    t,
    async (request, response) => {
      seen = { request, body: (await bodyOf(request)).toString() };
      response.writeHead(200, {
        ...JSON_HEADERS,
        "set-cookie": "a=b",
        "mcp-session-id": "s",
        "x-secret": "1",
        connection: "close",
      });
      response.end("{}");
    },
    { headers: { Authorization: "Bearer upstream", "X-Api-Key": "k" } },
  );
  const spaced = Buffer.from('{ "jsonrpc":"2.0",\n "id":1, "method":"ping", "params":{"n":1.0} }');
  const request = requestOf(PING, {
    authorization: "Bearer client",
    cookie: "c=d",
    "x-intent-prompt": "p",
    "x-forwarded-for": "1.2.3.4",
    forwarded: "for=1",
    host: "evil.example",
    "content-type": "application/json; charset=utf-8",
    "content-length": "5",
    "transfer-encoding": "chunked",
    connection: "close",
    "mcp-protocol-version": "2025-11-25",
    "mcp-session-id": "s0",
    "mcp-param-region": "eu",
    "mcp-init-host": "evil.example",
    "last-event-id": "7",
    traceparent: "00-1-2-03",
  });
  const answer = await upstream.forward({ ...request, body: spaced }, forever());
  assert.deepEqual(answer.headers, { "content-type": "application/json", "mcp-session-id": "s" });
  assert.equal(await textOf(answer), "{}");
  assert.ok(seen);
  assert.equal(seen.request.url, "/mcp?fixed=1");
  assert.equal(seen.body, spaced.toString());
  const { host, ...headers } = seen.request.headers;
  assert.match(host ?? "", /^127\.0\.0\.1:\d+$/);
  assert.deepEqual(headers, {
    accept: "application/json, text/event-stream",
    "accept-encoding": "identity",
    authorization: "Bearer upstream",
    connection: "keep-alive",
    "content-length": String(spaced.byteLength),
    "content-type": "application/json",
    "last-event-id": "7",
    "mcp-protocol-version": "2025-11-25",
    "mcp-session-id": "s0",
    traceparent: "00-1-2-03",
    "x-api-key": "k",
  });
});

test("a small JSON answer is handed over whole, with its status", async (t) => {
  const upstream = await upstreamOf(t, (_request, response) => {
    response.writeHead(404, JSON_HEADERS).end('{"error":1}');
  });
  const answer = await upstream.forward(requestOf(PING), forever());
  assert.equal(answer.status, 404);
  assert.equal(Buffer.from(answer.body.whole ?? []).toString(), '{"error":1}');
  assert.equal(await textOf(answer), '{"error":1}');
});

test("GET, DELETE and empty answers pass", async (t) => {
  const upstream = await upstreamOf(t, (request, response) => {
    assert.equal(request.headers["content-type"], undefined);
    response.writeHead(request.method === "GET" ? 405 : 202, { allow: "POST" }).end();
  });
  const got = await upstream.forward(bodiless("GET"), forever());
  assert.deepEqual([got.status, got.headers, await textOf(got)], [405, { allow: "POST" }, ""]);
  const deleted = await upstream.forward(bodiless("DELETE", { "mcp-session-id": "s" }), forever());
  assert.equal(deleted.status, 202);
});

test("a stream is handed over before its first event, and each event as it comes", async (t) => {
  let response: ServerResponse | undefined;
  const upstream = await upstreamOf(t, (_request, opened) => {
    response = opened.writeHead(200, { ...SSE_HEADERS, "x-accel-buffering": "no" });
    opened.flushHeaders();
  });
  const answer = await upstream.forward(requestOf(PING), forever());
  assert.deepEqual(answer.headers, { ...SSE_HEADERS, "x-accel-buffering": "no" });
  const reader = answer.body[Symbol.asyncIterator]();
  for (const event of ["id: 1\ndata:\n\n", ": ping\n", "data: x\n\n"]) {
    response?.write(event);
    assert.equal(Buffer.from((await reader.next()).value ?? []).toString(), event);
  }
  response?.end();
  assert.equal((await reader.next()).done, true);
});

test("a reader that stops slows the upstream down instead of filling memory, and then gets every byte", async (t) => {
  let writtenBytes = 0;
  let isFull = false;
  const piece = Buffer.alloc(65_536, "x");
  const totalBytes = 64 * 1_048_576;
  const upstream = await upstreamOf(
    t,
    (_request, response) => {
      response.writeHead(200, JSON_HEADERS);
      const write = () => {
        while (writtenBytes < totalBytes) {
          writtenBytes += piece.byteLength;
          if (!response.write(piece)) {
            isFull = true;
            response.once("drain", write);
            return;
          }
        }
        response.end();
      };
      write();
    },
    { bodyBytesMax: totalBytes },
  );
  const answer = await upstream.forward(requestOf(PING), forever());
  let settledBytes = -1;
  // The pipe between them is full once nothing more has been written for many turns.
  for (let turns = 0; turns < 200; turns += 1) {
    if (settledBytes !== writtenBytes) turns = 0;
    settledBytes = writtenBytes;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(isFull && writtenBytes < 16 * 1_048_576, `${writtenBytes} bytes were taken without a reader`);
  let readBytes = 0;
  for await (const chunk of answer.body) readBytes += chunk.byteLength;
  assert.equal(readBytes, totalBytes);
});

for (const [title, leave] of Object.entries({
  "the caller's signal": (_answer: UpstreamResponse, gone: AbortController) => gone.abort(),
  "cancelling the body": (answer: UpstreamResponse) => answer.body.cancel(),
})) {
  test(`${title} ends the exchange at the upstream at once`, async (t) => {
    let isClosed = false;
    const upstream = await upstreamOf(t, (_request, response) => {
      response.once("close", () => (isClosed = true));
      response.writeHead(200, SSE_HEADERS).write("data: 1\n\n");
    });
    const gone = new AbortController();
    const answer = await upstream.forward(requestOf(PING), gone.signal);
    for await (const _ of answer.body) break;
    leave(answer, gone);
    await until(() => isClosed);
  });
}

test("a caller that leaves while the upstream thinks ends the exchange there too", async (t) => {
  let isClosed = false;
  const gone = new AbortController();
  const upstream = await upstreamOf(t, (_request, response) => {
    response.once("close", () => (isClosed = true));
    gone.abort();
  });
  const fault = await faultOf(upstream.forward(requestOf(PING), gone.signal));
  assert.equal(fault.code, "upstream.aborted");
  assert.equal(mayHaveRun(fault), true);
  await until(() => isClosed);
});

test("leaving the loop over a body ends the exchange", async (t) => {
  let isClosed = false;
  const upstream = await upstreamOf(t, (_request, response) => {
    response.once("close", () => (isClosed = true));
    response.writeHead(200, SSE_HEADERS).write("data: 1\n\n");
  });
  const answer = await upstream.forward(requestOf(PING), forever());
  for await (const _ of answer.body) break;
  await until(() => isClosed);
});

test("a connection that cannot be made is told as never sent", async (t) => {
  const upstream = openHttp(t, { url: `http://127.0.0.1:${await freePort()}/mcp` });
  const fault = await faultOf(upstream.forward(requestOf(PING), forever()));
  assert.deepEqual([fault.kind, fault.code, mayHaveRun(fault)], ["upstream", "upstream.unavailable", false]);
  assert.equal((await upstream.probe()).ok, false);
});

test("a caller that has gone already, or one too many, is told as never sent", async (t) => {
  let requests = 0;
  const upstream = await upstreamOf(
    t,
    (_request, response) => {
      requests += 1;
      response.writeHead(200, SSE_HEADERS).write("data: 1\n\n");
    },
    { exchangesMax: 1 },
  );
  const early = await faultOf(upstream.forward(requestOf(PING), AbortSignal.abort()));
  assert.deepEqual([early.code, mayHaveRun(early)], ["upstream.aborted", false]);
  const first = await upstream.forward(requestOf(PING), forever());
  // Streams and calls are counted apart.
  await upstream.forward(bodiless("GET"), forever());
  for (const request of [requestOf(PING), bodiless("GET")] as const) {
    const busy = await faultOf(upstream.forward(request, forever()));
    assert.deepEqual([busy.kind, busy.code, mayHaveRun(busy)], ["limited", "upstream.busy", false]);
  }
  first.body.cancel();
  await upstream.forward(requestOf(PING), forever());
  assert.equal(requests, 3);
  assert.equal((await upstream.probe()).ok, true);
});

test("interim responses are no answer", async (t) => {
  const upstream = await upstreamOf(t, (_request, response) => {
    response.writeEarlyHints({ link: "</x>; rel=preload" }, () =>
      response.writeHead(200, JSON_HEADERS).end("{}"),
    );
  });
  const answer = await upstream.forward(requestOf(PING), forever());
  assert.deepEqual([answer.status, await textOf(answer)], [200, "{}"]);
});

test("many exchanges at once do not cross", async (t) => {
  const upstream = await upstreamOf(t, async (request, response) => {
    const { params } = JSON.parse((await bodyOf(request)).toString());
    response.writeHead(200, params.n % 2 === 0 ? JSON_HEADERS : SSE_HEADERS);
    if (params.n % 3 === 0) response.write(" ");
    setImmediate(() => response.end(`<${params.n}>`));
  });
  const answers = await Promise.all(
    [...Array(200).keys()].map(async (n) =>
      textOf(await upstream.forward(requestOf({ id: 1, method: "ping", params: { n } }), forever())),
    ),
  );
  assert.deepEqual(
    answers.map((answer) => answer.trim()),
    [...Array(200).keys()].map((n) => `<${n}>`),
  );
});

test("closing ends every exchange", async (t) => {
  const upstream = await upstreamOf(t, (_request, response) => {
    response.writeHead(200, SSE_HEADERS).write("data: 1\n\n");
  });
  const answer = await upstream.forward(requestOf(PING), forever());
  await upstream.close();
  await faultOf(textOf(answer));
  const fault = await faultOf(upstream.forward(requestOf(PING), forever()));
  assert.equal(mayHaveRun(fault), false);
});

test("a subscription stands in no call's way, and stays open", async (t) => {
  const upstream = await upstreamOf(
    t,
    (_request, response) => void response.writeHead(200, SSE_HEADERS).write("data: 1\n\n"),
    { exchangesMax: 1, streamTimeoutMs: 100 },
  );
  const subscription = requestOf({ id: 1, method: "subscriptions/listen", params: {} });
  const open = await upstream.forward(subscription, forever());
  let isOver = false;
  open.body.onOver(() => (isOver = true));
  const fault = await faultOf(textOf(await upstream.forward(requestOf(PING), forever())));
  assert.deepEqual([fault.code, isOver], ["upstream.timeout", false]);
  open.body.cancel();
  assert.equal(isOver, true);
});
