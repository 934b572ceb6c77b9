// A kill switch that is on: whom or what it stops, and why. Sidecars are told every one that is on for their tenant; what stands on this
// list is refused before anything else is asked.
import { z } from "zod";
import { Identifier, Timestamp } from "./ids.ts";
import { type Reason, reason } from "./reasons.ts";

/**
 * global: everybody · tenant: this tenant · agent: whoever speaks for it · tool: that name, or every name that a glob matches, whoever calls ·
 * token: whoever presents the token of that id, and nothing derived from it · subtree: a token by its own id and everything derived from it.
 */
export const HaltScope = z.enum(["global", "tenant", "agent", "tool", "token", "subtree"]);
export type HaltScope = z.infer<typeof HaltScope>;

/** Halts that may be on for a tenant at once, the global one included: all of them fit in one signed state, whatever they say. */
export const HALTS_MAX = 500;

/** No control characters: each would take six bytes of the state that all of them must fit in. */
const plain = /^[^\p{Cc}\p{Cs}]*$/u;

/** Shown to whoever is stopped, whether or not he has proved who he is: nothing in it may be secret. */
export const HaltReason = z
  .string()
  .max(512)
  .regex(plain, "must not hold control characters")
  .refine((text) => text.trim() !== "", "must say why")
  .meta({ pattern: "^[^\\p{Cc}\\p{Cs}]*[^\\p{Cc}\\p{Cs}\\s][^\\p{Cc}\\p{Cs}]*$" });

export const Halt = z.strictObject({
  id: Identifier,
  scope: HaltScope,
  /** Agent, tool or token id; "" for the scopes that need none. */
  value: z.string().max(256).regex(plain),
  reason: HaltReason,
  /** Ends by itself at this instant, also in a sidecar that is cut off; absent = until it is released. */
  expires_at: Timestamp.optional(),
});
export type Halt = z.infer<typeof Halt>;

/** What whoever is stopped is told. */
export function haltedReason({
  scope,
  value,
  reason: why,
}: Pick<Halt, "scope" | "value" | "reason">): Reason {
  return reason("capability.halted", `A kill switch is on for ${WHOM[scope](value)}: ${why}`);
}

const WHOM: Readonly<Record<HaltScope, (value: string) => string>> = {
  global: () => "everybody",
  tenant: () => "this tenant",
  agent: (value) => `the agent ${value}`,
  tool: (value) => `the tool ${value}`,
  token: (value) => `the token ${value}`,
  subtree: (value) => `the token ${value} and all that is derived from it`,
};
