// A caller of /v1/tool-call speaks no MCP, but most tool servers want a session first, so the sidecar keeps one for it: one per upstream and
// capability root, so that two agents never share what a tool server remembers. The number kept is bounded.
import type { Capability } from "@postern/contracts";
import { type CallClient, createCallClient } from "./upstream/session.ts";
import type { Upstream } from "./upstream/upstream.ts";

export interface CallClients {
  clientFor(upstream: Upstream, capability: Capability): CallClient;
  close(): Promise<void>;
}

export interface CallClientsOptions {
  readonly version: string;
  /** The client unused for longest is closed first. */
  readonly sessionsMax: number;
  readonly responseBytesMax: number;
}

export function createCallClients({
  version,
  sessionsMax,
  responseBytesMax,
}: CallClientsOptions): CallClients {
  const clients = new Map<string, CallClient>();
  const open = (upstream: Upstream) =>
    createCallClient({
      upstream,
      clientInfo: { name: "postern", version },
      answerBytesMax: responseBytesMax,
    });
  return {
    clientFor(upstream, { agent, rootJti }) {
      const key = `${upstream.name}\n${agent}\n${rootJti}`;
      const client = clients.get(key) ?? open(upstream);
      clients.delete(key);
      clients.set(key, client);
      for (const [oldest, unused] of clients) {
        if (clients.size <= sessionsMax) break;
        clients.delete(oldest);
        void unused.close();
      }
      return client;
    },
    async close() {
      await Promise.all([...clients.values()].map((client) => client.close()));
    },
  };
}
