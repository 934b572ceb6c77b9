// MCP sessions belong to the capability that opened them: a session id by itself proves nothing, so anybody else who presents it is told
// that it does not exist. The table is bounded as a whole and for each owner, so that no token takes the places of others; a forgotten session
// only makes its client initialize again.
import type { Capability } from "@postern/contracts";
import type { Clock } from "@postern/fault";
import { createTally } from "./tally.ts";

export interface Sessions {
  /**
   * A place for a session that is about to be opened, until the result is called; undefined when the owner has as many as it may. Sessions
   * of its own that have been idle for long make room.
   */
  open(capability: Capability): (() => void) | undefined;
  /**
   * Called when the upstream answers `initialize` with a session id. An id that is bound to another owner stays with it: false. `elicits`: the
   * client says that its user can be asked.
   */
  bind(upstream: string, sessionId: string, owner: Capability, elicits?: boolean): boolean;
  /** Whether the client of the session says that its user can be asked. */
  elicits(upstream: string, sessionId: string): boolean;
  /** Whether this capability, or another one grown from the same root, may use the session. */
  isOwnedBy(upstream: string, sessionId: string, capability: Capability): boolean;
  forget(upstream: string, sessionId: string): void;
  /** Forgets every session of an upstream, and gives their ids. Nobody is told. */
  release(upstream: string): string[];
  readonly size: number;
}

export interface SessionsOptions {
  /** The session unused for longest is forgotten first. */
  readonly sessionsMax: number;
  /** Sessions of one capability root. */
  readonly sessionsPerRootMax: number;
  /** Unused for this long, a session is no reason to refuse its owner another one; default 600,000. */
  readonly idleMs?: number;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** A session that nobody can use any more, although its client has not ended it. */
  readonly onForgotten?: (upstream: string, sessionId: string) => void;
}

interface Entry {
  readonly upstream: string;
  readonly sessionId: string;
  readonly owner: string;
  readonly elicits: boolean;
  readonly leave: () => void;
  usedMs: number;
}

export function createSessions(options: SessionsOptions): Sessions {
  const { sessionsMax, sessionsPerRootMax, idleMs = 600_000, clock, onForgotten = () => {} } = options;
  /** By time of use, oldest first. */
  const entries = new Map<string, Entry>();
  const places = createTally();

  const remove = (entry: Entry) => {
    entries.delete(keyOf(entry.upstream, entry.sessionId));
    entry.leave();
  };
  const forget = (entry: Entry) => {
    remove(entry);
    onForgotten(entry.upstream, entry.sessionId);
  };
  const touch = (entry: Entry) => {
    const key = keyOf(entry.upstream, entry.sessionId);
    entries.delete(key);
    entries.set(key, entry);
    entry.usedMs = clock.monotonicMs();
  };
  const forgetIdle = (owner: string) => {
    const idleSinceMs = clock.monotonicMs() - idleMs;
    for (const entry of entries.values()) {
      if (entry.usedMs > idleSinceMs) break;
      if (entry.owner === owner) forget(entry);
    }
  };

  return {
    open(capability) {
      const owner = rootOf(capability);
      if (places.of(owner) >= sessionsPerRootMax) forgetIdle(owner);
      return places.of(owner) >= sessionsPerRootMax ? undefined : places.add(owner);
    },
    bind(upstream, sessionId, capability, elicits = false) {
      const owner = rootOf(capability);
      const bound = entries.get(keyOf(upstream, sessionId));
      if (bound !== undefined && bound.owner !== owner) return false;
      touch(bound ?? { upstream, sessionId, owner, elicits, leave: places.add(owner), usedMs: 0 });
      for (const oldest of entries.values()) {
        if (entries.size <= sessionsMax) break;
        forget(oldest);
      }
      return true;
    },
    elicits: (upstream, sessionId) => entries.get(keyOf(upstream, sessionId))?.elicits === true,
    isOwnedBy(upstream, sessionId, capability) {
      const entry = entries.get(keyOf(upstream, sessionId));
      if (entry?.owner !== rootOf(capability)) return false;
      touch(entry);
      return true;
    },
    forget(upstream, sessionId) {
      const entry = entries.get(keyOf(upstream, sessionId));
      if (entry !== undefined) remove(entry);
    },
    release(upstream) {
      const released = [...entries.values()].filter((entry) => entry.upstream === upstream);
      for (const entry of released) remove(entry);
      return released.map(({ sessionId }) => sessionId);
    },
    get size() {
      return entries.size;
    },
  };
}

/** What counts as one holder: attenuated tokens share the places of the root that they grew from. */
export const rootOf = ({ tenant, agent, rootJti }: Capability): string => `${tenant}\n${agent}\n${rootJti}`;

const keyOf = (upstream: string, sessionId: string) => `${upstream}\n${sessionId}`;
