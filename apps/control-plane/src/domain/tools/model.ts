// A tool as the tenant knows it: by its upstream and its name, with the definitions that a person, or the first sight of it, approved.
import type { JsonObject, PinReason, ToolFlag, ToolPin, ToolStatus } from "@postern/contracts";
import type { Difference } from "./difference.ts";

export interface Tool {
  readonly tenant: string;
  readonly id: string;
  readonly upstream: string;
  readonly name: string;
  readonly status: ToolStatus;
  /** Counts while `status` is not "pinned". */
  readonly reason: PinReason;
  /** Approved definitions, the latest last. */
  readonly digests: readonly string[];
  /** The definition that waits; null when none does. */
  readonly candidate: string | null;
  /** Of the definition that waits, else of the one approved last. */
  readonly flags: readonly ToolFlag[];
  /** Whether a person approved it, and not the first sight of it. */
  readonly explicit: boolean;
  /** Version at which it was pinned first; 0 = never. */
  readonly since: number;
  /** Position in the tenant's list of changes: the latest of this tool. */
  readonly version: number;
  readonly firstSeenAt: Date;
  /** When a sidecar told of it last, which each does once after it has started. */
  readonly lastSeenAt: Date;
  readonly seenBy: string;
  /** "" while nobody has decided. */
  readonly decidedBy: string;
  readonly decidedAt: Date | null;
  readonly decisionReason: string;
}

/** A definition that is kept. */
export interface Definition {
  readonly digest: string;
  /** Canonical JSON; null when it was too large to be kept. */
  readonly definition: string | null;
  readonly flags: readonly ToolFlag[];
}

/** What a person needs to decide. */
export interface ToolInDetail extends Tool {
  /** The definition approved last; undefined when there is none, or it was too large to be kept. */
  readonly approved: JsonObject | undefined;
  readonly waiting: JsonObject | undefined;
  /** From what is approved to what waits; undefined unless both are known. */
  readonly differences: { readonly items: readonly Difference[]; readonly isWhole: boolean } | undefined;
}

export interface ToolKey {
  readonly tenant: string;
  readonly id: string;
}

/** Room in the inventory: beyond it nothing new is taken in, and sidecars refuse it. */
export interface Room {
  readonly perTenantMax: number;
  readonly perUpstreamMax: number;
}

export const ROOM: Room = { perTenantMax: 20_000, perUpstreamMax: 10_000 };

export function pinOf(tool: Tool): ToolPin {
  const { upstream, name, status, digests, reason, explicit, since } = tool;
  return { upstream, tool: name, status, digests: [...digests], reason, explicit, since };
}
