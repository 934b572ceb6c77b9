import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer, type Socket } from "node:net";
import { test } from "node:test";
import { defer } from "@postern/testkit";
import { JSON_HEADERS, openHttp, PING, SSE_HEADERS, upstreamOf } from "./http.fixture.ts";
import type { HttpUpstreamOptions } from "./http.ts";
import { faultOf, forever, requestOf, textOf } from "./upstream.fixture.ts";
import { mayHaveRun } from "./upstream.ts";

/** How an upstream may break, with the code that the caller gets and whether the call may have run. */
const BREAKS: readonly {
  readonly title: string;
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  readonly code: string;
  readonly options?: Partial<HttpUpstreamOptions>;
  /** The trouble comes while the body is read. */
  readonly inBody?: true;
}[] = [
  {
    title: "a reset instead of an answer",
    handle: (request) => void request.socket.resetAndDestroy(),
    code: "upstream.unavailable",
  },
  {
    title: "an end instead of an answer",
    handle: (request) => void request.socket.end(),
    code: "upstream.unavailable",
  },
  {
    title: "something that is not HTTP",
    handle: (request) => void request.socket.end("hello\r\n\r\n"),
    code: "upstream.protocol",
  },
  {
    title: "endless headers",
    handle: (_request, response) => void response.writeHead(200, { a: "x".repeat(20_000) }).end(),
    code: "upstream.protocol",
  },
  {
    title: "no answer in time",
    handle: () => {},
    code: "upstream.timeout",
    options: { answerTimeoutMs: 60 },
  },
  {
    title: "a redirect",
    handle: (_request, response) =>
      void response.writeHead(307, { location: "http://169.254.169.254/" }).end(),
    code: "upstream.protocol",
  },
  {
    title: "a refused credential",
    handle: (_request, response) => void response.writeHead(401, { "www-authenticate": "Bearer" }).end(),
    code: "upstream.unavailable",
  },
  {
    title: "a compressed answer",
    handle: (_request, response) =>
      void response.writeHead(200, { ...JSON_HEADERS, "content-encoding": "gzip" }).end("x"),
    code: "upstream.protocol",
  },
  {
    title: "an answer announced too large",
    handle: (_request, response) =>
      void response.writeHead(200, { ...JSON_HEADERS, "content-length": 2_000 }).end("x".repeat(2_000)),
    code: "upstream.protocol",
    options: { bodyBytesMax: 1_000 },
  },
  {
    title: "a small answer cut short",
    handle: (_request, response) =>
      void response
        .writeHead(200, { ...JSON_HEADERS, "content-length": 10 })
        .write("12345", () => response.destroy()),
    code: "upstream.unavailable",
  },
  {
    title: "an answer that grows too large",
    inBody: true,
    handle: (_request, response) =>
      void response
        .writeHead(200, JSON_HEADERS)
        .write("x".repeat(900), () => response.write("x".repeat(900))),
    code: "upstream.protocol",
    options: { bodyBytesMax: 1_000 },
  },
  {
    title: "an answer that stops half-way",
    inBody: true,
    handle: (_request, response) => void response.writeHead(200, JSON_HEADERS).write("x"),
    code: "upstream.timeout",
    options: { answerTimeoutMs: 60 },
  },
  {
    title: "a reset in mid-stream",
    inBody: true,
    handle: (request, response) =>
      void response.writeHead(200, SSE_HEADERS).write("data: 1\n\n", () => request.socket.resetAndDestroy()),
    code: "upstream.unavailable",
  },
  {
    title: "an early end of a chunked stream",
    inBody: true,
    handle: (_request, response) =>
      void response.writeHead(200, SSE_HEADERS).write("data: 1\n\n", () => response.destroy()),
    code: "upstream.unavailable",
  },
];

for (const { title, handle, code, options = {}, inBody = false } of BREAKS) {
  test(`${title} is ${code}, the call may have run, and nothing is sent twice`, async (t) => {
    let requests = 0;
    const upstream = await upstreamOf(
      t,
      (request, response) => {
        requests += 1;
        handle(request, response);
      },
      options,
    );
    const forwarded = upstream.forward(requestOf(PING), forever());
    const fault = await faultOf(inBody ? forwarded.then(textOf) : forwarded);
    assert.deepEqual([fault.kind, fault.code, mayHaveRun(fault)], ["upstream", code, true]);
    assert.match(fault.message, /may have run/);
    assert.equal(requests, 1);
  });
}

test("a kept connection that the upstream resets under a second request is not used for a retry", async (t) => {
  const sockets: Socket[] = [];
  let requests = 0;
  const server = createTcpServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", () => {
      requests += 1;
      if (requests === 1)
        socket.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}");
      else socket.resetAndDestroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  defer(t, () => void server.close());
  const upstream = openHttp(t, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` });
  await upstream.forward(requestOf(PING), forever());
  // The connection is free again in a later turn; before that, another one would be made.
  for (let turns = 0; turns < 10; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  const fault = await faultOf(upstream.forward(requestOf(PING), forever()));
  assert.deepEqual(
    [fault.code, mayHaveRun(fault), requests, sockets.length],
    ["upstream.unavailable", true, 2, 1],
  );
});
