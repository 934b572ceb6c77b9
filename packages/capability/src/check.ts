// Whether a verified token covers one message, judged anew each time: revocation, then time, then the caveats that speak of every message,
// then, for a call, those that speak of tools. Pure and cheap, so that listing tools and calling them ask the same function.
import { type Capability, type Caveat, type Reason, reason } from "@postern/contracts";
import { type CapabilityCall, type CapabilityMessage, judgeMessage, judgeTool } from "./caveat.ts";

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
  return (
    checkStanding(capability, call, revocations) ??
    firstRefusal(capability, (caveat) => judgeTool(caveat, call))
  );
}

/**
 * The first reason to refuse any message, for those that are no tool call: the token is revoked or out of time, or a caveat that speaks of
 * every message does not hold.
 */
export function checkStanding(
  capability: Capability,
  message: CapabilityMessage,
  revocations: Revocations,
): Reason | undefined {
  if (lineage(capability).some((jti) => revocations.isRevoked(jti))) return reason("capability.revoked");
  return (
    judgeTime(capability, message.nowMs) ??
    firstRefusal(capability, (caveat) => judgeMessage(caveat, capability.agent, message))
  );
}

function firstRefusal(
  { hops }: Capability,
  judge: (caveat: Caveat) => Reason | undefined,
): Reason | undefined {
  for (const hop of hops) {
    for (const caveat of hop.caveats) {
      const refusal = judge(caveat);
      if (refusal !== undefined) return refusal;
    }
  }
  return undefined;
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
