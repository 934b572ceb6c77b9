// What the control plane answers to an administrator (document 001 and our own endpoints), as far as this client reads it.
import {
  AuditEvent,
  Caveat,
  IssuerTrust,
  KeyStatus,
  PinMode,
  PublishedKey,
  ToolStatus,
} from "@postern/contracts";
import { z } from "zod";

const text = z.string();
const count = z.int().min(0);

export const Minted = z.object({
  token: text,
  jti: text,
  /** Absent = the token does not expire. */
  expires_at: text.optional(),
  /** One-time secret for offline attenuation, when it was asked for. */
  attenuation_key: text.optional(),
});

export const Revocation = z.object({ jti: text, tenant: text, revoked_at: text, reason: text });
export const RevocationPage = z.object({ items: z.array(Revocation), next_cursor: text.optional() });

export const Draft = z.object({
  id: text,
  name: text,
  description: text,
  tenant: text,
  created_by: text,
  created_at: text,
  rego_sha256: text,
  /** Whether it was ever promoted, and so cannot change any more. */
  promoted: z.boolean().optional(),
  /** Absent in lists. */
  rego_source: text.optional(),
});

export const ActivePolicy = z.object({
  draft_id: text,
  name: text,
  promoted_by: text,
  promoted_at: text,
  rego_sha256: text,
  tenant: text,
  revision: count.optional(),
  /** SHA-256 of the signed bundle. */
  digest: text.optional(),
});

export const AuditPage = z.object({ items: z.array(AuditEvent), next_cursor: text.optional() });

export const AuditVerification = z.object({
  tenant: text,
  verified: z.boolean(),
  events_checked: count,
  chain_head_id: text.optional(),
  chain_head_at: text.optional(),
  duration_ms: z.number(),
  /** Absent or "" when nothing is broken. */
  first_broken_event_id: text.optional(),
});

export const Tenant = z.object({
  name: text,
  /** "" when there is no active policy. */
  active_policy_sha: text.optional(),
  pending_approvals: count.optional(),
  recent_event_count: count.optional(),
});

export const AddedSidecar = z.object({ sidecar_id: text, tenant: text, credential: text, trust_root: text });

export const SidecarPage = z.object({
  items: z.array(
    z.object({
      sidecar_id: text,
      tenant: text,
      name: text.optional(),
      epoch: count.optional(),
      registered_at: text.optional(),
      version: text.optional(),
    }),
  ),
  next_cursor: text.optional(),
});

export const Tool = z.object({
  id: text,
  tenant: text,
  upstream: text,
  name: text,
  status: ToolStatus,
  /** Why it is held back; absent when it is not. */
  held_by: text.optional(),
  /** Definitions that may be used, the latest last. */
  approved_digests: z.array(text),
  /** The definition that waits for approval. */
  waiting_digest: text.optional(),
  /** What to look at before approving. */
  flags: z.array(text),
  last_seen_at: text.optional(),
  decided_by: text.optional(),
});
export const ToolPage = z.object({ items: z.array(Tool), next_cursor: text.optional() });

export const ToolDetail = Tool.extend({
  approved: z.record(text, z.json()).optional(),
  waiting: z.record(text, z.json()).optional(),
  /** From what is approved to what waits: JSON Pointers, and what stands there on either side. */
  differences: z
    .array(z.object({ pointer: text, before: z.json().optional(), after: z.json().optional() }))
    .optional(),
  /** False when there are more than are told. */
  differences_whole: z.boolean().optional(),
});

export const ToolMode = z.object({ tenant: text, mode: PinMode });

export const ManagedKey = z.object({
  ...PublishedKey.shape,
  status: z.enum(["prepared", ...KeyStatus.options]),
  tenant: text.optional(),
  /** For keys of the log: what verifies its checkpoints (C2SP signed-note). */
  vkey: text.optional(),
});

export const Issuer = z.object({
  ...IssuerTrust.shape,
  id: text,
  tenant: text,
  issuer: text,
  created_at: text.optional(),
  updated_at: text.optional(),
});

export const IssuerExplanation = z.object({
  accepted: z.boolean(),
  /** Why nothing would be given. */
  problem: text.optional(),
  rule: text.optional(),
  claims: z.record(text, z.unknown()).optional(),
  capability: z
    .object({ agent: text, jti: text.optional(), caveats: z.array(Caveat), ttl_seconds: count })
    .optional(),
});

export type Issuer = z.infer<typeof Issuer>;
export type IssuerExplanation = z.infer<typeof IssuerExplanation>;
export type Tool = z.infer<typeof Tool>;
export type ToolDetail = z.infer<typeof ToolDetail>;
export type ManagedKey = z.infer<typeof ManagedKey>;
export type Minted = z.infer<typeof Minted>;
export type Revocation = z.infer<typeof Revocation>;
export type Draft = z.infer<typeof Draft>;
export type ActivePolicy = z.infer<typeof ActivePolicy>;
export type AuditVerification = z.infer<typeof AuditVerification>;
export type Tenant = z.infer<typeof Tenant>;
export type AddedSidecar = z.infer<typeof AddedSidecar>;
