// Whether this sidecar is one of those that try a candidate. Any replica and any restart comes to the same answer, and who takes part at one
// percentage takes part at every higher one.
import { hash } from "node:crypto";
import type { PolicyRollout, SidecarLabels } from "@postern/contracts";

export interface SidecarTraits {
  readonly sidecarId: string;
  readonly labels: SidecarLabels;
}

type Reach = Pick<PolicyRollout, "id" | "percent" | "labels">;

export function takesPart(
  { id, percent, labels }: Reach,
  { sidecarId, labels: own }: SidecarTraits,
): boolean {
  const isMeant = Object.entries(labels).every(([name, value]) => own[name] === value);
  return isMeant && percentileOf(id, sidecarId) < percent;
}

/** A number in [0, 100) that a sidecar keeps for as long as a rollout lasts; for another rollout it has another one. */
function percentileOf(rolloutId: string, sidecarId: string): number {
  const digest = hash("sha256", `${rolloutId}\n${sidecarId}`, "buffer");
  return (digest.readUInt32BE(0) / 2 ** 32) * 100;
}
