// A parked call: what a sidecar hands over when a policy asks for a person, what it hears back, and how it takes the permission, once.
// An approval is for one exact call, known by its digest (P8).
import { z } from "zod";
import { AgentId, Identifier, Sha256Hex, Timestamp } from "./ids.ts";

/**
 * pending: waits for people · approved: may be taken once, before `expires_at` · used: was taken · rejected · expired: nobody decided, or
 * nobody took it, in time.
 */
export const ApprovalStatus = z.enum(["pending", "approved", "used", "rejected", "expired"]);
export type ApprovalStatus = z.infer<typeof ApprovalStatus>;

/** Canonical bytes of the arguments that can be parked: a person has to read them. */
export const PARKED_ARGUMENTS_BYTES_MAX = 65_536;

/** POST /v1/sidecar/approvals. Idempotent: a call that is parked already, by its digest, gets the same ticket. */
export const ApprovalRequest = z.strictObject({
  /** `callDigest` of @postern/decision over tenant, agent, method, tool, upstream, arguments and policy; checked on arrival. */
  digest: Sha256Hex,
  agent_id: AgentId,
  token_id: Identifier,
  root_token_id: Identifier,
  method: z.string().min(1).max(128),
  tool: z.string().min(1).max(256),
  upstream: z.string().max(128),
  arguments: z.record(z.string(), z.json()),
  intent_summary: z.string().max(2048),
  /** The policy's own sentence, and the rule that asked; "" where it names none. */
  reason: z.string().max(1024),
  escalating_rule: z.string().max(256),
  requires_step_up: z.boolean(),
  policy_revision: z.int().min(1),
  policy_sha256: Sha256Hex,
  session_id: z.string().max(256),
  request_id: z.string().max(128),
  remote_address: z.string().max(64),
});
export type ApprovalRequest = z.infer<typeof ApprovalRequest>;

/** Where a parked call stands. */
export const ApprovalTicket = z.strictObject({
  pending_id: Identifier,
  status: ApprovalStatus,
  digest: Sha256Hex,
  created_at: Timestamp,
  /** Pending: until when it can be decided. Approved: until when it can be taken. */
  expires_at: Timestamp,
  /** Whose decision settled it, by credential; "" while nobody's has. */
  decided_by: z.string().max(200),
  decided_at: Timestamp.optional(),
  /** What that one said. */
  reason: z.string().max(1024),
});
export type ApprovalTicket = z.infer<typeof ApprovalTicket>;

/**
 * POST /v1/sidecar/approvals/{id}/claim: takes the permission. Whoever is first has it; the same `event_id` may ask again, so that a reply that
 * was lost costs nothing. 409 says where it stands instead.
 */
export const ApprovalClaim = z.strictObject({
  digest: Sha256Hex,
  event_id: Identifier,
  /** Of the token under which the call runs. Needed where the tenant asks for four eyes, since the digest does not tell tokens apart. */
  root_token_id: Identifier.optional(),
});
export type ApprovalClaim = z.infer<typeof ApprovalClaim>;

/** Why a claim took nothing: the ticket as it stands, with a sentence and a code: `approvals.<status>`, `approvals.digest`, `approvals.four_eyes`. */
export const ClaimRefusal = z.strictObject({
  error: z.string(),
  code: z.string(),
  ...ApprovalTicket.shape,
});
export type ClaimRefusal = z.infer<typeof ClaimRefusal>;

/** Decisions in one signed state: the longest ones fit in what a sidecar takes. */
export const DECISIONS_PER_STATE = 200;
