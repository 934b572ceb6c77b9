// What a sidecar asks of its control plane. Documents arrive sealed and are handed on sealed: to trust them is the caller's work.
import {
  type ApprovalClaim,
  type ApprovalRequest,
  ApprovalTicket,
  AuditBatchReply,
  ExchangeReply,
  type ExchangeRequest,
  LeaseReply,
  type LeaseRequest,
  type LeaseReturn,
  LoginReply,
  MemoryKeyReply,
  type MemoryKeyRequest,
  RegisterReply,
  type RegisterRequest,
  type RolloutReport,
  RolloutReportReply,
  Sha256Hex,
  type ToolReport,
  ToolReportReply,
} from "@postern/contracts";
import { z } from "zod";
import { readEvents } from "./event-stream.ts";
import { type ConnectionOptions, createExchange } from "./exchange.ts";
import { malformed, refusal } from "./failure.ts";

export interface SidecarClientOptions extends ConnectionOptions {
  /** The sidecar's own bearer credential. */
  readonly credential: string;
  /** The sync stream counts as broken when nothing, not even a heartbeat, came for so long. Default 10 s. */
  readonly silenceMs?: number;
}

export interface SidecarClient {
  /** A new boot asks for a new epoch. */
  register(request: z.infer<typeof RegisterRequest>): Promise<RegisterReply>;
  /**
   * Sealed states in order, going on after `lastEventId`. Ends when the server ends the stream;
   * raises a Fault when it breaks or falls silent ("client.timeout"), or when `signal` fires ("client.cancelled").
   */
  states(options: {
    lastEventId?: string;
    signal: AbortSignal;
  }): AsyncGenerator<{ id: string; sealed: string }, void>;
  /** A policy bundle by its digest; whether the bytes have it is for the opener to check. */
  bundle(digest: string): Promise<Uint8Array>;
  /** `batchJson`: an AuditBatch as JSON text, so that records travel as they were written. */
  sendAudit(batchJson: string): Promise<AuditBatchReply>;
  /** What of the tools seen is not in the inventory. */
  reportTools(report: ToolReport): Promise<ToolReportReply>;
  /** What was counted of a rollout since this boot. */
  reportRollout(id: string, report: RolloutReport): Promise<RolloutReportReply>;
  lease(request: z.infer<typeof LeaseRequest>): Promise<LeaseReply>;
  returnLease(request: z.infer<typeof LeaseReturn>): Promise<void>;
  /** What the tenant's issuers of access tokens are, sealed. */
  login(signal?: AbortSignal): Promise<z.infer<typeof LoginReply>>;
  /** A capability for an access token. A token that is worth nothing raises Fault forbidden "capability.exchange" or "capability.halted". */
  exchangeToken(request: ExchangeRequest): Promise<ExchangeReply>;
  /** The key of a token's memory. Raises Fault not_found "capabilities.unknown". */
  memoryKey(request: MemoryKeyRequest): Promise<MemoryKeyReply>;
  /** Parks a call, or says where the same call stands already. Raises Fault limited "approvals.too_many". */
  parkCall(request: ApprovalRequest): Promise<ApprovalTicket>;
  /** Where a parked call stands. Raises Fault not_found "approvals.unknown". */
  approval(id: string, signal?: AbortSignal): Promise<ApprovalTicket>;
  /** Takes the permission, once; when there is none to take, the ticket says why. Raises Fault not_found "approvals.unknown". */
  claimApproval(id: string, claim: ApprovalClaim): Promise<{ isTaken: boolean; ticket: ApprovalTicket }>;
}

/** Largest sealed state: ten thousand revocations fit several times. */
const STATE_CHARS_MAX = 8 * 1_048_576;

export function createSidecarClient(options: SidecarClientOptions): SidecarClient {
  const exchange = createExchange(options, options.credential);
  const streaming = createExchange(
    { ...options, timeoutMs: options.silenceMs ?? 10_000 },
    options.credential,
  );
  const fleet = "/v1/sidecar";
  return {
    register: (body) => exchange.json("POST", `${fleet}/register`, RegisterReply, { body }),
    async *states({ lastEventId, signal }) {
      const headers = {
        accept: "text/event-stream",
        ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
      };
      const chunks = streaming.stream("GET", `${fleet}/sync`, { headers, signal });
      for await (const { event, id, data } of readEvents(chunks, STATE_CHARS_MAX))
        if (event === "state") yield { id, sealed: data };
    },
    bundle: async (digest) => exchange.bytes("GET", `${fleet}/bundles/${Sha256Hex.parse(digest)}`),
    sendAudit: (bodyJson) => exchange.json("POST", `${fleet}/audit`, AuditBatchReply, { bodyJson }),
    reportTools: (body) => exchange.json("POST", `${fleet}/tools`, ToolReportReply, { body }),
    reportRollout: (id, body) =>
      exchange.json("POST", `${fleet}/rollouts/${encodeURIComponent(id)}/report`, RolloutReportReply, {
        body,
      }),
    lease: (body) => exchange.json("POST", `${fleet}/leases`, LeaseReply, { body }),
    async returnLease(body) {
      await exchange.bytes("POST", `${fleet}/leases/return`, { body });
    },
    login: (signal) => exchange.json("GET", `${fleet}/login`, LoginReply, { signal }),
    exchangeToken: (body) => exchange.json("POST", `${fleet}/exchange`, ExchangeReply, { body }),
    memoryKey: (body) => exchange.json("POST", `${fleet}/memory-keys`, MemoryKeyReply, { body }),
    parkCall: (body) => exchange.json("POST", `${fleet}/approvals`, ApprovalTicket, { body }),
    approval: (id, signal) => exchange.json("GET", approvalPath(id), ApprovalTicket, { signal }),
    async claimApproval(id, body) {
      const { status, bytes } = await exchange.answer("POST", `${approvalPath(id)}/claim`, { body });
      if (status !== 200 && status !== 409) throw refusal(status, bytes);
      return { isTaken: status === 200, ticket: standingIn(bytes) };
    },
  };
}

const approvalPath = (id: string) => `/v1/sidecar/approvals/${encodeURIComponent(id)}`;

/** The ticket of an answer to a claim; a refusal says more beside it. */
const Standing = z.object(ApprovalTicket.shape);

function standingIn(bytes: Uint8Array): ApprovalTicket {
  try {
    return Standing.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch (caught) {
    throw malformed(String(caught));
  }
}
