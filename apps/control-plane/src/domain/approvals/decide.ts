// A person decides on a parked call. Every attempt is told in the chain, refused ones too. Who decides is known by the credential; what the
// request says about that is a claim beside it.
import { Fault } from "@postern/fault";
import type { Capabilities } from "../capabilities/service.ts";
import { type TenantSettings, tenantSettings } from "../tenants/settings.ts";
import type { Unit } from "../unit.ts";
import {
  type Approval,
  type ApprovalKey,
  approvalsGiven,
  type Decision,
  noticeOf,
  statusAt,
} from "./model.ts";
import { standing, unknownApproval } from "./standing.ts";
import { findApproval, lockRegister, updateApproval, updateRegister } from "./store.ts";

export interface Verdict {
  readonly decision: "approve" | "reject";
  readonly reason: string;
  /** Who the caller says decides. */
  readonly claim: string;
  /** Whether the one who decides is an administrator of the tenant, and not an approver only. */
  readonly isAdmin: boolean;
}

/** undefined, or why it was refused, which is told in the chain and so must be committed. */
export async function decide(
  unit: Unit,
  key: ApprovalKey,
  verdict: Verdict,
  capabilities: Capabilities,
): Promise<Fault | undefined> {
  const { executor, actor, nowMs } = unit;
  const version = await lockRegister(executor, key.tenant);
  const approval = await findApproval(executor, key);
  if (approval === undefined) throw unknownApproval();
  const rules = (await tenantSettings(executor, key.tenant)).approvals;
  const issuer = rules.four_eyes
    ? await capabilities.issuerOf(executor, key.tenant, approval.rootTokenId)
    : undefined;
  const refusal =
    refusalOf(rules, verdict, { issuer, actor: actor.name }) ?? lateness(approval, actor.name, nowMs);
  if (refusal !== undefined) {
    tell(unit, approval, verdict, refusal);
    return refusal;
  }
  const { decision, reason, claim } = verdict;
  const at = new Date(nowMs);
  const said: Decision = { by: actor.name, at: at.toISOString(), decision, reason, claim };
  const heard: Approval = { ...approval, decisions: [...approval.decisions, said] };
  const isSettled = decision === "reject" || approvalsGiven(heard) >= heard.approvalsRequired;
  const decided: Approval = isSettled
    ? {
        ...heard,
        status: decision === "approve" ? "approved" : "rejected",
        expiresAt: decision === "approve" ? new Date(nowMs + rules.use_seconds * 1_000) : heard.expiresAt,
        ...{ decidedBy: actor.name, decidedAt: at, decisionReason: reason },
        ...{ version: version + 1, changedAt: at },
      }
    : heard;
  await updateApproval(executor, decided);
  tell(unit, decided, verdict, undefined);
  if (!isSettled) return undefined;
  await updateRegister(executor, key.tenant, version + 1);
  unit.announce(key.tenant);
  const data = { ...noticeOf(decided), decision, decided_by: actor.name };
  unit.notify({ tenant: key.tenant, type: "approval.decided", data });
  return undefined;
}

/** Why this person may not decide. */
function refusalOf(
  rules: TenantSettings["approvals"],
  { isAdmin }: Verdict,
  { issuer, actor }: { issuer: string | undefined; actor: string },
): Fault | undefined {
  if (rules.role === "admin" && !isAdmin)
    return new Fault("forbidden", "approvals.role", "In this tenant an administrator decides on calls.");
  if (!rules.four_eyes || (issuer !== undefined && issuer !== actor)) return undefined;
  const message =
    issuer === undefined
      ? "Nobody knows who issued the capability token of this call, so nobody else can be told from them."
      : "Whoever issued the capability token of a call may not decide on it.";
  return new Fault("forbidden", "approvals.four_eyes", message);
}

/** Why there is nothing to decide for this person any more. */
function lateness(approval: Approval, actor: string, nowMs: number): Fault | undefined {
  const status = statusAt(approval, nowMs);
  if (status !== "pending") return standing(approval, nowMs);
  if (!approval.decisions.some(({ by }) => by === actor)) return undefined;
  return new Fault(
    "conflict",
    "approvals.same_person",
    `You have approved this call already: ${approval.approvalsRequired} different people must.`,
  );
}

function tell(unit: Unit, approval: Approval, verdict: Verdict, refusal: Fault | undefined): void {
  const { tenant, id, digest, tool, upstream, agent, tokenId, rootTokenId } = approval;
  const { decision, claim, reason } = verdict;
  const details = { pending_id: id, digest, tool, upstream, decision, claim, status: approval.status };
  unit.record({
    ...{ tenant, name: "decide_approval", agentId: agent, tokenId, rootTokenId, reason },
    details: {
      ...details,
      approvals_given: approvalsGiven(approval),
      approvals_required: approval.approvalsRequired,
      ...(refusal === undefined ? {} : { refusal: refusal.code }),
    },
    ...(refusal === undefined ? {} : { decision: "block", check: "approval" }),
  });
}
