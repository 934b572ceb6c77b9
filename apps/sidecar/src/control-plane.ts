// What the sidecar asks of its control plane. `createSidecarClient` of @postern/client is the adapter; tests give a memory one.
import type {
  AuditBatch,
  AuditBatchReply,
  LeaseReply,
  LeaseRequest,
  LeaseReturn,
  RegisterReply,
  RegisterRequest,
} from "@postern/contracts";
import type { z } from "zod";

export interface ControlPlane {
  /** A new boot asks for a new epoch. */
  register(request: z.infer<typeof RegisterRequest>): Promise<RegisterReply>;
  /** Sealed states in order, from where `lastEventId` ends; the iteration throws or ends when the stream breaks. */
  states(options: {
    lastEventId?: string;
    signal: AbortSignal;
  }): AsyncIterable<{ readonly id: string; readonly sealed: string }>;
  bundle(digest: string): Promise<Uint8Array>;
  sendAudit(batch: AuditBatch): Promise<AuditBatchReply>;
  lease(request: z.infer<typeof LeaseRequest>): Promise<LeaseReply>;
  returnLease(request: z.infer<typeof LeaseReturn>): Promise<void>;
}
