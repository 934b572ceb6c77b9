// First check: does a valid, unrevoked token of this tenant cover the call? It never asks whether the tool exists, so a hidden tool
// and an unknown one get the same answer.
import { checkCapability, checkStanding } from "@postern/capability";
import { type Capability, reason } from "@postern/contracts";
import { andThen, type Eventually } from "./eventually.ts";
import type { JudgePorts } from "./ports.ts";
import { type CallRequest, type Finding, found, type MessageRequest, refused } from "./verdict.ts";

type Ports = Pick<JudgePorts, "capability" | "revocations" | "halts" | "stale" | "clock">;

/**
 * Genuine: every signature verifies, and our state is fresh enough to say so. `holder` was found in this token just now, so that its signatures
 * need not be verified again. While everybody is stopped no token is looked at.
 */
export function checkToken(
  ports: Ports,
  { token, tool }: Pick<MessageRequest, "token" | "tool">,
  holder?: Capability,
): Eventually<Finding<Capability>> {
  const halted = ports.halts.refusalOf();
  if (halted !== undefined) return refused(halted);
  if (holder === undefined && (token === undefined || token === ""))
    return refused(reason("capability.missing"));
  const stale = ports.stale(tool);
  if (stale !== undefined) return refused(stale);
  if (holder !== undefined) return found(holder);
  return andThen(ports.capability.verify(token ?? ""), (verified) =>
    verified.ok ? found(verified.capability) : refused(verified.reason),
  );
}

/** Not stopped, in time, not revoked, and every caveat holds that speaks of all messages and not of tools alone. */
export function checkHolder(
  ports: Ports,
  capability: Capability,
  { upstream, tool }: Pick<MessageRequest, "upstream" | "tool">,
): Finding<Capability> {
  const halted = ports.halts.refusalOf(capability, tool);
  if (halted !== undefined) return refused(halted);
  const message = { upstream, nowMs: ports.clock.nowMs() };
  const refusal = checkStanding(capability, message, ports.revocations);
  return refusal === undefined ? found(capability) : refused(refusal);
}

/** Not stopped, in time, not revoked, and every caveat of every hop holds for the call. */
export function checkScope(
  ports: Ports,
  capability: Capability,
  call: Pick<CallRequest, "tool" | "args" | "upstream">,
  mode: "call" | "list",
): Finding<Capability> {
  const { tool, args, upstream } = call;
  const halted = ports.halts.refusalOf(capability, tool);
  if (halted !== undefined) return refused(halted);
  const refusal = checkCapability(
    capability,
    { tool, args, upstream, nowMs: ports.clock.nowMs(), mode },
    ports.revocations,
  );
  return refusal === undefined ? found(capability) : refused(refusal);
}
