// The public keys that a verifier trusts, each for one use. Rotation costs no call: a key is published before it signs
// and stays trusted as retired until `not_after`; a prepared key is in no set.
import type { KeyUse, PublishedKey } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { kidOf } from "./paserk.ts";

export interface KeySet {
  /** The key named `kid`, if it is trusted for `use` at this instant (milliseconds since the Unix epoch). */
  find(kid: string, use: KeyUse, nowMs: number): PublishedKey | undefined;
  readonly keys: readonly PublishedKey[];
}

/** Faults: invalid `signing.key_set` when an id is not that of its key or stands twice; invalid `signing.key`. */
export function createKeySet(keys: readonly PublishedKey[]): KeySet {
  const entries = new Map<string, { key: PublishedKey; trustedUntilMs: number }>();
  for (const key of keys) {
    if (kidOf(key.public_key) !== key.kid) throw badSet(`The key id ${key.kid} is not that of its key.`);
    if (entries.has(key.kid)) throw badSet(`The key id ${key.kid} stands twice in the key set.`);
    entries.set(key.kid, { key, trustedUntilMs: trustedUntilMs(key) });
  }
  return {
    keys,
    find(kid, use, nowMs) {
      const entry = entries.get(kid);
      return entry?.key.use === use && nowMs < entry.trustedUntilMs ? entry.key : undefined;
    },
  };
}

/** A retired key that names no end, or an end that is no instant, is not trusted at all. */
function trustedUntilMs(key: PublishedKey): number {
  if (key.not_after !== undefined) return Date.parse(key.not_after);
  return key.status === "retired" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

function badSet(message: string): Fault {
  return new Fault("invalid", "signing.key_set", message);
}
