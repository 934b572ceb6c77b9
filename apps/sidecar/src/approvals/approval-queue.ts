// The queue of calls that wait for people, as the sidecar asks it: the control plane keeps it, so that it outlives every sidecar.
import type { ApprovalClaim, ApprovalRequest, ApprovalTicket } from "@postern/contracts";

export interface ApprovalQueue {
  /** Parks a call, or says where the same call stands already. Faults: limited "approvals.too_many", and those of a broken exchange. */
  parkCall(request: ApprovalRequest): Promise<ApprovalTicket>;
  /** Where a parked call stands. Faults: not_found "approvals.unknown", and those of a broken exchange. */
  approval(id: string, signal?: AbortSignal): Promise<ApprovalTicket>;
  /** Takes the permission, once; the same event may ask again. Faults as for `approval`. */
  claimApproval(id: string, claim: ApprovalClaim): Promise<{ isTaken: boolean; ticket: ApprovalTicket }>;
}
