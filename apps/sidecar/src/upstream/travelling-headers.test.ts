import assert from "node:assert/strict";
import { test } from "node:test";
import { createRequestHeaders, responseHeaders } from "./travelling-headers.ts";

const MODERN = { "mcp-protocol-version": "2026-07-28" };
const LEGACY = { "mcp-protocol-version": "2025-11-25" };
const ALWAYS = { accept: "application/json, text/event-stream", "accept-encoding": "identity" };

interface Sent {
  readonly own?: Record<string, string>;
  readonly overrides?: Record<string, string>;
  readonly authorization?: string;
  readonly withheld?: readonly string[];
  readonly body?: Uint8Array;
}

function sent(
  headers: Record<string, string>,
  { own, withheld, authorization, ...rest }: Sent = {},
): Record<string, string> {
  const list = createRequestHeaders(own, withheld)(
    { headers: new Map(Object.entries(headers)), ...rest },
    authorization,
  );
  const pairs = [...Array(list.length / 2).keys()].map(
    (n) => [list[2 * n] ?? "", list[2 * n + 1] ?? ""] as const,
  );
  assert.equal(new Set(pairs.map(([name]) => name)).size, pairs.length, "no header stands twice");
  return Object.fromEntries(pairs);
}

test("every header of the specification travels to the tool server", () => {
  const named = {
    ...LEGACY,
    accept: "text/event-stream",
    "mcp-session-id": "s",
    "mcp-method": "tools/call",
    "mcp-name": "t",
    "last-event-id": "7",
    traceparent: "00-1-2-03",
    tracestate: "a=b",
    baggage: "c=d",
  };
  assert.deepEqual(sent(named), { "accept-encoding": "identity", ...named });
  assert.deepEqual(sent({}, { body: Buffer.from("{}") }), { ...ALWAYS, "content-type": "application/json" });
});

test("credentials, identities and what merely looks like a header of MCP do not travel", () => {
  for (const name of [
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-forwarded-for",
    "x-tenant",
    "host",
    "connection",
    "content-encoding",
    "mcp-init-host",
    "mcp-",
    "mcp-session",
    "mcp-param-",
    "mcp-parameter-x",
    "x-mcp-name",
  ]) {
    for (const era of [MODERN, LEGACY])
      assert.deepEqual(sent({ ...era, [name]: "evil" }), { ...ALWAYS, ...era }, name);
  }
});

test("mirrored arguments travel in the era that defines them, and in no other", () => {
  const mirrored = { "mcp-param-region": "eu" };
  assert.deepEqual(sent({ ...MODERN, ...mirrored }), { ...ALWAYS, ...MODERN, ...mirrored });
  assert.deepEqual(sent({ ...LEGACY, ...mirrored }), { ...ALWAYS, ...LEGACY });
  assert.deepEqual(sent(mirrored), ALWAYS);
});

test("the operator's headers replace the client's and the sidecar's own, and these the client's", () => {
  const client = { traceparent: "client", baggage: "client", accept: "text/html" };
  const overrides = { traceparent: "sidecar", baggage: "sidecar", "x-other": "is no travelling header" };
  const own = {
    Baggage: "operator",
    ACCEPT: "a/b",
    "X-Key": "k",
    "Content-Type": "application/json; charset=utf-8",
  };
  assert.deepEqual(sent(client, { overrides, own, body: Buffer.from("{}") }), {
    "accept-encoding": "identity",
    accept: "a/b",
    baggage: "operator",
    "x-key": "k",
    traceparent: "sidecar",
    "content-type": "application/json; charset=utf-8",
  });
});

test("a fetched token is what is sent as Authorization, never the client's", () => {
  const headers = sent({ authorization: "Bearer client" }, { authorization: "Bearer fetched" });
  assert.equal(headers.authorization, "Bearer fetched");
});

test("a transport can withhold what means nothing to its tool server", () => {
  assert.deepEqual(sent({ ...LEGACY, "mcp-session-id": "ours" }, { withheld: ["mcp-session-id"] }), {
    ...ALWAYS,
    ...LEGACY,
  });
});

test("of the tool server's headers only those that a client needs come back", () => {
  const named = { "content-type": "application/json", "mcp-session-id": "s", ...LEGACY };
  const others = {
    "mcp-init-host": "evil",
    "set-cookie": ["a=b", "c=d"],
    "mcp-param-x": "1",
    "www-authenticate": "Bearer",
  };
  assert.deepEqual(responseHeaders({ ...named, ...others, "cache-control": ["no-store", "private"] }), {
    ...named,
    "cache-control": "no-store, private",
  });
});
