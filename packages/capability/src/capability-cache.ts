// Verified tokens by digest, at most `entriesMax`. One that was used since it was last looked at is passed over once, so that those not used
// for longest go first, and a use costs no more than a mark. It keeps no token: a copy of it gives nobody a credential.
import type { Capability } from "@postern/contracts";

/** What is remembered of a token. */
export interface KnownToken {
  readonly id: string;
  /** The very answer to whoever asks for it. */
  readonly verified: { readonly ok: true; readonly capability: Capability };
  /** To be set by whoever uses it. */
  used: boolean;
  /** False once it is forgotten; then it says nothing more. */
  held: boolean;
}

export interface CapabilityCache {
  get(id: string): KnownToken | undefined;
  put(id: string, verified: KnownToken["verified"]): KnownToken;
  drop(known: KnownToken): void;
}

export function createCapabilityCache(entriesMax: number): CapabilityCache {
  // A Map iterates in the order of insertion, so the first key is the one that came, or was passed over, longest ago.
  const entries = new Map<string, KnownToken>();

  function drop(known: KnownToken): void {
    known.held = false;
    entries.delete(known.id);
  }

  function makeRoom(newest: KnownToken): void {
    for (const known of entries.values()) {
      if (entries.size <= entriesMax) return;
      if (known === newest) continue;
      drop(known);
      if (known.used) {
        known.used = false;
        known.held = true;
        entries.set(known.id, known);
      }
    }
  }

  return {
    get: (id) => entries.get(id),
    put(id, verified) {
      const known = { id, verified, used: false, held: true };
      const before = entries.get(id);
      if (before !== undefined) drop(before);
      entries.set(id, known);
      makeRoom(known);
      return known;
    },
    drop,
  };
}
