// A kill switch that is on: whom or what it stops, and why. Sidecars are told every one that is on for their tenant; what stands on this
// list is refused before anything else is asked.
import { z } from "zod";
import { Identifier, Timestamp } from "./ids.ts";

/**
 * global: everybody · tenant: this tenant · agent: whoever speaks for it · tool: that name, whoever calls · token: a token by its own id, and
 * nothing derived from it · subtree: a token by its own id and everything derived from it.
 */
export const HaltScope = z.enum(["global", "tenant", "agent", "tool", "token", "subtree"]);
export type HaltScope = z.infer<typeof HaltScope>;

/** Halts that may be on for a tenant at once, global ones included: all of them fit in one signed state. */
export const HALTS_MAX = 1_000;

export const Halt = z.strictObject({
  id: Identifier,
  scope: HaltScope,
  /** Agent, tool or token id; "" for the scopes that need none. */
  value: z.string().max(256),
  /** Shown to whoever is stopped. */
  reason: z.string().max(512),
  /** Ends by itself at this instant, also in a sidecar that is cut off; absent = until it is released. */
  expires_at: Timestamp.optional(),
});
export type Halt = z.infer<typeof Halt>;
