// A sidecar takes a permission. Whoever is first has it; the event that has it may ask again, for its reply may have been lost.
import type { ApprovalClaim, ApprovalTicket } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { Capabilities } from "../capabilities/service.ts";
import { tenantSettings } from "../tenants/settings.ts";
import type { Unit } from "../unit.ts";
import { type Approval, type ApprovalKey, statusAt, ticketOf } from "./model.ts";
import { standing, unknownApproval } from "./standing.ts";
import { findApproval, lockRegister, updateApproval, updateRegister } from "./store.ts";

export interface Claimed {
  readonly ticket: ApprovalTicket;
  /** Why there was nothing to take; undefined when it was taken. */
  readonly refusal: Fault | undefined;
}

export async function claim(
  unit: Unit,
  key: ApprovalKey,
  request: ApprovalClaim,
  capabilities: Capabilities,
): Promise<Claimed> {
  const { executor, nowMs } = unit;
  const { tenant } = key;
  const version = (await lockRegister(executor, tenant)) + 1;
  const approval = await findApproval(executor, key);
  if (approval === undefined) throw unknownApproval();
  const status = statusAt(approval, nowMs);
  const ticket = ticketOf(approval, nowMs);
  if (request.digest !== approval.digest) return { ticket, refusal: otherCall() };
  if (status === "used" && approval.usedEventId === request.event_id) return { ticket, refusal: undefined };
  if (status !== "approved") return { ticket, refusal: standing(approval, nowMs) };
  if (await isOwnWork(unit, approval, request, capabilities)) return { ticket, refusal: ownWork() };
  const usedAt = new Date(nowMs);
  const used: Approval = {
    ...approval,
    ...{ status: "used", usedAt, usedEventId: request.event_id, version, changedAt: usedAt },
  };
  await updateApproval(executor, used);
  await updateRegister(executor, tenant, version);
  unit.announce(tenant);
  return { ticket: ticketOf(used, nowMs), refusal: undefined };
}

/**
 * Whether, where the tenant asks for four eyes, the token that is used now cannot be shown to be of somebody who did not approve. The digest
 * does not tell tokens of one agent apart, so the call may have been parked under another one than it runs under.
 */
async function isOwnWork(
  { executor }: Unit,
  { tenant, decisions }: Approval,
  { root_token_id: token }: ApprovalClaim,
  capabilities: Capabilities,
): Promise<boolean> {
  if (!(await tenantSettings(executor, tenant)).approvals.four_eyes) return false;
  const issuer = token === undefined ? undefined : await capabilities.issuerOf(executor, tenant, token);
  return issuer === undefined || decisions.some(({ by }) => by === issuer);
}

function otherCall(): Fault {
  return new Fault("conflict", "approvals.digest", "The approval is for another call.");
}

function ownWork(): Fault {
  const message =
    "The capability token in use is not known to be issued by somebody else than those who approved.";
  return new Fault("conflict", "approvals.four_eyes", message);
}
