// A kill switch: on from when it is engaged until it is released or its time is up, whichever comes first. It is never changed back to a
// nearer end, so that nobody is let go earlier than he who stopped him believes.
import { AgentId, HALTS_MAX, type Halt, type HaltScope, Identifier, ToolGlob } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { SYSTEM_TENANT } from "../tenants/model.ts";

export interface KillSwitch {
  /** SYSTEM_TENANT for the one that stops everybody. */
  readonly tenant: string;
  readonly id: string;
  readonly scope: HaltScope;
  readonly value: string;
  readonly reason: string;
  readonly engagedAt: Date;
  readonly engagedBy: string;
  /** null = until it is released. */
  readonly expiresAt: Date | null;
  readonly releasedAt: Date | null;
  readonly releasedBy: string;
  readonly releaseReason: string;
}

/** What is stopped. `tenant` is SYSTEM_TENANT for the scope "global" and for no other. */
export interface HaltTarget {
  readonly tenant: string;
  readonly scope: HaltScope;
  readonly value: string;
}

export interface HaltKey {
  readonly id: string;
  /** undefined = whichever tenant's it is. */
  readonly tenant: string | undefined;
}

/** Halts of one tenant's own. There is only one way to stop everybody, so one place is kept for that. */
export const OWN_HALTS_MAX = HALTS_MAX - 1;

export type HaltState = "on" | "released" | "expired";

export function stateOf({ expiresAt, releasedAt }: KillSwitch, nowMs: number): HaltState {
  if (releasedAt !== null) return "released";
  return expiresAt !== null && expiresAt.getTime() <= nowMs ? "expired" : "on";
}

export const stopsEverybody = ({ tenant }: Pick<KillSwitch, "tenant">): boolean => tenant === SYSTEM_TENANT;

/** As sidecars are told of it. */
export function haltOf({ id, scope, value, reason, expiresAt }: KillSwitch): Halt {
  return { id, scope, value, reason, ...(expiresAt !== null && { expires_at: expiresAt.toISOString() }) };
}

const VALUES = { agent: AgentId, tool: ToolGlob, token: Identifier, subtree: Identifier };

/** Faults: invalid "halts.value", when the scope has no such value. */
export function assertValue({ scope, value }: Pick<HaltTarget, "scope" | "value">): void {
  if (scope === "global" || scope === "tenant") {
    if (value === "") return;
    throw new Fault("invalid", "halts.value", `body.value: the scope ${scope} takes no value`);
  }
  const parsed = VALUES[scope].safeParse(value);
  if (parsed.success && !/\p{Cc}/u.test(value)) return;
  const what = {
    agent: "an agent",
    tool: "a tool or a glob",
    token: "a token's id",
    subtree: "a token's id",
  };
  throw new Fault("invalid", "halts.value", `body.value: the scope ${scope} takes ${what[scope]}`);
}
