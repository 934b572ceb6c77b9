// Keys of the memories of tokens that were shown here: each is asked for once, and never changes. What could not be had is asked for again after a
// while, and until then not; the number of keys, of questions under way and of failures that are remembered is bounded.
import { type Clock, toFault } from "@postern/fault";
import type { Logger } from "@postern/telemetry";
import type { ControlPlane } from "../control-plane.ts";

export interface MemoryKeys {
  /** At once if it is here; undefined when it cannot be had. Never rejects. `rootJti` is of a token that was verified. */
  keyOf(rootJti: string): Uint8Array | undefined | Promise<Uint8Array | undefined>;
}

export interface MemoryKeyPorts {
  readonly controlPlane: Pick<ControlPlane, "memoryKey">;
  readonly clock: Clock;
  readonly log: Pick<Logger, "warn">;
}

export interface MemoryKeyLimits {
  readonly keysMax: number;
  readonly underwayMax: number;
}

const LIMITS: MemoryKeyLimits = { keysMax: 10_000, underwayMax: 64 };
const TROUBLE_MS = 1_000;

export function createMemoryKeys(ports: MemoryKeyPorts, limits: MemoryKeyLimits = LIMITS): MemoryKeys {
  const { controlPlane, clock, log } = ports;
  // A Map iterates in the order of insertion, so the first one is the oldest.
  const keys = new Map<string, Uint8Array>();
  const failures = new Map<string, number>();
  const underway = new Map<string, Promise<Uint8Array | undefined>>();

  function keep<T>(table: Map<string, T>, rootJti: string, value: T): void {
    table.delete(rootJti);
    table.set(rootJti, value);
    const [oldest] = table.keys();
    if (table.size > limits.keysMax && oldest !== undefined) table.delete(oldest);
  }

  async function fetchKey(rootJti: string): Promise<Uint8Array | undefined> {
    try {
      const { memory_signing_key } = await controlPlane.memoryKey({ jti: rootJti });
      const key = Buffer.from(memory_signing_key, "base64url");
      keep(keys, rootJti, key);
      return key;
    } catch (caught) {
      log.warn("the key of a memory was not to be had", { code: toFault(caught).code });
      keep(failures, rootJti, clock.monotonicMs() + TROUBLE_MS);
      return undefined;
    } finally {
      underway.delete(rootJti);
    }
  }

  return {
    keyOf(rootJti) {
      const known = keys.get(rootJti) ?? underway.get(rootJti);
      if (known !== undefined) return known;
      if (clock.monotonicMs() < (failures.get(rootJti) ?? 0)) return undefined;
      if (underway.size >= limits.underwayMax) return undefined;
      const asked = fetchKey(rootJti);
      underway.set(rootJti, asked);
      return asked;
    },
  };
}
