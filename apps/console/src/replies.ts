// What the admin API answers, as far as the page reads it. Nothing here is trusted: every text of a reply reaches the page as text.
import type { AuditEvent } from "@postern/contracts";

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor?: string;
}

export interface Tenant {
  readonly name: string;
  readonly active_policy_sha: string;
  readonly pending_approvals: number;
  readonly recent_event_count: number;
}

export interface Verification {
  readonly tenant: string;
  readonly verified: boolean;
  readonly events_checked: number;
  readonly chain_head_id: string;
  readonly chain_head_at?: string;
  readonly duration_ms: number;
  readonly first_broken_event_id: string;
}

export interface DraftSummary {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly tenant: string;
  readonly created_by: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly rego_sha256: string;
  readonly promoted: boolean;
}

export interface Draft extends DraftSummary {
  readonly rego_source: string;
}

export interface ActivePolicy {
  readonly draft_id: string;
  readonly name: string;
  readonly promoted_by: string;
  readonly promoted_at: string;
  readonly rego_sha256: string;
  readonly tenant: string;
  readonly revision: number;
  readonly digest: string;
  readonly expires_at: string;
}

export interface Minted {
  readonly token: string;
  readonly jti: string;
  readonly expires_at?: string;
  readonly subject: string;
  readonly tenant: string;
}

export interface Revocation {
  readonly jti: string;
  readonly tenant: string;
  readonly revoked_at: string;
  readonly reason: string;
}

export interface Sidecar {
  readonly sidecar_id: string;
  readonly tenant: string;
  readonly name: string;
  readonly created_at: string;
  /** 0 = it never registered. */
  readonly epoch: number;
  readonly registered_at?: string;
  readonly version?: string;
  readonly hostname?: string;
}

export interface AddedSidecar {
  readonly sidecar_id: string;
  readonly tenant: string;
  readonly name: string;
  readonly credential: string;
  readonly trust_root: string;
}

export interface Key {
  readonly kid: string;
  readonly public_key: string;
  readonly use: string;
  readonly status: "prepared" | "published" | "active" | "retired";
  readonly not_after?: string;
  readonly created_at: string;
  readonly vkey?: string;
}

export type EventPage = Page<AuditEvent>;
