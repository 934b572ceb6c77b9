// HTTP framing against the real sidecar: a request that two servers could cut at different places is refused, and nothing that a connection
// carries besides one well-formed request is ever taken for another one (reliability of the door, RFC 9112 §11).
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { startHostileStack, verdictsOf } from "./hostile-stack.ts";
import { bearer, callBody, JSON_TYPE } from "./message.ts";
import { exchange, request } from "./raw-http.ts";

const stack = await startHostileStack({ after }, { env: { POSTERN_BODY_TIMEOUT_MS: "1000" } });
const { port, token, upstream } = stack;

const BODY = callBody("record", { nonce: "framing" });
const LENGTH = Buffer.byteLength(BODY);
const HEAD = `Host: localhost\r\n${bearer(token)}\r\n${JSON_TYPE}\r\n`;
const CHUNKED = "Transfer-Encoding: chunked\r\n";
const chunks = (text: string, extension = "") =>
  `${text.length.toString(16)}${extension}\r\n${text}\r\n0\r\n\r\n`;
const post = (lines: string, body: string, line = "POST /v1/mcp HTTP/1.1") =>
  `${line}\r\n${HEAD}${lines}Connection: close\r\n\r\n${body}`;
/** A whole request that must never be taken for one. */
const SMUGGLED = `POST /v1/mcp HTTP/1.1\r\n${HEAD}Content-Length: ${LENGTH}\r\nX-Request-Id: smuggled\r\n\r\n${BODY}`;
const open = (lines: string, body: string, line = "POST /v1/mcp HTTP/1.1") =>
  `${line}\r\n${HEAD}${lines}\r\n${body}${SMUGGLED}`;

const REFUSED: readonly (readonly [title: string, bytes: string, status: number])[] = [
  ["a length and chunks, cut by chunks", open(`Content-Length: ${LENGTH}\r\n${CHUNKED}`, "0\r\n\r\n"), 400],
  ["chunks and a length, cut by length", open(`${CHUNKED}Content-Length: 4\r\n`, chunks(BODY)), 400],
  ["two transfer encodings", open(`${CHUNKED}Transfer-Encoding: identity\r\n`, chunks(BODY)), 400],
  ["the same transfer encoding twice", open(`${CHUNKED}${CHUNKED}`, chunks(BODY)), 400],
  ["chunked before another coding", open("Transfer-Encoding: chunked, identity\r\n", chunks(BODY)), 400],
  ["a coding before chunked", open("Transfer-Encoding: identity, chunked\r\n", chunks(BODY)), 400],
  ["chunked twice in one line", open("Transfer-Encoding: chunked, chunked\r\n", chunks(BODY)), 400],
  ["xchunked", open("Transfer-Encoding: xchunked\r\n", chunks(BODY)), 400],
  ["chunked behind a control character", open("Transfer-Encoding: \x0bchunked\r\n", chunks(BODY)), 400],
  ["a quoted chunked", open('Transfer-Encoding: "chunked"\r\n', chunks(BODY)), 400],
  ["chunks in HTTP/1.0", open(CHUNKED, chunks(BODY), "POST /v1/mcp HTTP/1.0"), 400],
  ["two lengths", open(`Content-Length: ${LENGTH}\r\nContent-Length: 0\r\n`, BODY), 400],
  ["one length twice", open(`Content-Length: ${LENGTH}\r\nContent-Length: ${LENGTH}\r\n`, BODY), 400],
  ["a list of lengths", open(`Content-Length: ${LENGTH}, ${LENGTH}\r\n`, BODY), 400],
  ["a length with a sign", open(`Content-Length: +${LENGTH}\r\n`, BODY), 400],
  ["a negative length", open("Content-Length: -1\r\n", BODY), 400],
  ["a hexadecimal length", open(`Content-Length: 0x${LENGTH.toString(16)}\r\n`, BODY), 400],
  ["a length beyond 64 bits", open("Content-Length: 18446744073709551617\r\n", BODY), 400],
  ["space before the colon of a length", open(`Content-Length : ${LENGTH}\r\n`, BODY), 400],
  ["a bare LF in a chunk extension", open(CHUNKED, chunks(BODY, ";a\nb")), 400],
  ["a bare LF after a chunk size", open(CHUNKED, chunks(BODY).replace("\r\n", "\n")), 400],
  ["a chunk longer than it says", open(CHUNKED, `${(LENGTH - 2).toString(16)}\r\n${BODY}\r\n0\r\n\r\n`), 400],
  ["a chunk size with a sign", open(CHUNKED, `+${chunks(BODY)}`), 400],
  ["a chunk size as 0x…", open(CHUNKED, `0x${chunks(BODY)}`), 400],
  ["a chunk size beyond 64 bits", open(CHUNKED, `${"f".repeat(17)}\r\n${BODY}\r\n0\r\n\r\n`), 400],
  ["bare LF between headers", open("X-A: 1\nX-B: 2\r\n", BODY), 400],
  ["bare LF throughout", post(`Content-Length: ${LENGTH}\r\n`, BODY).replaceAll("\r\n", "\n"), 400],
  ["a bare CR in a header", open("X-A: 1\rX-B: 2\r\n", BODY), 400],
  ["NUL in a header", open("X-A: 1\x002\r\n", BODY), 400],
  ["a folded header", open(`X-A: 1\r\n Content-Length: ${LENGTH}\r\n`, BODY), 400],
  ["a header line without a name", open(`: 1\r\nContent-Length: ${LENGTH}\r\n`, BODY), 400],
  ["a header line without a colon", open("Authorization\r\n", BODY), 400],
  ["a second Host", post(`Host: evil.example\r\nContent-Length: ${LENGTH}\r\n`, BODY), 400],
  ["no Host", post(`Content-Length: ${LENGTH}\r\n`, BODY).replace("Host: localhost\r\n", ""), 400],
  ["two spaces in the request line", post("", "", "POST  /v1/mcp HTTP/1.1"), 400],
  ["a target with backslashes", post("", "", "POST \\v1\\mcp HTTP/1.1"), 400],
  ["HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["HTTP/0.9", "GET /v1/mcp\r\n\r\n", 403],
  ["HTTP/1.2", post(`Content-Length: ${LENGTH}\r\n`, BODY, "POST /v1/mcp HTTP/1.2"), 400],
  ["a method of another case", post(`Content-Length: ${LENGTH}\r\n`, BODY, "post /v1/mcp HTTP/1.1"), 400],
  ["an expectation that nobody meets", post(`Expect: 200-ok\r\nContent-Length: ${LENGTH}\r\n`, BODY), 417],
  [
    "a head of more than 16 KiB",
    post(`X-A: ${"a".repeat(17_000)}\r\nContent-Length: ${LENGTH}\r\n`, BODY),
    431,
  ],
];

for (const [title, bytes, status] of REFUSED) {
  test(`framing is refused, and nothing behind it is read: ${title}`, async () => {
    const answers = await exchange(port, Buffer.from(bytes, "latin1")).catch(String);
    assert.deepEqual(typeof answers === "string" ? answers : answers.map((answer) => answer.status), [
      status,
    ]);
    upstream.assertUntouched();
  });
}

const ELSEWHERE = [
  "//v1/mcp",
  "/v1//mcp",
  "/v1/./mcp",
  "/v1/x/../mcp",
  "/v1/%2e/mcp",
  "/v1/%6dcp",
  "/v1/mcp/",
  "/v1/mcp%20",
  "/v1/mcp?upstream=second",
  "/v1/mcp;a=b",
  "/V1/MCP",
  "http://localhost/v1/mcp",
  "http://127.0.0.1:9/mcp",
];
test("only the exact paths lead anywhere: no other spelling, no query, no absolute form", async () => {
  for (const target of ELSEWHERE) {
    const { status } = await stack.ask({ target, body: BODY });
    assert.equal(status, 404, target);
  }
  for (const line of ["CONNECT localhost:1 HTTP/1.1", "CONNECT /v1/mcp HTTP/1.1"]) {
    for (const { status } of await exchange(port, post("", "", line))) assert.ok(status >= 400, line);
  }
  upstream.assertUntouched();
});

test("no other verb is taken, whatever a header says that it stands for", async () => {
  for (const method of ["PUT", "PATCH", "TRACE", "OPTIONS", "HEAD", "PROPFIND"]) {
    const override = ["X-HTTP-Method-Override: POST", "X-Method-Override: POST"];
    const answer = await stack.ask({ method, head: override, body: BODY });
    assert.equal(answer.status, 405, method);
    assert.equal(answer.headers.get("access-control-allow-origin"), undefined);
  }
  upstream.assertUntouched();
});

test("a compressed body is refused before it is looked at, bombs included", async () => {
  const bomb = gzipSync(Buffer.alloc(20_000_000));
  for (const coding of ["gzip", "br", "deflate", "zstd", "identity", "x-gzip"]) {
    const answer = await stack.ask({ head: [`Content-Encoding: ${coding}`], body: bomb });
    assert.equal(answer.status, 415, coding);
  }
  upstream.assertUntouched();
});

test("a request behind one that ends the connection is never read", async () => {
  // In one piece with its forerunner it spoils that one's answer as well, which harms nobody but its sender.
  const [{ status } = assert.fail(), ...others] = await exchange(
    port,
    post(`X-Request-Id: forerunner\r\nContent-Length: ${LENGTH}\r\n`, BODY) + SMUGGLED,
  );
  assert.ok(status === 200 || status === 400);
  assert.deepEqual(others, []);
  assert.ok(upstream.fresh().length <= 1);
});

test("requests in one pipeline are answered in their order, each by its own answer", async () => {
  const ids = Array.from({ length: 20 }, (_, at) => `pipeline-${at}`);
  const bytes = ids.map((id, at) => {
    const body = callBody(at % 3 === 0 ? "late" : "record", { nonce: id, delayMs: 40 - at }, at);
    const head = `${HEAD}X-Request-Id: ${id}\r\n${at === ids.length - 1 ? "Connection: close\r\n" : ""}`;
    return `POST /v1/mcp HTTP/1.1\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`;
  });
  const answers = await exchange(port, bytes.join(""));
  assert.deepEqual(
    answers.map(({ headers }) => headers.get("x-request-id")),
    ids,
  );
  for (const [at, { body }] of answers.entries()) {
    assert.ok(body.includes(`"id":${at},`) && body.includes(`pipeline-${at}\\"`), body.toString());
  }
  assert.equal(upstream.fresh().length, ids.length);
});

test("chunks, their extensions, trailers and an upgrade offer do not travel: the tool server gets one plain body", async () => {
  const rows: readonly (readonly [lines: string, body: string])[] = [
    [CHUNKED, chunks(BODY)],
    [CHUNKED, chunks(BODY, ";name=value")],
    ["Transfer-Encoding: Chunked\r\n", chunks(BODY)],
    [CHUNKED, chunks(BODY).replace(/\r\n$/, "Mcp-Name: other\r\nAuthorization: Bearer x\r\n\r\n")],
    [`Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: ${LENGTH}\r\n`, BODY],
    [`Upgrade: websocket\r\nSec-WebSocket-Key: x\r\nContent-Length: ${LENGTH}\r\n`, BODY],
  ];
  for (const [lines, body] of rows) {
    const answers = await exchange(port, post(lines, body));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200],
      lines,
    );
    const [arrival] = upstream.fresh();
    assert.equal(arrival?.body.toString(), BODY);
    const names = arrival.rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
    const foreign = [
      "transfer-encoding",
      "upgrade",
      "http2-settings",
      "mcp-name",
      "authorization",
      "trailer",
    ];
    assert.deepEqual(
      names.filter((name) => foreign.includes(name)),
      [],
      lines,
    );
  }
});

test("what a caller says about its connection stays on its connection", async () => {
  const named = ["Connection: authorization, mcp-protocol-version, content-type, x-private", "X-Private: 1"];
  const hops = ["Keep-Alive: timeout=9", "TE: trailers", "Trailer: X-T", "Proxy-Connection: keep-alive"];
  const head = [...named, ...hops, "Proxy-Authorization: Basic eDp5", "MCP-Protocol-Version: 2025-11-25"];
  const answer = await stack.ask({ head, body: BODY });
  assert.equal(answer.status, 200, "naming Authorization there takes nothing from the check");
  const [arrival] = upstream.fresh();
  const names = (arrival?.rawHeaders ?? []).filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  const forbidden = ["x-private", "keep-alive", "te", "trailer", "authorization"];
  assert.deepEqual(
    names.filter((name) => forbidden.includes(name) || name.startsWith("proxy-")),
    [],
  );
});

test("each header is looked at, however many came before it", async () => {
  for (const count of [10, 100, 300, 600, 1_999, 2_000, 2_500]) {
    const many = Array.from({ length: count }, () => "a:");
    for (const [last, status] of [
      ["Origin: https://evil.example", 403],
      ["Content-Encoding: gzip", 415],
      ["Authorization: Bearer other", 400],
    ] as const) {
      const answer = await stack.ask({ head: [...many, last], body: BODY });
      assert.ok(
        answer.status === status || answer.status === 431,
        `${last} after ${count}: ${answer.status}`,
      );
    }
  }
  upstream.assertUntouched();
});

test("a body that comes with GET or DELETE is no message", async () => {
  for (const method of ["GET", "DELETE"]) {
    const answers = await exchange(port, request({ method, head: [bearer(token)], body: SMUGGLED }));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [405],
    );
  }
  upstream.assertUntouched();
});

test("after all of that each call that reached the tool server is one event, and nothing that was smuggled is any", async () => {
  const events = await stack.events();
  assert.deepEqual(verdictsOf(events, "smuggled"), []);
  assert.ok(events.every(({ decision }) => decision === "allow"));
  const unsent = events.filter(({ outcome }) => outcome !== "executed");
  assert.ok(unsent.every(({ outcome, request_id }) => outcome === "failed" && request_id === "forerunner"));
  assert.ok(unsent.length <= 1);
  assert.ok([0, unsent.length].includes(events.length - upstream.arrivals.length));
});
