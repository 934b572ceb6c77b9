// An elevation: one more role for one person, for a reason that another person found good, and for hours at most. It is used call by call, by naming
// it, and whatever is done under it says so in the log.
import { OperatorRole } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { z } from "zod";

export const ElevatedRole = OperatorRole.exclude(["viewer"]);
export type ElevatedRole = z.infer<typeof ElevatedRole>;

/** `pending`: nobody has decided. `active`: may be used. `expired`: nobody decided in time, or its time is over. */
export const ElevationStatus = z.enum(["pending", "active", "rejected", "ended", "expired"]);
export type ElevationStatus = z.infer<typeof ElevationStatus>;

export type StoredStatus = Exclude<ElevationStatus, "expired">;

export interface Elevation {
  readonly tenant: string;
  readonly id: string;
  /** Name of the identity that asked for it, as acts are told under. */
  readonly requester: string;
  readonly role: ElevatedRole;
  readonly reason: string;
  /** From the decision on. */
  readonly ttlSeconds: number;
  readonly status: StoredStatus;
  readonly createdAt: Date;
  /** While it is pending: until when it can be decided on. Then: until when it can be used. */
  readonly expiresAt: Date;
  readonly decidedAt: Date | null;
  /** "" while nobody has decided; so for what follows. */
  readonly decidedBy: string;
  readonly decisionReason: string;
  readonly endedAt: Date | null;
  readonly endedBy: string;
}

export interface ElevationKey {
  /** undefined = whichever tenant's it is. */
  readonly tenant: string | undefined;
  readonly id: string;
}

export interface ElevationRequest {
  readonly tenant: string;
  readonly role: ElevatedRole;
  readonly reason: string;
  readonly ttlSeconds: number;
}

export const TTL_SECONDS_MAX = 28_800;
export const PENDING_MS = 86_400_000;
/** Pending or active at once, for one requester in one tenant. */
export const OPEN_MAX = 10;

/** How it stands now. */
export function statusAt({ status, expiresAt }: Elevation, nowMs: number): ElevationStatus {
  const isOpen = status === "pending" || status === "active";
  return isOpen && expiresAt.getTime() <= nowMs ? "expired" : status;
}

/**
 * Why an identity may not act under an elevation now; undefined when it may. What is not there and what is somebody else's are told alike.
 * Gives Fault forbidden "elevations.unusable".
 */
export function refusalOf(
  elevation: Elevation | undefined,
  requester: string,
  nowMs: number,
): Fault | undefined {
  if (elevation === undefined || elevation.requester !== requester) {
    return unusable("you have no elevation of this id in this tenant");
  }
  const status = statusAt(elevation, nowMs);
  return status === "active" ? undefined : unusable(`it is ${status}, not active`);
}

const unusable = (problem: string) =>
  new Fault("forbidden", "elevations.unusable", `The elevation cannot be used: ${problem}.`);
