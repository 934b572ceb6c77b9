// Fourth check: every budget caveat of every hop is charged, all or none, before the call runs. What never ran is given back.
import { chargesFor, type Reservation } from "@postern/budget";
import type { Capability, PolicyDecision } from "@postern/contracts";
import { andThen, type Eventually } from "./eventually.ts";
import type { JudgePorts } from "./ports.ts";
import { type Finding, found, refused } from "./verdict.ts";

export function checkBudget(
  ports: Pick<JudgePorts, "budget" | "clock">,
  capability: Capability,
  policy: PolicyDecision,
): Eventually<Finding<Reservation>> {
  const charges = chargesFor(capability, { nowMs: ports.clock.nowMs(), costMicros: policy.cost_micros });
  if (!charges.ok) return refused(charges.reason);
  return andThen(ports.budget.reserve(capability.tenant, charges.charges), (reserved) =>
    reserved.ok ? found(reserved.reservation) : refused(reserved.reason),
  );
}
