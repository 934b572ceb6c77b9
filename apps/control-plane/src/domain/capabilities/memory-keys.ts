// Keys with which agents sign what they remember, one for each token. They are derived and stored nowhere: a tenant's secret comes from the master
// key, a token's key from the tenant's secret, and neither way back can be gone. So one token's key tells nothing of another's, and a sidecar
// has the keys of the tokens that it was shown and no more.
import { hkdfSync } from "node:crypto";
import { type MasterKey, requireMasterKey } from "../keys/master-key.ts";

export interface MemoryKeys {
  /** 32 bytes, always the same ones. Faults: unavailable "keys.no_master_key". */
  keyOf(tenant: string, rootJti: string): Uint8Array;
}

const BYTES = 32;

export function createMemoryKeys(masterKey: MasterKey): MemoryKeys {
  return {
    keyOf(tenant, rootJti) {
      const master = requireMasterKey(masterKey);
      const secret = hkdfSync("sha256", master, tenant, "postern/memory-secret/v1", BYTES);
      return memoryKeyFrom(new Uint8Array(secret), rootJti);
    },
  };
}

/** The key of a token's memory, as every implementation of the header derives it. */
export function memoryKeyFrom(secret: Uint8Array, rootJti: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, rootJti, "intentgate-memory-v1", BYTES));
}
