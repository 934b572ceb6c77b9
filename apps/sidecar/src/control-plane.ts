// What the sidecar asks of its control plane. `createSidecarClient` of @postern/client is the adapter; tests give a memory one.
import type {
  AuditBatchReply,
  ExchangeReply,
  ExchangeRequest,
  LeaseReply,
  LeaseRequest,
  LeaseReturn,
  LoginReply,
  MemoryKeyReply,
  MemoryKeyRequest,
  RegisterReply,
  RegisterRequest,
  RolloutReport,
  RolloutReportReply,
  ToolReport,
  ToolReportReply,
} from "@postern/contracts";
import type { z } from "zod";
import type { ApprovalQueue } from "./approvals/approval-queue.ts";

export interface ControlPlane extends ApprovalQueue {
  /** A new boot asks for a new epoch. */
  register(request: z.infer<typeof RegisterRequest>): Promise<RegisterReply>;
  /** Sealed states in order, from where `lastEventId` ends; the iteration throws or ends when the stream breaks. */
  states(options: {
    lastEventId?: string;
    signal: AbortSignal;
  }): AsyncIterable<{ readonly id: string; readonly sealed: string }>;
  bundle(digest: string): Promise<Uint8Array>;
  /** An AuditBatch as JSON text. */
  sendAudit(batchJson: string): Promise<AuditBatchReply>;
  /** What of the tools seen is not in the inventory. */
  reportTools(report: ToolReport): Promise<ToolReportReply>;
  /** What was counted of a rollout since this boot. */
  reportRollout(id: string, report: RolloutReport): Promise<RolloutReportReply>;
  lease(request: z.infer<typeof LeaseRequest>): Promise<LeaseReply>;
  returnLease(request: z.infer<typeof LeaseReturn>): Promise<void>;
  /** Which issuers of access tokens the tenant trusts, sealed. */
  login(signal: AbortSignal): Promise<z.infer<typeof LoginReply>>;
  /** A capability for an access token; Fault forbidden "capability.exchange" when there is none. */
  exchangeToken(request: ExchangeRequest): Promise<ExchangeReply>;
  /** The key of a token's memory; Fault not_found "capabilities.unknown" when there is no such token. */
  memoryKey(request: MemoryKeyRequest): Promise<MemoryKeyReply>;
}
