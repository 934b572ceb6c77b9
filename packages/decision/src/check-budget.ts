// Fourth check: every budget caveat of every hop is charged, all or none, before the call runs. What never ran is given back.
import { chargesFor, type Reservation } from "@postern/budget";
import type { Capability, PolicyDecision } from "@postern/contracts";
import type { JudgePorts } from "./ports.ts";
import { type Finding, found, refused } from "./verdict.ts";

export async function checkBudget(
  ports: Pick<JudgePorts, "budget" | "clock">,
  capability: Capability,
  policy: PolicyDecision,
): Promise<Finding<Reservation>> {
  const charges = chargesFor(capability, { nowMs: ports.clock.nowMs(), costMicros: policy.cost_micros });
  if (!charges.ok) return refused(charges.reason);
  const reserved = await ports.budget.reserve(capability.tenant, charges.charges);
  return reserved.ok ? found(reserved.reservation) : refused(reserved.reason);
}
