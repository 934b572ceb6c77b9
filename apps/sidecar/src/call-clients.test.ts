// Clients of our own, for callers who speak no MCP: whose they are, and what becomes of them when their upstream goes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { answerJson, jsonAnswer } from "./answers.fixture.ts";
import { createCallClients } from "./call-clients.ts";
import { capabilityOf } from "./pipeline.fixture.ts";
import { forever, requestOf } from "./upstream/upstream.fixture.ts";
import type { Upstream, UpstreamRequest } from "./upstream/upstream.ts";

const alice = capabilityOf({ agent: "alice", rootJti: "root-1" });
const bob = capabilityOf({ agent: "bob", rootJti: "root-2" });

function createRig(sessionsMax = 10) {
  const ended: string[] = [];
  let sessions = 0;
  const adapter = (label: string): Upstream => ({
    name: "crm",
    async forward(request: UpstreamRequest, signal) {
      const id = request.headers.get("mcp-session-id");
      if (request.method === "DELETE") ended.push(`${label}/${id}`);
      if (request.message?.kind !== "request" || request.message.method !== "initialize")
        return answerJson(request, signal);
      sessions += 1;
      const result = {
        protocolVersion: "2025-06-18",
        capabilities: {},
        serverInfo: { name: "t", version: "1" },
      };
      const headers = { "content-type": "application/json", "mcp-session-id": `s${sessions}` };
      return jsonAnswer({ jsonrpc: "2.0", id: request.message.id.value, result }, 200, headers);
    },
    probe: async () => ({ ok: true }),
    close: async () => {},
  });
  const clients = createCallClients({ version: "1", sessionsMax, responseBytesMax: 65_536 });
  const call = async (upstream: Upstream, capability = alice) => {
    const client = clients.clientFor(upstream, capability);
    const { message, body } = requestOf({ id: 1, method: "tools/call", params: { name: "echo" } });
    await client.callOnce(message, body, forever());
    return client;
  };
  return { adapter, clients, call, ended };
}

test("a capability root has one client at an upstream, and shares it with no other root", async () => {
  const { adapter, call } = createRig();
  const crm = adapter("old");
  const own = await call(crm);
  assert.equal(await call(crm), own);
  assert.notEqual(await call(crm, bob), own);
});

test("another upstream under the same name has none of the old one's sessions, and those end when asked to", async () => {
  const { adapter, clients, call, ended } = createRig();
  const old = adapter("old");
  const own = await call(old);
  await call(old, bob);
  const end = clients.release(old);
  const next = adapter("new");
  assert.notEqual(await call(next), own);
  assert.deepEqual(ended, []);
  await end();
  assert.deepEqual(ended.sort(), ["old/s1", "old/s2"]);
});
