// A policy is written as a draft and takes effect by promotion. What was promoted never changes; each change of what is in force is one
// more row with a higher revision, so that the history is whole and a sidecar can refuse to go back.
import { createHash } from "node:crypto";
import type { PolicyPointer } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { CompiledPolicy } from "@postern/policy/compile";

export interface Draft {
  readonly tenant: string;
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly regoSource: string;
  readonly regoSha256: string;
  readonly createdBy: string;
  /** Who the caller says wrote it. */
  readonly createdByClaim: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly promotedAt: Date | null;
}

/** Rego that was compiled. */
export interface CheckedPolicy {
  readonly source: string;
  readonly sha256: string;
  readonly compiled: CompiledPolicy;
}

/** What is stored of a compiled policy beside its WebAssembly. */
export type CompiledText = Omit<CompiledPolicy, "wasm">;

/**
 * One change of what is in force. `contentRevision` is the promotion whose content this is; `previousContent`, the one that was in force
 * before that promotion: following it is how rollback walks back, one step further each time.
 */
export interface Activation {
  readonly tenant: string;
  readonly revision: number;
  readonly kind: "promote" | "rollback" | "renew" | "clear";
  readonly contentRevision: number | null;
  readonly previousContent: number | null;
  readonly draftId: string | null;
  readonly name: string;
  readonly regoSha256: string;
  readonly digest: string | null;
  readonly kid: string | null;
  readonly expiresAt: Date | null;
  readonly activatedAt: Date;
  readonly activatedBy: string;
  readonly activatedByClaim: string;
}

/** An activation that is not a clearing. */
export interface ActivePolicy extends Activation {
  readonly contentRevision: number;
  readonly digest: string;
  readonly kid: string;
  readonly expiresAt: Date;
}

/** A bundle that nobody renews stops working after this long, so that a frozen sidecar cannot live on an old policy for ever. */
export const BUNDLE_LIFETIME_MS = 30 * 86_400_000;
/** The active bundle is signed anew when it has less than this left. */
export const RENEW_BEFORE_MS = 20 * 86_400_000;

export function regoDigest(source: string): string {
  return createHash("sha256").update(source).digest("hex");
}

export function isActive(activation: Activation | undefined): activation is ActivePolicy {
  return activation !== undefined && activation.kind !== "clear";
}

/** What sidecars are told is in force; null = nothing, so every call is denied. */
export function pointerOf(activation: Activation | undefined): PolicyPointer | null {
  if (!isActive(activation)) return null;
  const { revision, digest, kid, expiresAt } = activation;
  return { revision, digest, kid, expires_at: expiresAt.toISOString() };
}

/**
 * A draft that may still change.
 * @throws Fault conflict "policies.promoted".
 */
export function assertEditable(draft: Draft): void {
  if (draft.promotedAt === null) return;
  throw new Fault(
    "conflict",
    "policies.promoted",
    "This draft was promoted, so it can neither change nor go. Create a new draft with the changed source and promote that.",
  );
}
