// The lines of the proxy bench and what it takes to have them: every server a process of its own, the sidecars real ones with a real
// control plane behind them. Only the lines that are asked for are started.
import type { Door } from "./workload.ts";

export type LineName =
  | "direct"
  | "bare"
  | "off"
  | "on"
  | "cached"
  | "disk"
  | "verify-per-call"
  | "object-input"
  | "redis-hop"
  | "hono-fetch";

export const TITLES: Readonly<Record<LineName, string>> = {
  direct: "direct to the tool server",
  bare: "bare passthrough",
  off: "sidecar, checks off",
  on: "sidecar, everything on",
  cached: "the same, decision cached",
  disk: "the same, durability disk",
  "verify-per-call": "token verified on each call",
  "object-input": "object input to OPA",
  "redis-hop": "a Redis hop on each call",
  "hono-fetch": "Hono + fetch, no checks",
};

export const MAIN_LINES = ["direct", "bare", "off", "on", "cached", "disk"] as const;
export const VARIANT_LINES = ["verify-per-call", "object-input", "redis-hop", "hono-fetch"] as const;

const UNGUARDED: readonly LineName[] = ["direct", "bare", "off", "hono-fetch"];

/** Whether a real sidecar stands in the way, with everything on. */
export const isGuarded = (name: LineName): boolean => !UNGUARDED.includes(name);

export const isLineName = (text: string): text is LineName => Object.hasOwn(TITLES, text);

export interface Line {
  readonly name: LineName;
  readonly urls: Readonly<Record<Door, string>>;
  readonly headers: Readonly<Record<string, string>>;
  /** The server that is measured. */
  readonly pid: number;
  /** Processes that stand still while another line is measured. */
  readonly own: readonly number[];
}

/** What answers where no sidecar does, by its program. */
export const SERVERS = {
  bare: new URL("./passthrough-server.ts", import.meta.url),
  off: new URL("./checks-off-server.ts", import.meta.url),
  "hono-fetch": new URL("./hono-fetch-server.ts", import.meta.url),
} as const;
