import assert from "node:assert/strict";
import { test } from "node:test";
import { isForeignPage, readHeaders } from "./headers.ts";

const RULES = { hosts: ["guard.example", "other.example:8443"], origins: ["https://app.example"] };
const POST = { Host: "127.0.0.1:8081", "Content-Type": "application/json" };
const raw = (headers: Readonly<Record<string, string>>) => Object.entries(headers).flat();
const read = (headers: readonly string[], hasBody = true) => readHeaders(headers, RULES, hasBody);
const statusOf = (result: ReturnType<typeof read>) => (result.ok ? 200 : result.httpStatus);

test("headers are given by lower-case name, harmless repetitions joined", () => {
  const result = read([...raw(POST), "Accept", "application/json", "ACCEPT", "text/event-stream"]);
  assert.ok(result.ok);
  assert.equal(result.headers.get("accept"), "application/json, text/event-stream");
  assert.equal(result.headers.get("content-type"), "application/json");
});

for (const name of [
  "Host",
  "Origin",
  "Content-Type",
  "Content-Length",
  "Authorization",
  "Mcp-Session-Id",
  "MCP-Protocol-Version",
  "mcp-method",
  "Mcp-Name",
  "Mcp-Param-Region",
  "X-Intent-Prompt",
  "Last-Event-ID",
]) {
  test(`${name} given twice is refused, equal values included`, () => {
    const headers = { ...POST, Host: "localhost", [name]: { Host: "localhost" }[name] ?? "application/json" };
    const result = read([...raw(headers), name.toUpperCase(), "application/json"]);
    assert.ok(!result.ok);
    assert.equal(result.httpStatus, 400);
    assert.match(result.detail, new RegExp(`${name.toLowerCase()} is given twice`));
  });
}

test("only application/json in UTF-8, uncompressed, is a body", () => {
  const cases: readonly (readonly [Record<string, string>, number])[] = [
    [{}, 200],
    [{ "Content-Type": "application/json; charset=utf-8" }, 200],
    [{ "Content-Type": 'Application/JSON;charset="UTF-8"' }, 200],
    [{ "Content-Type": "application/json; charset=utf-7" }, 415],
    [{ "Content-Type": "application/json; charset=utf-16le" }, 415],
    [{ "Content-Type": "application/json; charset=utf-8; charset=utf-7" }, 415],
    [{ "Content-Type": "application/json; boundary=x" }, 415],
    [{ "Content-Type": "application/json-seq" }, 415],
    [{ "Content-Type": "application/json, text/plain" }, 415],
    [{ "Content-Type": "text/plain" }, 415],
    [{ "Content-Type": "application/x-www-form-urlencoded" }, 415],
    [{ "Content-Type": "" }, 415],
    [{ "Content-Encoding": "gzip" }, 415],
    [{ "Content-Encoding": "identity" }, 415],
  ];
  for (const [headers, status] of cases) {
    assert.equal(statusOf(read(raw({ ...POST, ...headers }))), status, JSON.stringify(headers));
  }
  assert.equal(statusOf(read(["Host", "localhost"])), 415);
  assert.equal(statusOf(read(["Host", "localhost"], false)), 200);
});

test("Host must name this service, on loopback too", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["localhost", 200],
    ["LOCALHOST:1", 200],
    ["127.0.0.1:8081", 200],
    ["[::1]:8081", 200],
    ["guard.example", 200],
    ["guard.example:443", 200],
    ["other.example:8443", 200],
    ["other.example", 403],
    ["other.example:443", 403],
    ["evil.example", 403],
    ["localhost.evil.example", 403],
    ["evil.example:localhost", 403],
    ["127.0.0.1@evil.example", 403],
    ["localhost/", 403],
    ["localhost:8081:1", 403],
    ["127.0.0.2", 403],
    ["", 403],
  ];
  for (const [host, status] of cases)
    assert.equal(statusOf(read(raw({ ...POST, Host: host }))), status, host);
  assert.equal(statusOf(read(["Content-Type", "application/json"])), 403);
});

test("an Origin, where there is one, must be allowed", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["http://localhost:3000", 200],
    ["https://127.0.0.1", 200],
    ["http://[::1]:1", 200],
    ["https://app.example", 200],
    ["https://app.example:8443", 403],
    ["http://app.example", 403],
    ["https://app.example.evil.example", 403],
    ["https://evil.example", 403],
    ["http://localhost.evil.example", 403],
    ["http://localhost@evil.example", 403],
    ["file://localhost", 403],
    ["null", 403],
    ["", 403],
  ];
  for (const [origin, status] of cases)
    assert.equal(statusOf(read(raw({ ...POST, Origin: origin }))), status, origin);
});

test("a page of another site is told by its Origin, or by Sec-Fetch-Site where it sends none", () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, boolean])[] = [
    [{}, false],
    [{ origin: "https://app.example" }, false],
    [{ origin: "https://app.example", "sec-fetch-site": "cross-site" }, false],
    [{ origin: "https://evil.example" }, true],
    [{ origin: "null", "sec-fetch-site": "none" }, true],
    [{ "sec-fetch-site": "cross-site" }, true],
    [{ "sec-fetch-site": "none" }, false],
    [{ "sec-fetch-site": "same-origin" }, false],
  ];
  for (const [headers, isForeign] of cases)
    assert.equal(
      isForeignPage((name) => headers[name], RULES.origins),
      isForeign,
      JSON.stringify(headers),
    );
  assert.equal(statusOf(read(raw({ ...POST, "Sec-Fetch-Site": "cross-site" }))), 403);
});

test("a protocol header holds ASCII only", () => {
  assert.equal(statusOf(read(raw({ ...POST, "Mcp-Name": "na\u00efve" }))), 400);
  assert.equal(statusOf(read(raw({ ...POST, "Mcp-Name": "a\tb" }))), 400);
  assert.equal(statusOf(read(raw({ ...POST, "X-Intent-Prompt": "na\u00efve" }))), 200);
});
