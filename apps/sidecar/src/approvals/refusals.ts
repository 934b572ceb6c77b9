// What a caller is told of a call that does not run, or not yet, because of people.
import { type ApprovalTicket, ERROR_CODE, type JsonObject, type Reason, reason } from "@postern/contracts";
import type { Escalated, Findings } from "@postern/decision";
import { type Authenticated, type IdentifiedCall, type Refused, refuse } from "../stages.ts";

type Call = Authenticated<IdentifiedCall>;

/** It waits for a person. `result`: what it is answered with in place of an error. */
export const stillPending = (
  stage: Call,
  escalated: Escalated,
  approval?: ApprovalTicket,
  result?: JsonObject,
): Refused =>
  refuse(stage, {
    code: escalated.code,
    check: escalated.check,
    reasons: escalated.reasons,
    findings: escalated,
    decision: "escalate",
    ...(approval !== undefined && { approval }),
    ...(result !== undefined && { result }),
  });

/** It will not run. */
export const notApproved = (
  stage: Call,
  findings: Omit<Findings, "timingsMs">,
  why: Reason,
  approval?: ApprovalTicket,
): Refused =>
  refuse(stage, {
    code: ERROR_CODE.policy,
    check: "policy",
    reasons: [why],
    findings,
    ...(approval !== undefined && { approval }),
  });

/** It may run, and nobody is there to hear what comes of it. */
export const callerLeft = (
  stage: Call,
  findings: Omit<Findings, "timingsMs">,
  approval: ApprovalTicket,
): Refused =>
  refuse(stage, {
    code: ERROR_CODE.approval_pending,
    check: "policy",
    reasons: [reason("policy.escalated", "The caller left before its approval was taken.")],
    findings,
    decision: "escalate",
    approval,
  });
