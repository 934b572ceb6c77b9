// What the control plane answers to an administrator (document 001 and our own endpoints), as far as this client reads it.
import {
  ApprovalStatus,
  AuditEvent,
  Caveat,
  HaltScope,
  IssuerTrust,
  KeyStatus,
  PinMode,
  PublishedKey,
  RegisteredUpstream,
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
  /** With which the holder signs what it remembers, when it was asked for. */
  memory_signing_key: text.optional(),
});

export const Revocation = z.object({ jti: text, tenant: text, revoked_at: text, reason: text });
export const RevocationPage = z.object({ items: z.array(Revocation), next_cursor: text.optional() });

export const Halt = z.object({
  id: text,
  scope: HaltScope,
  value: text,
  /** Absent for the one that stops everybody. */
  tenant: text.optional(),
  reason: text,
  state: z.enum(["on", "released", "expired"]),
  engaged_at: text,
  engaged_by: text,
  /** Absent = until it is released. */
  expires_at: text.optional(),
  released_at: text.optional(),
  released_by: text.optional(),
  release_reason: text.optional(),
});
export const HaltPage = z.object({ items: z.array(Halt), next_cursor: text.optional() });

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

export const Approval = z.object({
  id: text,
  tenant: text,
  agent_id: text,
  capability_token_id: text,
  tool: text,
  /** As they were parked; {} when they were erased. */
  arguments: z.record(text, z.json()),
  escalating_rule: text,
  created_at: text,
  /** What a decision is about: this exact call. */
  digest: text.optional(),
  upstream: text.optional(),
  /** Why the policy asks for a person. */
  reason: text.optional(),
  intent_summary: text.optional(),
  /** Until when it can be decided, or be used. */
  expires_at: text.optional(),
  status: ApprovalStatus.optional(),
  approvals_given: count.optional(),
  approvals_required: count.optional(),
  decided_by: text.optional(),
  decision_reason: text.optional(),
});
export const ApprovalPage = z.object({ items: z.array(Approval), next_cursor: text.optional() });

/** A registered tool server. Its secret is named, never told. */
export const Upstream = z.object({
  ...RegisteredUpstream.shape,
  tenant: text,
  /** Whether sidecars are told of it. */
  enabled: z.boolean(),
  created_at: text.optional(),
  created_by: text.optional(),
  updated_at: text.optional(),
  updated_by: text.optional(),
});
export const UpstreamPage = z.object({ items: z.array(Upstream), next_cursor: text.optional() });

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

export const Operator = z.object({
  id: text,
  tenant: text,
  name: text,
  roles: z.array(text),
  /** "provider" = each login brings the roles that the identity provider's claims give. */
  roles_from: text.optional(),
  identity: z.object({ issuer: text, subject: text }).optional(),
  created_at: text.optional(),
  created_by: text.optional(),
});
export const OperatorPage = z.object({ items: z.array(Operator), next_cursor: text.optional() });

export const OperatorToken = z.object({
  id: text,
  /** "token", or "session" when a login at the identity provider began it. */
  kind: text,
  label: text,
  created_at: text.optional(),
  created_by: text.optional(),
  /** Absent = until it is revoked. */
  expires_at: text.optional(),
});
export const IssuedOperatorToken = OperatorToken.extend({
  /** Shown once. */
  token: text,
});

export const Me = z.object({
  /** As acts are told under. */
  name: text,
  kind: text,
  /** Absent for the superadmin. */
  tenant: text.optional(),
  roles: z.array(text),
  permissions: z.array(text),
  expires_at: text.optional(),
});

export type Operator = z.infer<typeof Operator>;
export type OperatorToken = z.infer<typeof OperatorToken>;
export type IssuedOperatorToken = z.infer<typeof IssuedOperatorToken>;
export type Me = z.infer<typeof Me>;
export type Issuer = z.infer<typeof Issuer>;
export type IssuerExplanation = z.infer<typeof IssuerExplanation>;
export type Tool = z.infer<typeof Tool>;
export type ToolDetail = z.infer<typeof ToolDetail>;
export type Upstream = z.infer<typeof Upstream>;
export type ManagedKey = z.infer<typeof ManagedKey>;
export type Minted = z.infer<typeof Minted>;
export type Revocation = z.infer<typeof Revocation>;
export type Halt = z.infer<typeof Halt>;
export type Draft = z.infer<typeof Draft>;
export type ActivePolicy = z.infer<typeof ActivePolicy>;
export type AuditVerification = z.infer<typeof AuditVerification>;
export type Tenant = z.infer<typeof Tenant>;
export type AddedSidecar = z.infer<typeof AddedSidecar>;
