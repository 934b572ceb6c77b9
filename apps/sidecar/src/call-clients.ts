// A caller of /v1/tool-call speaks no MCP, but most tool servers want a session first, so the sidecar keeps one for it: one per upstream and
// capability root, so that two agents never share what a tool server remembers. The number kept is bounded. An upstream is what it was opened
// as: another one under its name has none of its sessions.
import type { Capability } from "@postern/contracts";
import { type CallClient, createCallClient } from "./upstream/session.ts";
import type { Upstream } from "./upstream/upstream.ts";

export interface CallClients {
  clientFor(upstream: Upstream, capability: Capability): CallClient;
  /** Keeps no client of this upstream any more; the result ends them. */
  release(upstream: Upstream): () => Promise<void>;
  close(): Promise<void>;
}

interface Kept {
  readonly upstream: Upstream;
  readonly client: CallClient;
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
  const clients = new Map<string, Kept>();
  const open = (upstream: Upstream) =>
    createCallClient({
      upstream,
      clientInfo: { name: "postern", version },
      answerBytesMax: responseBytesMax,
    });
  return {
    clientFor(upstream, { agent, rootJti }) {
      const key = `${upstream.name}\n${agent}\n${rootJti}`;
      const known = clients.get(key);
      const kept = known?.upstream === upstream ? known : { upstream, client: open(upstream) };
      clients.delete(key);
      clients.set(key, kept);
      for (const [oldest, unused] of clients) {
        if (clients.size <= sessionsMax) break;
        clients.delete(oldest);
        void unused.client.close();
      }
      return kept.client;
    },
    release(upstream) {
      const released = [...clients].filter(([, kept]) => kept.upstream === upstream);
      for (const [key] of released) clients.delete(key);
      return async () => {
        await Promise.all(released.map(([, { client }]) => client.close()));
      };
    },
    async close() {
      await Promise.all([...clients.values()].map(({ client }) => client.close()));
    },
  };
}
