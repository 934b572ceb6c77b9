// How an approval stands, as the refusal of whatever cannot be done with it then.
import { Fault } from "@postern/fault";
import { type Approval, statusAt } from "./model.ts";

export function unknownApproval(): Fault {
  return new Fault("not_found", "approvals.unknown", "There is no such approval.");
}

/** Fault conflict "approvals.<status>". */
export function standing(approval: Approval, nowMs: number): Fault {
  const status = statusAt(approval, nowMs);
  const by = approval.decidedBy === "" ? "" : ` by ${approval.decidedBy}`;
  const sentence = {
    pending: "This call waits for a decision.",
    approved: `This call was approved${by}.`,
    used: `This call was approved${by}, and the approval was used.`,
    rejected: `This call was rejected${by}.`,
    expired: approval.decidedBy === "" ? "Nobody decided in time." : "The approval was not used in time.",
  }[status];
  return new Fault("conflict", `approvals.${status}`, sentence);
}
