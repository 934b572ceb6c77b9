import assert from "node:assert/strict";
import { test } from "node:test";
import { agreeHeaders, declaresExtension, decodeHeaderValue, eraOfHeaders, TASKS_EXTENSION } from "./eras.ts";
import { readMessage } from "./read-message.ts";

const VERSION = "io.modelcontextprotocol/protocolVersion";
const encoded = (text: string) => `=?base64?${Buffer.from(text).toString("base64")}?=`;

interface Case {
  readonly title: string;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly isNotification?: boolean;
  readonly headers?: Record<string, string>;
  /** Era when accepted, error code when refused. */
  readonly expected: "legacy" | "modern" | number;
}

const meta = { _meta: { [VERSION]: "2026-07-28" } };
const modern = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "read" };

const CASES: readonly Case[] = [
  { title: "no header is the revision before headers", expected: "legacy" },
  { title: "each stateful revision", headers: { "mcp-protocol-version": "2025-06-18" }, expected: "legacy" },
  {
    title: "header and body both modern",
    params: { name: "read", ...meta },
    headers: modern,
    expected: "modern",
  },
  { title: "a modern body without a header", params: { name: "read", ...meta }, expected: -32020 },
  {
    title: "a modern body under a stateful header",
    params: { name: "read", ...meta },
    headers: { ...modern, "mcp-protocol-version": "2025-03-26" },
    expected: -32020,
  },
  {
    title: "a modern header over a body that claims nothing",
    params: { name: "read" },
    headers: modern,
    expected: -32602,
  },
  {
    title: "a claim that is no string",
    params: { name: "read", _meta: { [VERSION]: 1 } },
    headers: modern,
    expected: -32020,
  },
  { title: "an unknown revision", headers: { "mcp-protocol-version": "1900-01-01" }, expected: -32022 },
  {
    title: "an unknown revision, agreed",
    params: { name: "read", _meta: { [VERSION]: "2099-01-01" } },
    headers: { ...modern, "mcp-protocol-version": "2099-01-01" },
    expected: -32022,
  },
  {
    title: "Mcp-Method of another method",
    params: { name: "read", ...meta },
    headers: { ...modern, "mcp-method": "tools/list" },
    expected: -32020,
  },
  {
    title: "Mcp-Method in another case",
    params: { name: "read", ...meta },
    headers: { ...modern, "mcp-method": "Tools/Call" },
    expected: -32020,
  },
  {
    title: "no Mcp-Method",
    params: { name: "read", ...meta },
    headers: { "mcp-protocol-version": "2026-07-28", "mcp-name": "read" },
    expected: -32020,
  },
  {
    title: "Mcp-Name of another tool",
    params: { name: "delete", ...meta },
    headers: modern,
    expected: -32020,
  },
  {
    title: "no Mcp-Name",
    params: { name: "read", ...meta },
    headers: { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call" },
    expected: -32020,
  },
  {
    title: "Mcp-Name in Base64",
    params: { name: "read", ...meta },
    headers: { ...modern, "mcp-name": encoded("read") },
    expected: "modern",
  },
  {
    title: "Mcp-Name in Base64 of another tool",
    params: { name: "read", ...meta },
    headers: { ...modern, "mcp-name": encoded("delete") },
    expected: -32020,
  },
  {
    title: "Base64 of the sentinel of the tool",
    params: { name: "read", ...meta },
    headers: { ...modern, "mcp-name": encoded(encoded("read")) },
    expected: -32020,
  },
  {
    title: "a tool whose name is a sentinel",
    params: { name: encoded("read"), ...meta },
    headers: { ...modern, "mcp-name": encoded(encoded("read")) },
    expected: "modern",
  },
  {
    title: "a resource by its URI",
    method: "resources/read",
    params: { uri: "file:///ä", ...meta },
    headers: {
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "resources/read",
      "mcp-name": encoded("file:///ä"),
    },
    expected: "modern",
  },
  {
    title: "a task by its id",
    method: "tasks/get",
    params: { taskId: "t", ...meta },
    headers: { "mcp-protocol-version": "2026-07-28", "mcp-method": "tasks/get", "mcp-name": "u" },
    expected: -32020,
  },
  {
    title: "Mcp-Name where nothing is named",
    method: "tools/list",
    params: { ...meta },
    headers: { ...modern, "mcp-method": "tools/list" },
    expected: -32020,
  },
  {
    title: "a stateful request with true mirror headers",
    params: { name: "read" },
    headers: { "mcp-method": "tools/call", "mcp-name": "read" },
    expected: "legacy",
  },
  {
    title: "a stateful request with a false Mcp-Name",
    params: { name: "delete" },
    headers: { "mcp-name": "read" },
    expected: -32020,
  },
  {
    title: "a modern notification without mirror headers",
    method: "notifications/cancelled",
    isNotification: true,
    params: { requestId: 1 },
    headers: { "mcp-protocol-version": "2026-07-28" },
    expected: "modern",
  },
  {
    title: "a notification under a false Mcp-Method",
    method: "notifications/cancelled",
    isNotification: true,
    headers: { "mcp-method": "tools/call" },
    expected: -32020,
  },
];

for (const {
  title,
  method = "tools/call",
  params = { name: "read" },
  isNotification = false,
  headers = {},
  expected,
} of CASES) {
  test(`header agreement: ${title} → ${expected}`, () => {
    const body = JSON.stringify({ jsonrpc: "2.0", ...(!isNotification && { id: 7 }), method, params });
    const read = readMessage(Buffer.from(body), { bytesMax: 65_536 });
    assert.ok(read.ok, read.ok ? "" : read.detail);
    const agreement = agreeHeaders(read.message, new Map(Object.entries(headers)));
    if (agreement.ok) return assert.equal(agreement.era, expected);
    assert.equal(agreement.code, expected);
    assert.equal(agreement.httpStatus, 400);
    assert.equal(agreement.idText, isNotification ? undefined : "7");
  });
}

test("an answer carries no method, so mirror headers beside it are refused", () => {
  const read = readMessage(Buffer.from('{"jsonrpc":"2.0","id":1,"result":{}}'), { bytesMax: 100 });
  assert.ok(read.ok);
  assert.equal(agreeHeaders(read.message, new Map()).ok, true);
  assert.equal(agreeHeaders(read.message, new Map([["mcp-method", "tools/call"]])).ok, false);
});

test("an unsupported revision names those that the caller can go on with", () => {
  const stateless = ["2026-07-28"];
  const all = [...stateless, "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"];
  for (const [params, supported] of [
    [{}, all],
    [{ _meta: { "io.modelcontextprotocol/protocolVersion": "x" } }, stateless],
  ] as const) {
    const body = { jsonrpc: "2.0", id: 1, method: "ping", params };
    const read = readMessage(Buffer.from(JSON.stringify(body)), { bytesMax: 200 });
    assert.ok(read.ok);
    const agreement = agreeHeaders(read.message, new Map([["mcp-protocol-version", "x"]]));
    assert.ok(!agreement.ok);
    assert.deepEqual(agreement.data, { supported, requested: "x" });
  }
});

test("the era of a request without a body is that of its header", () => {
  assert.equal(eraOfHeaders(new Map()), "legacy");
  assert.equal(eraOfHeaders(new Map([["mcp-protocol-version", "2026-07-28"]])), "modern");
});

test("a header value decodes to exactly one text or to none", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["plain", "plain"],
    ["=?base64?SGVsbG8sIOS4lueVjA==?=", "Hello, 世界"],
    ["=?base64?IHBhZGRlZCA=?=", " padded "],
    ["=?BASE64?QQ==?=", "=?BASE64?QQ==?="],
    ["=?base64?QQ==", "=?base64?QQ=="],
    ["=?base64?QQ?=", undefined],
    ["=?base64?QR==?=", undefined],
    ["=?base64?Q Q=?=", undefined],
    ["=?base64?_w==?=", undefined],
    ["=?base64?/w==?=", undefined],
  ];
  for (const [value, expected] of cases) assert.equal(decodeHeaderValue(value), expected, value);
});

test("an extension is known to a client only if this very request says so", () => {
  const KEY = "io.modelcontextprotocol/clientCapabilities";
  for (const [_meta, expected] of [
    [{ [KEY]: { extensions: { [TASKS_EXTENSION]: {} } } }, true],
    [{ [KEY]: { extensions: { other: {} } } }, false],
    [{ [KEY]: { extensions: [TASKS_EXTENSION] } }, false],
    [{ [KEY]: { [TASKS_EXTENSION]: {} } }, false],
    [{ [KEY]: {} }, false],
    [{}, false],
  ] as const) {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tasks/get", params: { _meta } });
    const read = readMessage(Buffer.from(body), { bytesMax: 1_000 });
    assert.ok(read.ok);
    assert.equal(declaresExtension(read.message, TASKS_EXTENSION), expected, body);
  }
  const answer = readMessage(Buffer.from('{"jsonrpc":"2.0","id":1,"result":{}}'), { bytesMax: 100 });
  assert.ok(answer.ok);
  assert.equal(declaresExtension(answer.message, "constructor"), false);
});
