// Step 4, concluded: an approved call takes its approval, after everything else has agreed to it and before anything is recorded or sent. Whoever
// takes it first has it (P8); what cannot be taken for sure is refused (P3), and the budget goes back.
import type { Ledger } from "@postern/budget";
import type { Metrics } from "@postern/telemetry";
import type { Approvals } from "../approvals/approvals.ts";
import { callerLeft, notApproved } from "../approvals/refusals.ts";
import { type Cleared, grow, type Obliged, type Refused } from "../stages.ts";
import { outcomeOf } from "./seek-approval.ts";

export interface ClaimPorts {
  readonly approvals: Pick<Approvals, "claim">;
  readonly budget: Pick<Ledger, "release">;
  readonly metrics: Pick<Metrics, "increment">;
}

/** A call without an approval passes. Never throws. */
export async function claimApproval(stage: Obliged, ports: ClaimPorts): Promise<Cleared | Refused> {
  const { decision, eventId, gone, grant } = stage;
  if (grant === undefined) return grow(stage, { isCleared: true });
  const claimed = gone.aborted
    ? undefined
    : await ports.approvals.claim(grant, eventId, decision.capability.rootJti);
  if (claimed?.ok === true) {
    ports.metrics.increment("approvals", { outcome: "approved" });
    return grow(stage, { isCleared: true });
  }
  await ports.budget.release(decision.reservation);
  // Nobody would hear what came of it, and the approval may be wanted again.
  if (claimed === undefined) return callerLeft(stage, decision, grant);
  const refused = notApproved(stage, decision, claimed.reason, claimed.ticket ?? grant);
  ports.metrics.increment("approvals", { outcome: outcomeOf(refused) });
  return refused;
}
