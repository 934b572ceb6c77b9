// A parked call: one exact call, known by its digest, that runs once if people agree to it in time.
import type { ApprovalStatus, ApprovalTicket, JsonObject } from "@postern/contracts";

/** What one person said. */
export interface Decision {
  /** By credential. */
  readonly by: string;
  readonly at: string;
  readonly decision: "approve" | "reject";
  readonly reason: string;
  /** Who the caller said decides. */
  readonly claim: string;
}

export interface Approval {
  readonly tenant: string;
  readonly id: string;
  readonly digest: string;
  readonly agent: string;
  readonly tokenId: string;
  readonly rootTokenId: string;
  readonly method: string;
  readonly tool: string;
  readonly upstream: string;
  readonly argumentsBytes: number;
  readonly intentSummary: string;
  /** The policy's sentence, and its rule. */
  readonly reason: string;
  readonly escalatingRule: string;
  readonly requiresStepUp: boolean;
  readonly policyRevision: number;
  readonly policySha256: string;
  readonly sidecarId: string;
  readonly sessionId: string;
  readonly requestId: string;
  readonly remoteAddress: string;
  readonly createdAt: Date;
  /** Pending: until when it can be decided. Approved: until when it can be used. */
  readonly expiresAt: Date;
  /** As it is stored: `statusAt` knows what time has made of it. */
  readonly status: ApprovalStatus;
  /** Different people who must say yes, as the tenant asked for when the call was parked. */
  readonly approvalsRequired: number;
  readonly decisions: readonly Decision[];
  /** Whose decision settled it; "" while nobody's has. */
  readonly decidedBy: string;
  readonly decidedAt: Date | null;
  readonly decisionReason: string;
  readonly usedAt: Date | null;
  /** The event of the call that used it. */
  readonly usedEventId: string;
  /** Position of its latest change in the tenant's list; 0 while it waits. */
  readonly version: number;
  readonly changedAt: Date;
}

/** What a person needs to decide. */
export interface ApprovalInDetail extends Approval {
  /** undefined once they were erased. */
  readonly arguments: JsonObject | undefined;
}

export interface ApprovalKey {
  readonly tenant: string;
  readonly id: string;
}

/** How many calls may wait at once, so that no agent buries people in questions. */
export interface Room {
  readonly perTenantMax: number;
  readonly perAgentMax: number;
}

export const ROOM: Room = { perTenantMax: 1_000, perAgentMax: 50 };

/** What an agent put into a call is forgotten so long after the call was settled. */
export const ARGUMENTS_KEPT_MS = 30 * 86_400_000;

/** Where it stands at this instant: what is past its time has expired, whether or not anybody wrote that down. */
export function statusAt({ status, expiresAt }: Approval, nowMs: number): ApprovalStatus {
  const isOpen = status === "pending" || status === "approved";
  return isOpen && expiresAt.getTime() <= nowMs ? "expired" : status;
}

export function approvalsGiven({ decisions }: Approval): number {
  return decisions.filter(({ decision }) => decision === "approve").length;
}

export function ticketOf(approval: Approval, nowMs: number): ApprovalTicket {
  const { id, digest, createdAt, expiresAt, decidedBy, decidedAt, decisionReason } = approval;
  return {
    pending_id: id,
    status: statusAt(approval, nowMs),
    digest,
    created_at: createdAt.toISOString(),
    expires_at: expiresAt.toISOString(),
    decided_by: decidedBy,
    ...(decidedAt === null ? {} : { decided_at: decidedAt.toISOString() }),
    reason: decisionReason,
  };
}

/** What people and programs outside are told of it: never what the call is given. */
export function noticeOf(approval: Approval): JsonObject {
  const { id, agent, tool, upstream, escalatingRule, createdAt, expiresAt } = approval;
  return {
    ...{ pending_id: id, agent_id: agent, tool, upstream, escalating_rule: escalatingRule },
    created_at: createdAt.toISOString(),
    expires_at: expiresAt.toISOString(),
  };
}
