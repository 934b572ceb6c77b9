// Verified tokens by digest, at most `entriesMax`, least recently used first out. It keeps no token: a copy of this
// process's memory gives nobody a credential.
import type { Capability } from "@postern/contracts";

export interface CapabilityCache {
  get(id: string): Capability | undefined;
  put(id: string, capability: Capability): void;
  drop(id: string): void;
}

export function createCapabilityCache(entriesMax: number): CapabilityCache {
  // A Map iterates in the order of insertion, so the first key is the one used longest ago.
  const entries = new Map<string, Capability>();
  return {
    get(id) {
      const capability = entries.get(id);
      if (capability === undefined) return undefined;
      entries.delete(id);
      entries.set(id, capability);
      return capability;
    },
    put(id, capability) {
      entries.delete(id);
      entries.set(id, capability);
      const [oldest] = entries.keys();
      if (entries.size > entriesMax && oldest !== undefined) entries.delete(oldest);
    },
    drop(id) {
      entries.delete(id);
    },
  };
}
