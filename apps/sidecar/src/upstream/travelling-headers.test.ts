import assert from "node:assert/strict";
import { test } from "node:test";
import { requestHeaders, responseHeaders } from "./travelling-headers.ts";

const MODERN = { "mcp-protocol-version": "2026-07-28" };
const LEGACY = { "mcp-protocol-version": "2025-11-25" };

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
  assert.deepEqual(requestHeaders(named), named);
});

test("what merely looks like a header of MCP does not travel", () => {
  for (const name of [
    "mcp-init-host",
    "mcp-",
    "mcp-session",
    "mcp-param-",
    "mcp-parameter-x",
    "x-mcp-name",
  ]) {
    for (const era of [MODERN, LEGACY])
      assert.deepEqual(requestHeaders({ ...era, [name]: "evil" }), era, name);
  }
});

test("mirrored arguments travel in the era that defines them, and in no other", () => {
  const mirrored = { "mcp-param-region": "eu" };
  assert.deepEqual(requestHeaders({ ...MODERN, ...mirrored }), { ...MODERN, ...mirrored });
  assert.deepEqual(requestHeaders({ ...LEGACY, ...mirrored }), LEGACY);
  assert.deepEqual(requestHeaders(mirrored), {});
});

test("of the tool server's headers only those that a client needs come back", () => {
  const named = { "content-type": "application/json", "mcp-session-id": "s", ...LEGACY };
  const others = { "mcp-init-host": "evil", "set-cookie": "a=b", "mcp-param-x": "1" };
  assert.deepEqual(responseHeaders(Object.entries({ ...named, ...others })), named);
});
