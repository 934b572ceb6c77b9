// What one application of obligations has found and spent so far. It counts by class and action, so that the audit event can tell what was
// done without telling what was there.
import type { Applied } from "./obligations.ts";

/** Characters that custom expressions may read beyond one look at each text, in one message; see custom-pattern.ts. */
const EXTRA_CHARACTERS_MAX = 8_000_000;

export interface Pass {
  /** Counts `count` findings. A block also blocks the message. */
  note(type: string, name: string, action: Applied["action"], count?: number): void;
  readonly isBlocked: boolean;
  /** Classes that blocked, in the order in which they were found. */
  readonly blocking: readonly string[];
  readonly applied: readonly Applied[];
  /** Characters that may still be read again. */
  extraCharacters: number;
}

export function startPass(direction: Applied["direction"]): Pass {
  const counts = new Map<string, Applied>();
  const blocking: string[] = [];
  return {
    note(type, name, action, count = 1) {
      if (action === "block" && !blocking.includes(name)) blocking.push(name);
      const key = `${type} ${name} ${action}`;
      const before = counts.get(key)?.count ?? 0;
      counts.set(key, { direction, type, class: name, action, count: before + count });
    },
    get isBlocked() {
      return blocking.length > 0;
    },
    blocking,
    get applied() {
      return [...counts.values()];
    },
    extraCharacters: EXTRA_CHARACTERS_MAX,
  };
}
