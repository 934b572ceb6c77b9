// What a tool server gave to one caller to come back with: the id of a task, the state of a request that waits for input. By itself such a
// text proves nothing, so the table says whose it is and what it came from; it is bounded, and the oldest is forgotten first.
import { hash } from "node:crypto";
import type { Obligations } from "@postern/obligation";

export interface Handle {
  /** Capability root of the caller that it was given to. */
  readonly owner: string;
  /** What that caller was judged for. */
  readonly tool: string;
  /** What the decision asks to be done with the answer. */
  readonly obligations: Obligations | undefined;
}

/**
 * task: the id of long-running work · state: `requestState` of an answer that asks for input (MCP 2026-07-28) · answer: a request of a session
 * whose answer has to be changed, on whatever stream it comes.
 */
export type HandleKind = "task" | "state" | "answer";

export interface Handles {
  give(kind: HandleKind, upstream: string, text: string, handle: Handle): void;
  find(kind: HandleKind, upstream: string, text: string): Handle | undefined;
}

export function createHandles({ handlesMax }: { readonly handlesMax: number }): Handles {
  const handles = new Map<string, Handle>();
  return {
    give(kind, upstream, text, handle) {
      const key = keyOf(kind, upstream, text);
      const known = handles.get(key);
      // Given out twice, it stays with whom it was given to first.
      if (known !== undefined && known.owner !== handle.owner) return;
      handles.delete(key);
      handles.set(key, handle);
      for (const oldest of handles.keys()) {
        if (handles.size <= handlesMax) break;
        handles.delete(oldest);
      }
    },
    find: (kind, upstream, text) => handles.get(keyOf(kind, upstream, text)),
  };
}

/** States may be long; what is kept of each is not. */
const keyOf = (kind: HandleKind, upstream: string, text: string) =>
  `${kind}\n${upstream}\n${hash("sha256", text, "base64url")}`;
