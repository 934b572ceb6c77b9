// How things look on the wire: names and shapes of document 001, ours behind them. A view is a pure function of a model.
import { AuditEvent, KeyUse, PublishedKey } from "@postern/contracts";
import { z } from "zod";
import type { Verification } from "../../domain/audit/model.ts";
import type { Minted, Revocation } from "../../domain/capabilities/model.ts";
import type { KeyState } from "../../domain/keys/model.ts";
import type { ActivePolicy, Draft } from "../../domain/policies/model.ts";
import type { ListedSidecar } from "../../domain/sidecars/model.ts";

const text = z.string();
const count = z.int().min(0);
const instant = z.iso.datetime();

export const MintedView = z.strictObject({
  token: text,
  jti: text,
  expires_at: instant.optional().describe("Absent when the token does not expire."),
  subject: text,
  tenant: text,
  attenuation_key: text
    .optional()
    .describe("One-time secret with which the holder can append a narrower block offline. Shown once."),
  memory_signing_key: text
    .optional()
    .describe("With which the holder signs what it remembers: 32 bytes as base64url."),
});

export function mintedView(minted: Minted): z.input<typeof MintedView> {
  const { token, jti, expiresAt, subject, tenant, attenuationKey, memoryKey } = minted;
  return {
    token,
    jti,
    ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
    subject,
    tenant,
    ...(attenuationKey === undefined ? {} : { attenuation_key: attenuationKey }),
    ...(memoryKey === undefined ? {} : { memory_signing_key: Buffer.from(memoryKey).toString("base64url") }),
  };
}

export const RevocationView = z.strictObject({ jti: text, tenant: text, revoked_at: instant, reason: text });

export function revocationView(revocation: Revocation): z.input<typeof RevocationView> {
  const { jti, tenant, revokedAt, reason } = revocation;
  return { jti, tenant, revoked_at: revokedAt.toISOString(), reason };
}

export const DraftSummaryView = z.strictObject({
  id: text,
  name: text,
  description: text,
  tenant: text,
  created_by: text.describe("Who the caller said wrote it, or the credential when nobody was named."),
  created_at: instant,
  rego_sha256: text,
  updated_at: instant,
  promoted: z.boolean().describe("Whether it was ever promoted, and so cannot change any more."),
});
export const DraftView = DraftSummaryView.extend({ rego_source: text });

export function draftSummaryView(draft: Omit<Draft, "regoSource">): z.input<typeof DraftSummaryView> {
  return {
    id: draft.id,
    name: draft.name,
    description: draft.description,
    tenant: draft.tenant,
    created_by: draft.createdByClaim === "" ? draft.createdBy : draft.createdByClaim,
    created_at: draft.createdAt.toISOString(),
    rego_sha256: draft.regoSha256,
    updated_at: draft.updatedAt.toISOString(),
    promoted: draft.promotedAt !== null,
  };
}

export function draftView(draft: Draft): z.input<typeof DraftView> {
  return { ...draftSummaryView(draft), rego_source: draft.regoSource };
}

export const ActivePolicyView = z.strictObject({
  draft_id: text,
  name: text,
  promoted_by: text.describe("Who the caller said promoted it, or the credential when nobody was named."),
  promoted_at: instant,
  rego_sha256: text,
  tenant: text,
  revision: z.int().min(1),
  digest: text.describe("SHA-256 of the signed bundle."),
  expires_at: instant.describe("When the bundle ends unless it is signed anew, which happens by itself."),
});

export function activePolicyView(active: ActivePolicy): z.input<typeof ActivePolicyView> {
  return {
    draft_id: active.draftId ?? "",
    name: active.name,
    promoted_by: active.activatedByClaim === "" ? active.activatedBy : active.activatedByClaim,
    promoted_at: active.activatedAt.toISOString(),
    rego_sha256: active.regoSha256,
    tenant: active.tenant,
    revision: active.revision,
    digest: active.digest,
    expires_at: active.expiresAt.toISOString(),
  };
}

export const AuditEventView = AuditEvent;

export const VerificationView = z.strictObject({
  tenant: text,
  verified: z.boolean(),
  events_checked: count.describe("Events that are right, from the first one on."),
  chain_head_id: text,
  chain_head_at: instant.optional().describe("Absent when there is no event yet."),
  duration_ms: count,
  first_broken_event_id: text.describe('"" when nothing is broken.'),
});

export function verificationView(found: Verification): z.input<typeof VerificationView> {
  return {
    tenant: found.tenant,
    verified: found.verified,
    events_checked: found.eventsChecked,
    chain_head_id: found.headEventId,
    ...(found.headAt === null ? {} : { chain_head_at: found.headAt.toISOString() }),
    duration_ms: found.durationMs,
    first_broken_event_id: found.firstBrokenEventId,
  };
}

export const TenantView = z.strictObject({
  name: text,
  active_policy_sha: text.describe('"" when there is no active policy.'),
  pending_approvals: count,
  recent_event_count: count.describe("Events of about the last 24 hours."),
});

export const AddedSidecarView = z.strictObject({
  sidecar_id: text,
  tenant: text,
  name: text,
  credential: text.describe("The sidecar's bearer credential. Shown once."),
  trust_root: text.describe("The public key that the sidecar pins."),
});

export const SidecarView = z.strictObject({
  sidecar_id: text,
  tenant: text,
  name: text,
  created_at: instant,
  epoch: count.describe("Number of its latest boot; 0 = it never registered."),
  registered_at: instant.optional(),
  version: text.optional(),
  hostname: text.optional(),
});

export function sidecarView(sidecar: ListedSidecar): z.input<typeof SidecarView> {
  const { id, tenant, name, createdAt, epoch, registeredAt, version, hostname } = sidecar;
  return {
    ...{ sidecar_id: id, tenant, name, created_at: createdAt.toISOString(), epoch },
    ...(registeredAt === null ? {} : { registered_at: registeredAt.toISOString() }),
    ...(version === null ? {} : { version }),
    ...(hostname === null ? {} : { hostname }),
  };
}

export const KeyView = z.strictObject({
  kid: PublishedKey.shape.kid,
  public_key: PublishedKey.shape.public_key,
  use: KeyUse,
  status: z.enum(["prepared", "published", "active", "retired"]),
  not_after: instant.optional(),
  tenant: text,
  created_at: instant,
  vkey: text.optional().describe("For log keys: what verifies the log's checkpoints (C2SP signed-note)."),
});

export function keyView(key: KeyState, vkey: string | undefined): z.input<typeof KeyView> {
  const { kid, publicKey, use, status, notAfter, tenant, createdAt } = key;
  return {
    ...{ kid, public_key: publicKey, use, status, tenant, created_at: createdAt.toISOString() },
    ...(notAfter === null ? {} : { not_after: notAfter.toISOString() }),
    ...(vkey === undefined ? {} : { vkey }),
  };
}
