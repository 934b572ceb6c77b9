import assert from "node:assert/strict";
import { test } from "node:test";
import { upstreamPlaces } from "./upstream-places.ts";

test("a tool server is named by host and port, or by its pipe, and by nothing else of its address", () => {
  const places = upstreamPlaces([
    {
      name: "crm",
      row: { url: "https://crm.example/mcp/canary?key=canary", headers: { "x-key": "canary" } },
    },
    { name: "old", row: { sse: "http://127.0.0.1:8931/sse" } },
    { name: "plain", row: { url: "http://[::1]/mcp" } },
    { name: "files", row: { command: ["node", "canary"] } },
  ]);
  assert.deepEqual(
    [...places],
    [
      ["crm", { transport: "tcp", host: "crm.example", port: 443 }],
      ["old", { transport: "tcp", host: "127.0.0.1", port: 8931 }],
      ["plain", { transport: "tcp", host: "[::1]", port: 80 }],
      ["files", { transport: "pipe" }],
    ],
  );
});
