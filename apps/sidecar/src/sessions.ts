// MCP sessions belong to the capability that opened them: a session id by itself proves nothing, so anybody else who presents it is told
// that it does not exist. The table is bounded; a forgotten session only makes its client initialize again.
import type { Capability } from "@postern/contracts";

export interface Sessions {
  /** Called when the upstream answers `initialize` with a session id. An id that is bound to another owner stays with it: false. */
  bind(upstream: string, sessionId: string, owner: Capability): boolean;
  /** Whether this capability, or another one grown from the same root, may use the session. */
  isOwnedBy(upstream: string, sessionId: string, capability: Capability): boolean;
  forget(upstream: string, sessionId: string): void;
  readonly size: number;
}

/** `sessionsMax`: the session unused for longest is forgotten first. */
export function createSessions({ sessionsMax }: { sessionsMax: number }): Sessions {
  const owners = new Map<string, string>();
  const touch = (key: string, owner: string) => {
    owners.delete(key);
    owners.set(key, owner);
    for (const oldest of owners.keys()) {
      if (owners.size <= sessionsMax) break;
      owners.delete(oldest);
    }
  };
  return {
    bind(upstream, sessionId, capability) {
      const key = keyOf(upstream, sessionId);
      const owner = ownerOf(capability);
      if ((owners.get(key) ?? owner) !== owner) return false;
      touch(key, owner);
      return true;
    },
    isOwnedBy(upstream, sessionId, capability) {
      const key = keyOf(upstream, sessionId);
      const owner = ownerOf(capability);
      if (owners.get(key) !== owner) return false;
      touch(key, owner);
      return true;
    },
    forget: (upstream, sessionId) => void owners.delete(keyOf(upstream, sessionId)),
    get size() {
      return owners.size;
    },
  };
}

const keyOf = (upstream: string, sessionId: string) => `${upstream}\n${sessionId}`;
const ownerOf = (capability: Capability) =>
  `${capability.tenant}\n${capability.agent}\n${capability.rootJti}`;
