// Slows down guessing: each network may fail a number of times, and earns one more try every few seconds. Failures beyond that are counted,
// not kept one by one. Memory is bounded; the network that has been quiet for longest is forgotten first.
import { isIPv6 } from "node:net";
import type { Clock } from "@postern/fault";

export interface Throttle {
  /** Counts a failure. How long its network must wait before the next one is heard; 0 = this one is within bounds. */
  failed(address: string): number;
  /** By network, how many failures were beyond bounds since this was last asked; "" = networks that were too many to tell apart. */
  takeUnheard(): ReadonlyMap<string, number>;
}

const NETWORKS_MAX = 10_000;
const UNHEARD_MAX = 1_000;

export function createThrottle(options: { clock: Clock; failuresMax: number; tryEveryMs: number }): Throttle {
  const { clock, failuresMax, tryEveryMs } = options;
  /** Network → instant at which all its failures are forgiven. */
  const forgiven = new Map<string, number>();
  let unheard = new Map<string, number>();

  function countUnheard(network: string): void {
    const row = unheard.has(network) || unheard.size < UNHEARD_MAX ? network : "";
    unheard.set(row, (unheard.get(row) ?? 0) + 1);
  }

  return {
    failed(address) {
      const network = networkOf(address);
      const nowMs = clock.monotonicMs();
      const debtMs = Math.max(0, (forgiven.get(network) ?? 0) - nowMs);
      const waitMs = debtMs - (failuresMax - 1) * tryEveryMs;
      if (waitMs > 0) {
        countUnheard(network);
        return waitMs;
      }
      forgiven.delete(network);
      forgiven.set(network, nowMs + debtMs + tryEveryMs);
      const [oldest] = forgiven.keys();
      if (forgiven.size > NETWORKS_MAX && oldest !== undefined) forgiven.delete(oldest);
      return 0;
    },
    takeUnheard() {
      const taken = unheard;
      unheard = new Map();
      return taken;
    },
  };
}

/** What one subscriber holds: an IPv4 address, or an IPv6 network of 64 bits, whose addresses cost nothing (RFC 6177). */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = "", tail] = (address.split("%")[0] ?? "").split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  // An address may end in dotted IPv4, which stands for two groups.
  const dotted = [...before, ...after].some((group) => group.includes(".")) ? 1 : 0;
  const zeros = Array<string>(Math.max(0, 8 - dotted - before.length - after.length)).fill("0");
  const groups = [...before, ...zeros, ...after].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}
