// Extracted intents of one tenant: at most `entriesMax`, each until its own end, least recently used first out.

export interface IntentCache<T> {
  get(key: string, nowMs: number): T | undefined;
  put(key: string, value: T, endMs: number): void;
}

/** Instants are of any one clock; an entry is gone from `endMs` on. */
export function createIntentCache<T>(entriesMax: number): IntentCache<T> {
  // A Map iterates in the order of insertion, so the first key is the one used longest ago.
  const entries = new Map<string, { readonly value: T; readonly endMs: number }>();
  return {
    get(key, nowMs) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      if (nowMs >= entry.endMs) return undefined;
      entries.set(key, entry);
      return entry.value;
    },
    put(key, value, endMs) {
      entries.delete(key);
      entries.set(key, { value, endMs });
      const [oldest] = entries.keys();
      if (entries.size > entriesMax && oldest !== undefined) entries.delete(oldest);
    },
  };
}
