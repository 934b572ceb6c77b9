// Whether what the sidecar holds is still current. Proof is a signed heartbeat; without one for the staleness bound nothing is allowed (P7).
// Both clocks must agree: the monotonic one stands still while a machine sleeps, and the wall clock can be set back.
import type { Clock } from "@postern/fault";
import { createStalenessBounds, type ToolStaleness } from "./tool-staleness.ts";

export interface Freshness {
  /** A genuine heartbeat, issued at `issuedAtMs` by the control plane's clock. False when it is too old, or too far ahead, to prove anything. */
  prove(issuedAtMs: number): boolean;
  /** For this tool; without one, in general. */
  isFresh(tool?: string): boolean;
  /** Milliseconds since the newest proof was issued; Infinity before the first one. */
  ageMs(): number;
}

interface Proof {
  readonly issuedAtMs: number;
  /** How old it was on arrival: a heartbeat that was held up on the way proves less. */
  readonly lateMs: number;
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export interface FreshnessOptions {
  readonly clock: Clock;
  readonly boundMs: number;
  /** Classes of tools that have bounds of their own. */
  readonly ofTools?: readonly ToolStaleness[];
}

export function createFreshness({ clock, boundMs, ofTools = [] }: FreshnessOptions): Freshness {
  const bounds = createStalenessBounds(boundMs, ofTools);
  let newest: Proof | undefined;
  const ageMs = () => {
    if (newest === undefined) return Number.POSITIVE_INFINITY;
    const wallMs = Math.abs(clock.nowMs() - newest.wallMs);
    return newest.lateMs + Math.max(clock.monotonicMs() - newest.monotonicMs, wallMs);
  };
  return {
    prove(issuedAtMs) {
      const wallMs = clock.nowMs();
      if (Math.abs(wallMs - issuedAtMs) >= boundMs) return false;
      // One that was recorded earlier and is replayed must not make us young again.
      if (newest !== undefined && issuedAtMs < newest.issuedAtMs) return false;
      const lateMs = Math.max(0, wallMs - issuedAtMs);
      newest = { issuedAtMs, lateMs, wallMs, monotonicMs: clock.monotonicMs() };
      return true;
    },
    isFresh(tool) {
      const age = ageMs();
      return age < bounds.leastMs || age < bounds.boundMs(tool);
    },
    ageMs,
  };
}
