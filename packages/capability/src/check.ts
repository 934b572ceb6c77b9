// Whether a verified token covers one call, judged anew on each call: revocation, then time, then every caveat in order.
// Pure and cheap, so that listing tools and calling them ask the same function.
import { type Capability, type Reason, reason } from "@postern/contracts";
import { type CapabilityCall, judgeCaveat } from "./caveat.ts";

/**
 * How far the issuer's clock may run ahead of ours: it softens the beginning of a token's life, never its end.
 * A token is dead from the very millisecond of its expiry.
 */
export const CLOCK_SKEW_MS = 30_000;

export interface Revocations {
  isRevoked(jti: string): boolean;
}

/** The first reason to refuse `call`, or undefined when the token covers it. */
export function checkCapability(
  capability: Capability,
  call: CapabilityCall,
  revocations: Revocations,
): Reason | undefined {
  const fallen = checkStanding(capability, call.nowMs, revocations);
  if (fallen !== undefined) return fallen;
  for (const hop of capability.hops) {
    for (const caveat of hop.caveats) {
      const refusal = judgeCaveat(caveat, capability.agent, call);
      if (refusal !== undefined) return refusal;
    }
  }
  return undefined;
}

/** The token by itself, for messages that are no tool call: not revoked, and in time. */
export function checkStanding(
  capability: Capability,
  nowMs: number,
  revocations: Revocations,
): Reason | undefined {
  if (lineage(capability).some((jti) => revocations.isRevoked(jti))) return reason("capability.revoked");
  return judgeTime(capability, nowMs);
}

/** Every token id whose revocation takes this token with it. */
function lineage({ rootJti, mintedFromJti, parentJti, hops }: Capability): readonly string[] {
  const ancestors = [rootJti, mintedFromJti, parentJti].filter((jti) => jti !== undefined);
  return [...ancestors, ...hops.map((hop) => hop.jti)];
}

function judgeTime(capability: Capability, nowMs: number): Reason | undefined {
  const { expiresAtMs, issuedAtMs, notBeforeMs = issuedAtMs } = capability;
  if (expiresAtMs !== undefined && nowMs >= expiresAtMs) return reason("capability.expired");
  if (nowMs + CLOCK_SKEW_MS < Math.max(issuedAtMs, notBeforeMs)) return reason("capability.not_yet_valid");
  return undefined;
}
