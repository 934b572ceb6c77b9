import assert from "node:assert/strict";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { reason } from "@postern/contracts";
import { createMetrics, silentLogger } from "@postern/telemetry";
import { defer, fixedClock, sequentialIds } from "@postern/testkit";
import { request } from "undici";
import { type Listener, startListener } from "./listener.ts";
import type { Pipeline } from "./pipeline.ts";
import type { Received } from "./stages.ts";
import { silentObserver } from "./tracing/message-observer.ts";

interface Rig {
  readonly listener: Listener;
  readonly url: string;
  /** Names of upstreams; may be changed at any time. */
  readonly upstreams: Set<string>;
  readonly received: Received[];
  /** Sends bytes as they are and gives all that comes back. */
  raw(text: string): Promise<string>;
}

const echo: Pipeline = async (received, exchange) => exchange.whole(200, {}, received.body);

const proven = async ({ token }: { token: string | undefined }) =>
  token === "good" ? undefined : reason("capability.signature");

async function createRig(t: TestContext, pipeline: Pipeline = echo, changes: object = {}): Promise<Rig> {
  const received: Received[] = [];
  const upstreams = new Set(["first", "second"]);
  const listener = await startListener(
    {
      host: "127.0.0.1",
      port: 0,
      bodyBytesMax: 1_000,
      receivedBytesMax: 1_000_000,
      connectionsMax: 1_000,
      bodyTimeoutMs: 5_000,
      headerRules: { hosts: ["tools.example"], origins: ["https://app.example"] },
      first: "first",
      ...changes,
    },
    {
      pipeline: async (message, exchange) => {
        received.push(message);
        await pipeline(message, exchange);
      },
      upstreams,
      loginMetadata: () => undefined,
      refusalOf: proven,
      readiness: () => ({ ready: false, reasons: ["the policy is being loaded"] }),
      metrics: createMetrics(["requests"]),
      observer: silentObserver,
      version: "1.2.3",
      clock: fixedClock(),
      newId: sequentialIds(),
      log: silentLogger,
    },
  );
  defer(t, async () => void (await listener.drain(Promise.resolve())));
  const raw = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(listener.port, "127.0.0.1", () => socket.write(text));
      let answer = "";
      socket.setEncoding("latin1").on("data", (piece) => {
        answer += piece;
      });
      socket.once("error", reject).once("close", () => resolve(answer));
    });
  return { listener, url: `http://127.0.0.1:${listener.port}`, upstreams, received, raw };
}

const post = (head: string, body = "{}") =>
  `POST /v1/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n${head}\r\n${body}`;

test("a well-formed request is handed on with its body, its upstream and where it came from", async (t) => {
  const rig = await createRig(t);
  const headers = { "content-type": "application/json" };
  for (const [path, door, upstream] of [
    ["/v1/mcp", "mcp", "first"],
    ["/v1/mcp/first", "mcp", "first"],
    ["/v1/mcp/second", "mcp", "second"],
    ["/v1/tool-call", "tool-call", "first"],
  ]) {
    const answer = await request(`${rig.url}${path}`, { method: "POST", headers, body: '{"a":1}' });
    assert.equal(await answer.body.text(), '{"a":1}');
    const { door: to, upstream: by, remoteAddress } = rig.received.at(-1) ?? {};
    assert.deepEqual([to, by, remoteAddress], [door, upstream, "127.0.0.1"]);
  }
});

test("an upstream that comes is there at once, and one that has gone is as unknown as any other name", async (t) => {
  const rig = await createRig(t);
  const ask = (name: string) => rig.raw(post("").replace("/v1/mcp", `/v1/mcp/${name}`));
  const plain = (answer: string) => answer.replace(/^Date: .*$/m, "");
  const unknown = await ask("third");
  assert.match(unknown, /^HTTP\/1\.1 404 /);
  rig.upstreams.add("third");
  assert.match(await ask("third"), /^HTTP\/1\.1 200 /);
  rig.upstreams.delete("third");
  assert.equal(plain(await ask("third")), plain(unknown));
  rig.upstreams.delete("first");
  assert.match(await rig.raw(post("")), /^HTTP\/1\.1 404 /);
});

const NOWHERE = [
  "/",
  "/v1/mcp/",
  "/v1/mcp/third",
  "/v1/mcp?x=1",
  "//v1/mcp",
  "/v1/../v1/mcp",
  "/v1/%6dcp",
  "http://localhost/v1/mcp",
  "/v1/MCP",
];
for (const target of NOWHERE) {
  test(`there is nothing at ${target}`, async (t) => {
    const rig = await createRig(t);
    assert.match(await rig.raw(post("").replace("/v1/mcp", target)), /^HTTP\/1\.1 404 /);
    assert.equal(rig.received.length, 0);
  });
}

const REFUSED: readonly [title: string, text: string, status: number][] = [
  ["a host of somebody else", post("").replace("localhost", "evil.example"), 403],
  ["two hosts", post("Host: localhost\r\n"), 400],
  ["a foreign origin", post("Origin: https://evil.example\r\n"), 403],
  ["the origin null", post("Origin: null\r\n"), 403],
  ["two authorizations", post("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"), 400],
  ["two sessions", post("Mcp-Session-Id: a\r\nMcp-Session-Id: b\r\n"), 400],
  ["text/plain", post("").replace("application/json", "text/plain"), 415],
  ["another charset", post("").replace("application/json", "application/json; charset=utf-7"), 415],
  ["a compressed body", post("Content-Encoding: gzip\r\n"), 415],
  ["two lengths", post("Content-Length: 3\r\n"), 400],
  ["a length and chunks", post("Transfer-Encoding: chunked\r\n"), 400],
  [
    "a coding before chunked",
    post("Transfer-Encoding: identity, chunked\r\n").replace(/Content-Length: 2\r\n/, ""),
    400,
  ],
  [
    "chunks in HTTP/1.0",
    post("Transfer-Encoding: chunked\r\n")
      .replace("HTTP/1.1", "HTTP/1.0")
      .replace(/Content-Length: 2\r\n/, ""),
    400,
  ],
  ["a folded header", post("X-A: 1\r\n 2\r\n"), 400],
  ["a body that is declared too large", post("", "x".repeat(1_001)), 413],
  ["PUT", post("").replace("POST", "PUT"), 405],
  ["TRACE", post("").replace("POST", "TRACE"), 405],
];
for (const [title, text, status] of REFUSED) {
  test(`refused before anything is read into it: ${title}`, async (t) => {
    const rig = await createRig(t);
    const answer = await rig.raw(text);
    assert.equal(Number(/^HTTP\/1\.1 (\d+) /.exec(answer)?.[1]), status, answer);
    assert.equal(rig.received.length, 0);
  });
}

test("a body that grows too large is refused, and the limit is named", async (t) => {
  const rig = await createRig(t);
  const chunk = `1f4\r\n${"x".repeat(500)}\r\n`;
  const text = `POST /v1/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunk}${chunk}${chunk}0\r\n\r\n`;
  const answer = await rig.raw(text);
  assert.match(answer, /^HTTP\/1\.1 413 /);
  assert.match(answer, /larger than 1000 bytes \(POSTERN_BODY_BYTES_MAX\)/);
  assert.equal(rig.received.length, 0);
});

test("a caller that does not finish its request is answered 408", async (t) => {
  const rig = await createRig(t, echo, { bodyTimeoutMs: 100 });
  const answer = await rig.raw(post("").replace("Content-Length: 2", "Content-Length: 9"));
  assert.match(answer, /^HTTP\/1\.1 408 /);
  assert.equal(rig.received.length, 0);
});

const sized = (bytes: number, head = "") => post(head, "x".repeat(bytes));
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+) /.exec(answer)?.[1]);

test("a large body is taken from the holder of a valid token only, and the refusal says why", async (t) => {
  const rig = await createRig(t, echo, { bodyBytesMax: 200_000 });
  assert.equal(statusOf(await rig.raw(sized(65_536))), 200);
  for (const head of ["", "Authorization: Bearer bad\r\n", "Authorization: Basic good\r\n"]) {
    const answer = await rig.raw(sized(65_537, head));
    assert.match(
      answer,
      /^HTTP\/1\.1 413 [\s\S]*needs a valid capability token\. The capability token's signature/,
    );
  }
  assert.equal(statusOf(await rig.raw(sized(65_537, "Authorization: Bearer good\r\n"))), 200);
  assert.equal(rig.received.length, 2);
});

test("all bodies together are bounded, strangers have a quarter of the room, and what is answered makes room", async (t) => {
  const gate = Promise.withResolvers<void>();
  const held = async (_: Received, exchange: Parameters<Pipeline>[1]) => {
    await gate.promise;
    exchange.whole(200, {}, "");
  };
  const rig = await createRig(t, held, { bodyBytesMax: 200_000, receivedBytesMax: 200_000 });
  const good = "Authorization: Bearer good\r\n";
  const arrived = async (count: number) => {
    while (rig.received.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  const waiting = [rig.raw(sized(50_000))];
  await arrived(1);
  const refused = await rig.raw(sized(1));
  assert.match(refused, /^HTTP\/1\.1 503 [\s\S]*retry-after: 1[\s\S]*POSTERN_RECEIVED_BYTES_MAX/i);
  waiting.push(rig.raw(sized(150_000, good)));
  await arrived(2);
  assert.equal(statusOf(await rig.raw(sized(1, good))), 503);
  gate.resolve();
  assert.deepEqual((await Promise.all(waiting)).map(statusOf), [200, 200]);
  assert.equal(statusOf(await rig.raw(sized(50_000))), 200);
  assert.equal(statusOf(await rig.raw(sized(190_000, good))), 200);
});

test("a caller that leaves in the middle of its body gives the room back", async (t) => {
  const rig = await createRig(t, echo, { bodyBytesMax: 200_000, receivedBytesMax: 200_000 });
  for (let count = 0; count < 5; count += 1) {
    const socket = connect(rig.listener.port, "127.0.0.1");
    socket.write(post("").replace("Content-Length: 2", "Content-Length: 60000") + "x".repeat(45_000));
    await new Promise((resolve) => socket.once("ready", resolve));
    while (statusOf(await rig.raw(sized(20_000))) !== 503)
      await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    while (statusOf(await rig.raw(sized(20_000))) !== 200)
      await new Promise((resolve) => setImmediate(resolve));
  }
});

test("after a body that was refused the connection goes on with the next request", async (t) => {
  const rig = await createRig(t);
  const chunk = `1f4\r\n${"x".repeat(500)}\r\n`;
  const large = `POST /v1/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(300)}0\r\n\r\n`;
  const answer = await rig.raw(large + post(""));
  assert.deepEqual(
    [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
    ["413", "200"],
  );
});

test("connections beyond the maximum are closed", async (t) => {
  const rig = await createRig(t, echo, { connectionsMax: 1 });
  const first = connect(rig.listener.port, "127.0.0.1");
  await new Promise((resolve) => first.once("connect", resolve));
  const second = connect(rig.listener.port, "127.0.0.1");
  await new Promise((resolve) => second.once("error", () => {}).once("close", resolve));
  first.destroy();
});

test("the caller's id of a request is kept and echoed; anything but one identifier is replaced", async (t) => {
  const rig = await createRig(t);
  const echoed = async (head: string) => /^x-request-id: (.*)$/im.exec(await rig.raw(post(head)))?.[1];
  assert.equal(await echoed("X-Request-Id: trace-7.a:b_c\r\n"), "trace-7.a:b_c");
  assert.equal(rig.received[0]?.requestId, "trace-7.a:b_c");
  const hostile = [
    "",
    "a b",
    "-a",
    "a\tb",
    `${"a".repeat(129)}`,
    "<script>",
    "caf\u00e9",
    "a\r\nX-Request-Id: b",
  ];
  for (const given of hostile) {
    const used = await echoed(`X-Request-Id: ${given}\r\n`);
    assert.equal(used, rig.received.at(-1)?.requestId);
    assert.match(used ?? "", /^id-\d+$/, given);
  }
  assert.match((await echoed("X-Request-Id: r1\r\nHost: evil.example\r\n")) ?? "", /^r1$/);
});

test("no page of another site may look at health, readiness or metrics", async (t) => {
  const rig = await createRig(t);
  for (const path of ["/healthz", "/readyz", "/metrics"]) {
    const statusWith = async (headers: Record<string, string>) =>
      (await request(`${rig.url}${path}`, { headers: { host: "10.0.0.7", ...headers } })).statusCode;
    assert.equal(await statusWith({ origin: "https://evil.example" }), 403);
    assert.equal(await statusWith({ "sec-fetch-site": "cross-site" }), 403);
    const own = path === "/readyz" ? 503 : 200;
    assert.equal(await statusWith({ origin: "https://app.example" }), own);
    assert.equal(await statusWith({ "sec-fetch-site": "same-origin" }), own);
  }
});

test("hosts and origins that are configured are let in", async (t) => {
  const rig = await createRig(t);
  const text = post("Origin: https://app.example\r\n").replace("localhost", "tools.example:8081");
  assert.match(await rig.raw(text), /^HTTP\/1\.1 200 /);
});

test("health, readiness with its reasons, and metrics are answered for any host", async (t) => {
  const rig = await createRig(t);
  const get = async (path: string) => {
    const { statusCode, body } = await request(`${rig.url}${path}`, { headers: { host: "10.0.0.7" } });
    return [statusCode, await body.text()] as const;
  };
  assert.deepEqual(await get("/healthz"), [200, '{"status":"ok","version":"1.2.3"}']);
  assert.deepEqual(await get("/readyz"), [503, '{"ready":false,"reasons":["the policy is being loaded"]}']);
  assert.match((await get("/metrics"))[1], /postern_requests_total/);
});

test("the pipeline hears at once when its caller leaves", async (t) => {
  const gone = Promise.withResolvers<void>();
  const rig = await createRig(t, async ({ gone: signal }, exchange) => {
    exchange.begin(200, {});
    await exchange.write(Buffer.from("first"));
    signal.addEventListener("abort", () => gone.resolve());
    await gone.promise;
    assert.equal(await exchange.write(Buffer.from("second")), false);
  });
  const { body } = await request(`${rig.url}/v1/mcp`, { method: "GET" });
  for await (const _ of body) break;
  await gone.promise;
});

test("an answer that breaks off is not taken for whole", async (t) => {
  const rig = await createRig(t, async (_, exchange) => {
    exchange.begin(200, {});
    await exchange.write(Buffer.from("first"));
    exchange.breakOff();
  });
  const { body } = await request(`${rig.url}/v1/mcp`, { method: "GET" });
  await assert.rejects(body.text());
});

test("a pipeline that throws ends its request and no other", async (t) => {
  const rig = await createRig(t, async ({ verb }, exchange) => {
    if (verb === "GET") throw new TypeError("bug");
    exchange.whole(200, {}, "");
  });
  await assert.rejects(request(`${rig.url}/v1/mcp`, { method: "GET" }));
  assert.match(await rig.raw(post("")), /^HTTP\/1\.1 200 /);
});

test("a drain finishes what is in flight, takes nothing new, and reports that nothing was cut off", async (t) => {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const rig = await createRig(t, async (_, exchange) => {
    begun.resolve();
    await gate.promise;
    exchange.whole(200, {}, "done");
  });
  const inFlight = request(`${rig.url}/v1/mcp`, { method: "GET" });
  await begun.promise;
  const drained = rig.listener.drain(new Promise(() => {}));
  await assert.rejects(rig.raw(post("")), { code: "ECONNREFUSED" });
  gate.resolve();
  const { body } = await inFlight;
  assert.equal(await body.text(), "done");
  assert.equal(await drained, true);
});

test("a drain whose time is up cuts off what is left", async (t) => {
  const begun = Promise.withResolvers<void>();
  const rig = await createRig(t, async ({ gone }, exchange) => {
    exchange.begin(200, {});
    begun.resolve();
    await new Promise((resolve) => gone.addEventListener("abort", resolve));
  });
  const { body } = await request(`${rig.url}/v1/mcp`, { method: "GET" });
  const text = assert.rejects(body.text());
  await begun.promise;
  assert.equal(await rig.listener.drain(Promise.resolve()), false);
  await text;
});

test("an address that is taken is told by its name", async (t) => {
  const { listener } = await createRig(t);
  await assert.rejects(createRig(t, echo, { port: listener.port }), {
    code: "listener.address",
    message: `Cannot listen on 127.0.0.1:${listener.port} (EADDRINUSE); set POSTERN_SIDECAR_PORT (0 = any free one).`,
  });
});
