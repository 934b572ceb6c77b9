// The audit event (document 001, schema "v4", then our own fields) and the records that travel from sidecar to chain.
import { z } from "zod";
import { Identifier, Sha256Hex, TenantId, Timestamp } from "./ids.ts";

export const SCHEMA_VERSION = "v4";
/** Largest canonical event; one entry must fit in a tlog-tiles bundle (65,535 bytes). */
export const EVENT_BYTES_MAX = 32_768;
/** Objects and arrays within one another in `arg_values`, itself counted. What stands deeper becomes "…". */
export const ARG_VALUES_DEPTH_MAX = 32;
/** The deepest body that a record can have: whatever has a canonical form can travel. */
export const RECORD_DEPTH_MAX = 256;

const text = z.string().max(2048);
/**
 * What obligations did to a call, each as `<direction>:<type>:<class>:<action>=<count>`, such as "response:pii_filter:email:redact=2": names of
 * classes, never what was found.
 */
const obligations = z.array(z.string().max(128)).min(1).max(64).optional();

/**
 * One judged call, or one administrative act. Every field is present in every event: "" or 0 where there is nothing to say,
 * so that a reader never has to tell "absent" from "empty" and every field is under the hash.
 */
export const AuditEvent = z.strictObject({
  ts: Timestamp,
  event: z.string().max(128),
  schema_version: z.literal(SCHEMA_VERSION),
  decision: z.enum(["allow", "block", "escalate"]),
  /** Which check refused; "" when allowed. */
  check: z.string().max(64),
  reason: text,
  tenant: TenantId,
  agent_id: z.string().max(200),
  session_id: z.string().max(256),
  tool: z.string().max(256),
  arg_keys: z.array(z.string().max(256)).max(1024),
  /** Argument values as far as the storage mode allows; {} by default. */
  arg_values: z.record(z.string(), z.json()).refine(isShallow, "is nested too deeply"),
  capability_token_id: z.string().max(128),
  root_capability_token_id: z.string().max(128),
  caveat_count: z.int().min(0),
  pending_id: z.string().max(128),
  decided_by: z.string().max(200),
  intent_summary: text,
  latency_ms: z.int().min(0),
  remote_ip: z.string().max(64),
  upstream_status: z.int().min(0),
  requires_step_up: z.boolean(),
  elevation_id: z.string().max(128),
  // Ours.
  event_id: Identifier,
  /** "executed": the upstream answered. "failed": it did not, and whether it ran is told by `reason`. "unknown": the sidecar died in between. "none": nothing was forwarded. */
  outcome: z.enum(["executed", "failed", "unknown", "none"]),
  reasons: z.array(z.string().max(64)).max(16),
  method: z.string().max(128),
  upstream: z.string().max(128),
  request_id: z.string().max(128),
  /** SHA-256 over salt and canonical arguments, hexadecimal; the salt is kept apart, so that forgetting it erases the payload. */
  args_digest: z.string().max(64),
  policy_revision: z.int().min(0),
  policy_sha256: z.string().max(64),
  policy_rule: z.string().max(256),
  cost_micros: z.int().min(0),
  sidecar_id: z.string().max(128),
  sidecar_epoch: z.int().min(0),
  /** Sequence of the sidecar's record that opened this event. 0 in that record itself, which cannot know it, and in the control plane's own events. */
  sidecar_sequence: z.int().min(0),
  /** Credential that acted, for administrative events; "" otherwise. */
  actor: z.string().max(200),
  degraded: z.boolean(),
  /** The one field that is absent where there is nothing to say: the first version's events did not have it. */
  obligations,
});
export type AuditEvent = z.infer<typeof AuditEvent>;

function isShallow(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    level = level.filter((item) => typeof item === "object" && item !== null);
    if (level.length > 0 && depth === ARG_VALUES_DEPTH_MAX) return false;
    level = level.flatMap((item) => Object.values(Object(item)));
  }
  return true;
}

/** What a call's outcome adds to its intent. */
export const CallOutcome = z.strictObject({
  outcome: z.enum(["executed", "failed", "unknown"]),
  reason: text,
  latency_ms: z.int().min(0),
  upstream_status: z.int().min(0),
  cost_micros: z.int().min(0),
  obligations,
});
export type CallOutcome = z.infer<typeof CallOutcome>;

/**
 * A record of the spool, in the order in which things happened.
 * "event": complete by itself (denials). "intent": an allowed call, written before it is forwarded. "outcome": closes the intent with the same `event_id`.
 * "lost_end": damage hid how an earlier epoch ended; its records from sequence `from` on, if there were any, are lost.
 */
export const SpoolBody = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("event"), event: AuditEvent, args_salt: z.string().max(64) }),
  z.strictObject({ kind: z.literal("intent"), event: AuditEvent, args_salt: z.string().max(64) }),
  z.strictObject({ kind: z.literal("outcome"), event_id: Identifier, ...CallOutcome.shape }),
  z.strictObject({ kind: z.literal("lost_end"), epoch: z.int().min(1), from: z.int().min(1) }),
]);
export type SpoolBody = z.infer<typeof SpoolBody>;

/**
 * A record as it travels. `hash` = SHA-256(sequence as uint64 big-endian ‖ previous hash, 32 bytes ‖ JCS(body)); the first record of an
 * epoch follows 32 zero bytes. Identity is (sidecar, epoch, sequence); sequences start at 1 in each epoch and have no holes.
 */
export const SpoolRecord = z.strictObject({
  sequence: z.int().min(1),
  hash: Sha256Hex,
  body: SpoolBody,
});
export type SpoolRecord = z.infer<typeof SpoolRecord>;

/**
 * POST /v1/sidecar/audit. Records are of one epoch, in order, without holes. A body is a SpoolBody, and is taken as it is: whatever has the
 * right hash must be answered for by the chain, so that no content can stop what comes after it.
 */
export const AuditBatch = z.strictObject({
  epoch: z.int().min(1),
  /** Hash of the record before the first one: 64 zeros at the start of an epoch. */
  previous_hash: Sha256Hex,
  records: z
    .array(z.strictObject({ ...SpoolRecord.shape, body: z.unknown() }))
    .min(1)
    .max(1000),
  /** Sequences before the first record that the spool holds no longer. Said after a gap was answered; the chain then tells of the loss. */
  missing: z.strictObject({ from: z.int().min(1), to: z.int().min(1) }).optional(),
});
export type AuditBatch = z.infer<typeof AuditBatch>;

/** Sealed with purpose "acknowledgement": the chain covers every record of this epoch up to and including `sequence`. */
export const Acknowledgement = z.strictObject({
  sidecar_id: Identifier,
  epoch: z.int().min(1),
  /** Highest sequence stored; resend from the next one. */
  received: z.int().min(0),
  /** Highest sequence such that it and all before it are in the chain (an intent counts once its outcome is). Frees spool segments. */
  covered: z.int().min(0),
  /** Hash of the record `received`, so that a fork shows. */
  received_hash: Sha256Hex,
});
export type Acknowledgement = z.infer<typeof Acknowledgement>;

/**
 * Answer to an accepted batch: sealed acknowledgements, one for the batch's epoch and one for each earlier epoch of this sidecar that is
 * not yet wholly covered or has just become so.
 */
export const AuditBatchReply = z.strictObject({ acknowledgements: z.array(z.string()).max(64) });
export type AuditBatchReply = z.infer<typeof AuditBatchReply>;

/** One stored chain entry, as exported. `hash` = SHA-256(0x00 ‖ JCS(event) ‖ prev_hash bytes), which is also its RFC 6962 leaf hash. */
export const ChainEntry = z.strictObject({
  index: z.int().min(0),
  prev_hash: Sha256Hex,
  hash: Sha256Hex,
  event: AuditEvent,
});
export type ChainEntry = z.infer<typeof ChainEntry>;
