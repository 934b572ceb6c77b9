// A sidecar parks a call. The same call, by its digest, is parked once: whoever repeats it hears what became of it, until that is over. A
// rejection stands for as long as a call waits for people, so that an agent cannot ask again until somebody gives in.
import { canonicalize } from "@postern/audit";
import { type ApprovalRequest, type ApprovalTicket, PARKED_ARGUMENTS_BYTES_MAX } from "@postern/contracts";
import { callDigest } from "@postern/decision";
import { Fault } from "@postern/fault";
import { type TenantSettings, tenantSettings } from "../tenants/settings.ts";
import type { Unit } from "../unit.ts";
import { expire } from "./expire.ts";
import { type Approval, noticeOf, type Room, statusAt, ticketOf } from "./model.ts";
import { countPendingByAgent, findLatest, insertApproval, lockRegister } from "./store.ts";

interface Parker {
  readonly tenant: string;
  readonly id: string;
}

export async function park(
  unit: Unit,
  sidecar: Parker,
  request: ApprovalRequest,
  room: Room,
): Promise<ApprovalTicket> {
  const { executor, nowMs } = unit;
  const { tenant } = sidecar;
  const argumentsText = canonicalize(request.arguments);
  const argumentsBytes = Buffer.byteLength(argumentsText);
  assertReadable(argumentsBytes);
  assertDigest(tenant, request);
  const version = await lockRegister(executor, tenant);
  const rules = (await tenantSettings(executor, tenant)).approvals;
  const known = await findLatest(executor, tenant, request.digest);
  if (known !== undefined) {
    if (stands(known, rules, nowMs)) return ticketOf(known, nowMs);
    const isWritten = known.status === statusAt(known, nowMs);
    if (!isWritten) await expire(unit, { tenant, version }, [known]);
  }
  await assertRoom(unit, tenant, request.agent_id, room);
  const approval = { ...approvalOf(unit, sidecar, request, rules), argumentsBytes };
  await insertApproval(executor, approval, argumentsText);
  unit.notify({ tenant, type: "approval.pending", data: noticeOf(approval) });
  return ticketOf(approval, nowMs);
}

type Rules = TenantSettings["approvals"];

/** Whether who parks the call again is told of this one. */
function stands(known: Approval, rules: Rules, nowMs: number): boolean {
  const status = statusAt(known, nowMs);
  const sinceMs = nowMs - known.changedAt.getTime();
  return (
    status === "pending" ||
    status === "approved" ||
    (status === "rejected" && sinceMs < rules.pending_seconds * 1_000)
  );
}

function approvalOf(unit: Unit, sidecar: Parker, request: ApprovalRequest, rules: Rules) {
  const createdAt = new Date(unit.nowMs);
  return {
    ...{ tenant: sidecar.tenant, id: unit.newId(), digest: request.digest, agent: request.agent_id },
    ...{ tokenId: request.token_id, rootTokenId: request.root_token_id },
    ...{ method: request.method, tool: request.tool, upstream: request.upstream },
    ...{ intentSummary: request.intent_summary, reason: request.reason },
    ...{ escalatingRule: request.escalating_rule, requiresStepUp: request.requires_step_up },
    ...{ policyRevision: request.policy_revision, policySha256: request.policy_sha256 },
    ...{ sidecarId: sidecar.id, sessionId: request.session_id, requestId: request.request_id },
    ...{ remoteAddress: request.remote_address, createdAt, changedAt: createdAt },
    expiresAt: new Date(unit.nowMs + rules.pending_seconds * 1_000),
    ...{ status: "pending" as const, approvalsRequired: rules.approvers_required, decisions: [] },
    ...{ decidedBy: "", decidedAt: null, decisionReason: "", usedAt: null, usedEventId: "", version: 0 },
  };
}

function assertReadable(bytes: number): void {
  if (bytes <= PARKED_ARGUMENTS_BYTES_MAX) return;
  throw new Fault(
    "too_large",
    "approvals.too_large",
    `body.arguments: are more than the ${PARKED_ARGUMENTS_BYTES_MAX} bytes that a person is asked to read`,
  );
}

/** What people decide on is what they are shown, whatever the sidecar says about it. */
function assertDigest(tenant: string, request: ApprovalRequest): void {
  const { agent_id: agent, method, tool, upstream, arguments: args, policy_sha256: policySha256 } = request;
  if (callDigest({ tenant, agent, method, tool, upstream, args, policySha256 }) === request.digest) return;
  throw new Fault("invalid", "approvals.digest", "body.digest: is not the digest of this call");
}

async function assertRoom({ executor, nowMs }: Unit, tenant: string, agent: string, room: Room) {
  const pending = await countPendingByAgent(executor, tenant, new Date(nowMs));
  const total = [...pending.values()].reduce((sum, each) => sum + each, 0);
  if (total < room.perTenantMax && (pending.get(agent) ?? 0) < room.perAgentMax) return;
  throw new Fault("limited", "approvals.too_many", "Too many calls wait for a person's approval already.");
}
