// What a sidecar asks of its control plane. Documents arrive sealed and are handed on sealed: to trust them is the caller's work.
import {
  AuditBatchReply,
  ExchangeReply,
  type ExchangeRequest,
  LeaseReply,
  type LeaseRequest,
  type LeaseReturn,
  LoginReply,
  RegisterReply,
  type RegisterRequest,
  Sha256Hex,
  type ToolReport,
  ToolReportReply,
} from "@postern/contracts";
import type { z } from "zod";
import { readEvents } from "./event-stream.ts";
import { type ConnectionOptions, createExchange } from "./exchange.ts";

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
  lease(request: z.infer<typeof LeaseRequest>): Promise<LeaseReply>;
  returnLease(request: z.infer<typeof LeaseReturn>): Promise<void>;
  /** What the tenant's issuers of access tokens are, sealed. */
  login(signal?: AbortSignal): Promise<z.infer<typeof LoginReply>>;
  /** A capability for an access token. A token that is worth nothing raises Fault forbidden "capability.exchange". */
  exchangeToken(request: ExchangeRequest): Promise<ExchangeReply>;
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
    lease: (body) => exchange.json("POST", `${fleet}/leases`, LeaseReply, { body }),
    async returnLease(body) {
      await exchange.bytes("POST", `${fleet}/leases/return`, { body });
    },
    login: (signal) => exchange.json("GET", `${fleet}/login`, LoginReply, { signal }),
    exchangeToken: (body) => exchange.json("POST", `${fleet}/exchange`, ExchangeReply, { body }),
  };
}
