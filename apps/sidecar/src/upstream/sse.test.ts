import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import { defer, type TestScope } from "@postern/testkit";
import { createSseUpstream, type SseUpstreamOptions } from "./sse.ts";
import { call, dataIn, initialize, next } from "./stdio.fixture.ts";
import { bodiless, bodyOf, faultOf, forever, requestOf, serve, textOf, until } from "./upstream.fixture.ts";
import { isOutage, mayHaveRun, type Upstream } from "./upstream.ts";

interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: { readonly name?: string };
}

/** One event stream of the server, as a test's script sees it. */
interface Stream {
  readonly number: number;
  readonly response: ServerResponse;
  say(value: object): void;
}

interface Script {
  /** First event; default: where this server takes POSTs. */
  readonly endpoint?: (stream: Stream) => string;
  /** What comes for a POSTed message; default: the number of the stream as the result. `initialize` is answered in any case. */
  readonly on?: (message: Message, stream: Stream) => void;
  /** Status of the answer to a POST of this message. */
  readonly status?: (message: Message) => number;
  readonly onStream?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

interface Opened {
  readonly upstream: Upstream;
  readonly streams: Stream[];
  readonly posts: { message: Message; headers: IncomingMessage["headers"]; url: string }[];
  readonly origin: string;
}

async function open(
  scope: TestScope,
  script: Script = {},
  options: Partial<SseUpstreamOptions> = {},
): Promise<Opened> {
  const streams: Stream[] = [];
  const posts: Opened["posts"] = [];
  const url = await serve(scope, async (request, response) => {
    if (request.method === "GET") {
      if (script.onStream?.(request, response)) return;
      response.writeHead(200, { "content-type": "text/event-stream" });
      const stream: Stream = {
        number: streams.length,
        response,
        say: (value) =>
          void response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: "2.0", ...value })}\n\n`),
      };
      streams.push(stream);
      response.write(`event: endpoint\ndata: ${script.endpoint?.(stream) ?? `/post?s=${stream.number}`}\n\n`);
      return;
    }
    const message: Message = JSON.parse((await bodyOf(request)).toString());
    posts.push({ message, headers: request.headers, url: request.url ?? "" });
    response.writeHead(script.status?.(message) ?? 202).end("Accepted");
    const stream = streams[Number(new URL(request.url ?? "", url).searchParams.get("s"))];
    if (stream === undefined) return;
    if (message.method === "initialize") stream.say({ id: message.id, result: { pid: stream.number } });
    else if (script.on !== undefined) script.on(message, stream);
    else if (message.id !== undefined) stream.say({ id: message.id, result: { stream: stream.number } });
  });
  const upstream = createSseUpstream({ name: "test", url: new URL("/sse?fixed=1", url).href, ...options });
  defer(scope, () => upstream.close());
  return { upstream, streams, posts, origin: url.origin };
}

const INITIALIZE = { id: 0, method: "initialize", params: {} };

test("each session has a stream of its own, and its messages go where that stream says, without the session's id", async (t) => {
  const { upstream, posts } = await open(t, {}, { headers: { "X-Key": "k" } });
  const sessions = await Promise.all([initialize(upstream), initialize(upstream)]);
  for (const { headers, pid } of sessions) {
    assert.match(headers["mcp-session-id"], /^[A-Za-z0-9_-]{32}$/);
    const request = requestOf(call(1), {
      ...headers,
      authorization: "Bearer client",
      traceparent: "00-1-2-03",
    });
    const answer = await upstream.forward(request, forever());
    assert.equal(JSON.parse(await textOf(answer)).result.stream, pid);
  }
  const { headers = {} } = posts.at(-1) ?? {};
  assert.deepEqual(
    [
      headers.authorization,
      headers["mcp-session-id"],
      headers["x-key"],
      headers["content-type"],
      headers.traceparent,
    ],
    [undefined, undefined, "k", "application/json", "00-1-2-03"],
  );
});

test("the judged bytes are what is posted", async (t) => {
  let got = "";
  const url = await serve(t, async (request, response) => {
    if (request.method === "GET") {
      response
        .writeHead(200, { "content-type": "text/event-stream" })
        .write("event: endpoint\ndata: here\n\n");
      return;
    }
    got = (await bodyOf(request)).toString();
    response.writeHead(202).end();
  });
  const upstream = createSseUpstream({ name: "test", url: url.href });
  defer(t, () => upstream.close());
  const text = '{ "jsonrpc":"2.0",\r\n"id":0, "method":"initialize", "params":{"n":1.50,"s":"\\u0061"} }';
  const gone = new AbortController();
  upstream.forward({ ...requestOf(JSON.parse(text)), body: Buffer.from(text) }, gone.signal).catch(() => {});
  await until(() => got !== "");
  assert.equal(got, text);
  gone.abort();
});

const FOREIGN: readonly [title: string, endpoint: (origin: string) => string][] = [
  ["another host", () => "http://169.254.169.254/latest"],
  ["another host without a scheme", () => "//evil.example/post"],
  ["another host behind backslashes", () => "\\\\evil.example/post"],
  ["another port", (origin) => origin.replace(/:\d+$/, ":1")],
  ["another scheme", (origin) => `${origin.replace("http:", "https:")}/post`],
  ["credentials", (origin) => `${origin.replace("//", "//user:secret@")}/post`],
  ["a file", () => "file:///etc/passwd"],
  ["a script", () => "javascript:alert(1)"],
  ["no address", () => "http://"],
  ["an endless address", () => `/${"x".repeat(5_000)}`],
];
for (const [title, endpoint] of FOREIGN) {
  test(`a stream that names ${title} for messages is left, and nothing is sent there`, async (t) => {
    const opened = await open(t, { endpoint: () => endpoint(opened.origin) });
    const fault = await faultOf(opened.upstream.forward(requestOf(INITIALIZE), forever()));
    assert.deepEqual([fault.code, mayHaveRun(fault), isOutage(fault)], ["upstream.protocol", false, false]);
    assert.deepEqual(opened.posts, []);
    await until(() => opened.streams.every(({ response }) => response.destroyed));
  });
}

test("an address of the same origin is taken, relative or whole, and a second one is not", async (t) => {
  for (const endpoint of [() => "post?s=0#x", (origin: string) => `${origin}/deep/er?s=0`]) {
    const opened: Opened = await open(t, {
      endpoint: () => endpoint(opened.origin),
      on: (message, stream) => {
        stream.response.write("event: endpoint\ndata: http://169.254.169.254/\n\n");
        stream.response.write("event: other\ndata: {}\n\n");
        stream.say({ id: message.id, result: {} });
      },
    });
    const { headers } = await initialize(opened.upstream);
    for (const id of [1, 2])
      assert.equal((await opened.upstream.forward(requestOf(call(id), headers), forever())).status, 200);
    const [path] = new Set(opened.posts.map(({ url }) => url));
    assert.equal(
      path,
      new URL(endpoint(opened.origin), `${opened.origin}/sse`).href
        .slice(opened.origin.length)
        .replace("#x", ""),
    );
  }
});

const NO_STREAM: readonly [
  title: string,
  answer: (response: ServerResponse) => void,
  code: string,
  outage: boolean,
][] = [
  ["404", (response) => void response.writeHead(404).end(), "upstream.protocol", false],
  ["500", (response) => void response.writeHead(500).end(), "upstream.protocol", true],
  ["401", (response) => void response.writeHead(401).end(), "upstream.unavailable", false],
  [
    "a redirect",
    (response) => void response.writeHead(307, { location: "http://169.254.169.254/" }).end(),
    "upstream.protocol",
    false,
  ],
  [
    "JSON",
    (response) => void response.writeHead(200, { "content-type": "application/json" }).end("{}"),
    "upstream.protocol",
    false,
  ],
  [
    "a stream that ends",
    (response) => void response.writeHead(200, { "content-type": "text/event-stream" }).end(),
    "upstream.unavailable",
    false,
  ],
  [
    "a message before the endpoint, and an end",
    (response) =>
      void response
        .writeHead(200, { "content-type": "text/event-stream" })
        .end('data: {"jsonrpc":"2.0","id":0,"result":{}}\n\n'),
    "upstream.unavailable",
    false,
  ],
  [
    "silence",
    (response) => void response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders(),
    "upstream.protocol",
    true,
  ],
  [
    "an event without end",
    (response) =>
      void response.writeHead(200, { "content-type": "text/event-stream" }).write("x".repeat(10_000)),
    "upstream.protocol",
    false,
  ],
];
for (const [title, answer, code, outage] of NO_STREAM) {
  test(`where ${title} comes instead of an event stream, the session does not begin, and nothing was sent`, async (t) => {
    const { upstream, posts } = await open(
      t,
      {
        onStream(_request, response) {
          answer(response);
          return true;
        },
      },
      { answerTimeoutMs: 150, eventBytesMax: 5_000 },
    );
    const fault = await faultOf(upstream.forward(requestOf(INITIALIZE), forever()));
    assert.deepEqual([fault.code, mayHaveRun(fault), isOutage(fault)], [code, false, outage], fault.message);
    assert.deepEqual(posts, []);
  });
}

test("a stream that ends fails what waits as calls that may have run, and the session is over", async (t) => {
  const { upstream, streams } = await open(t, {
    on: (message, stream) => {
      if (message.id === 1)
        stream.say({ method: "notifications/progress", params: { progressToken: 1, progress: 1 } });
      if (message.id === 2) stream.response.end();
    },
  });
  const { headers } = await initialize(upstream);
  const streaming = await upstream.forward(
    requestOf(call(1, { _meta: { progressToken: 1 } }), headers),
    forever(),
  );
  const listening = await upstream.forward(bodiless("GET", headers), forever());
  const waiting = faultOf(upstream.forward(requestOf(call(2), headers), forever()));
  for (const fault of [await waiting, await faultOf(textOf(streaming)), await faultOf(textOf(listening))])
    assert.deepEqual([fault.code, mayHaveRun(fault)], ["upstream.unavailable", true]);
  assert.equal((await upstream.forward(requestOf(call(3), headers), forever())).status, 404);
  assert.equal(streams.length, 1);
});

test("an event beyond its bound ends the session", async (t) => {
  const { upstream } = await open(
    t,
    { on: (message, stream) => stream.say({ id: message.id, result: "x".repeat(10_000) }) },
    { eventBytesMax: 5_000 },
  );
  const { headers } = await initialize(upstream);
  const fault = await faultOf(upstream.forward(requestOf(call(1), headers), forever()));
  assert.deepEqual([fault.code, mayHaveRun(fault)], ["upstream.protocol", true]);
  assert.equal((await upstream.forward(requestOf(call(2), headers), forever())).status, 404);
});

test("answers that nobody asked for, or that come twice, reach nobody, and ids of two sessions do not cross", async (t) => {
  const { upstream } = await open(t, {
    on: (message, stream) => {
      if (message.id === undefined) return;
      stream.say({ id: "never asked", result: {} });
      stream.say({ id: 1, result: { stream: stream.number } });
      stream.say({ id: 1, result: { stream: "again" } });
      stream.response.write("data: no JSON\n\ndata: [1]\n\ndata:\n\n");
    },
  });
  const sessions = await Promise.all([initialize(upstream), initialize(upstream)]);
  for (let rounds = 0; rounds < 2; rounds += 1) {
    const answers = await Promise.all(
      sessions.map(async ({ headers }) =>
        JSON.parse(await textOf(await upstream.forward(requestOf(call(1), headers), forever()))),
      ),
    );
    assert.deepEqual(
      answers.map(({ result }) => result.stream),
      sessions.map(({ pid }) => pid),
    );
  }
});

test("an id that waits already is refused, and a data field of several lines is one message", async (t) => {
  const { upstream, streams } = await open(t, { on: () => {} });
  const { headers } = await initialize(upstream);
  const waiting = upstream.forward(requestOf(call(1), headers), forever());
  const twice = await upstream.forward(requestOf(call(1), headers), forever());
  assert.deepEqual([twice.status, twice.neverSent], [400, true]);
  streams[0]?.response.write('data: {"jsonrpc":"2.0",\ndata: "id":1,"result":{}}\n\n');
  assert.deepEqual(JSON.parse(await textOf(await waiting)), { jsonrpc: "2.0", id: 1, result: {} });
});

test("what the server says of its own accord flows to the GET stream, and the client's answer goes back", async (t) => {
  const { upstream, streams, posts } = await open(t);
  const { headers } = await initialize(upstream);
  const stream = await upstream.forward(bodiless("GET", headers), forever());
  streams[0]?.say({ id: "ask", method: "roots/list" });
  assert.equal(dataIn(await next(stream))[0].method, "roots/list");
  const told = await upstream.forward(requestOf({ id: "ask", result: { roots: [] } }, headers), forever());
  assert.equal(told.status, 202);
  assert.equal(posts.at(-1)?.message.id, "ask");
});

test("a message that the server does not take is told so: a client's fault is no outage, and 404 is the session's end", async (t) => {
  const { upstream } = await open(t, {
    on: () => {},
    status: ({ params }) => Number(params?.name ?? 202),
  });
  const { headers } = await initialize(upstream);
  for (const [name, code, outage] of [
    ["400", "upstream.protocol", false],
    ["503", "upstream.unavailable", true],
    ["404", "upstream.protocol", false],
  ] as const) {
    const fault = await faultOf(upstream.forward(requestOf(call(name, { name }), headers), forever()));
    assert.deepEqual([fault.code, mayHaveRun(fault), isOutage(fault)], [code, true, outage]);
  }
  assert.equal((await upstream.forward(requestOf(call(1), headers), forever())).status, 404);
});

test("a caller that leaves is told to the server as a cancellation, and DELETE ends the stream", async (t) => {
  const { upstream, posts, streams } = await open(t, { on: () => {} });
  const { headers } = await initialize(upstream);
  const gone = new AbortController();
  const left = faultOf(upstream.forward(requestOf(call("left"), headers), gone.signal));
  await until(() => posts.length === 2);
  gone.abort();
  assert.equal((await left).code, "upstream.aborted");
  await until(() => posts.length === 3);
  assert.deepEqual(posts[2]?.message, {
    jsonrpc: "2.0",
    method: "notifications/cancelled",
    params: { requestId: "left" },
  });
  assert.equal((await upstream.forward(bodiless("DELETE", headers), forever())).status, 204);
  await until(() => streams.every(({ response }) => response.destroyed));
});

test("sessions are bounded, and a server that cannot be reached is told as never sent", async (t) => {
  const { upstream } = await open(t, {}, { sessionsMax: 1 });
  await initialize(upstream);
  assert.equal((await faultOf(upstream.forward(requestOf(INITIALIZE), forever()))).code, "upstream.busy");
  const nowhere = createSseUpstream({ name: "test", url: "http://127.0.0.1:1/sse" });
  defer(t, () => nowhere.close());
  const fault = await faultOf(nowhere.forward(requestOf(INITIALIZE), forever()));
  assert.deepEqual([fault.code, mayHaveRun(fault), isOutage(fault)], ["upstream.unavailable", false, true]);
  assert.equal((await nowhere.probe()).ok, false);
});
