// What a policy sees and says: input and result of `data.intentgate.policy.decision`, and the signed bundle that carries it.
import { z } from "zod";
import { Identifier, KeyId, Sha256Hex, TenantId, Timestamp } from "./ids.ts";
import type { JsonObject } from "./json.ts";

/** Rego package and rule that every policy defines. */
export const POLICY_PACKAGE = "intentgate.policy";
export const POLICY_ENTRYPOINT = "intentgate/policy/decision";

/**
 * `input` of a policy. Absent things are absent, never null.
 * `action` is "call" when a call is judged, and "list" when Postern asks whether a tool may be shown at all:
 * then `args` is empty and `intent` absent.
 * `tool` is the tool's name in a `tools/call`. Any other judged method stands in its place: "resources/read", "prompts/get", …, with its
 * params (without `_meta`) as `args`, so that globs, argument conditions and rules reach what lies beside tools too.
 */
export interface PolicyInput {
  readonly action: "call" | "list";
  /** The MCP method: "tools/call", "resources/read", "prompts/get", … */
  readonly method: string;
  readonly tool: string;
  readonly args: JsonObject;
  readonly agent_id: string;
  readonly session_id: string;
  readonly upstream: string;
  readonly intent?: {
    summary: string;
    allowed_tools: readonly string[];
    forbidden_tools: readonly string[];
    confidence: number;
  };
  readonly capability: {
    subject: string;
    issuer: string;
    tenant: string;
    token_id: string;
    root_token_id: string;
    caveat_count: number;
    issued_at: string;
    expires_at?: string;
    step_up_at?: string;
    /** Seconds since the latest step-up. */
    step_up_age_seconds?: number;
  };
  /**
   * A person approved exactly this call: a rule that would ask for one counts as met, and one that denies still denies. Absent otherwise.
   */
  readonly approval?: { id: string; decided_by: string; decided_at: string };
  /** Smallest remaining amount over all hops, as far as this sidecar knows; absent = not limited. */
  readonly budget: { calls_remaining?: number; cost_micros_remaining?: number; rate_remaining?: number };
  /** Evaluation time, UTC. `weekday` is 0 (Sunday) to 6. */
  readonly time: { now: string; unix_ms: number; hour: number; minute: number; weekday: number };
  readonly remote_address: string;
  readonly request_id: string;
}

/** Filter for personal data and secrets that a policy asks for. */
export const PiiFilter = z.strictObject({
  enabled: z.boolean(),
  patterns: z.array(z.string().max(64)).max(64).optional(),
  default_action: z.enum(["allow", "redact", "block"]).optional(),
  per_pattern_action: z.record(z.string().max(64), z.enum(["allow", "redact", "block"])).optional(),
  custom_patterns: z
    .array(z.strictObject({ class: z.string().max(64), regex: z.string().max(512) }))
    .max(64)
    .optional(),
});
export type PiiFilter = z.infer<typeof PiiFilter>;

/** The shape that `decision` must have. Anything else is a denial. */
export const PolicyDecision = z.strictObject({
  allow: z.boolean(),
  reason: z.string().max(1024).optional(),
  /** Name of the rule that decided, for audit and dry runs. */
  rule: z.string().max(256).optional(),
  escalate: z.boolean().optional(),
  requires_step_up: z.boolean().optional(),
  pii_filter: PiiFilter.optional(),
  obligations: z
    .array(
      z.strictObject({
        type: z.string().min(1).max(64),
        parameters: z.record(z.string(), z.json()).optional(),
      }),
    )
    .max(32)
    .optional(),
  /** What this call costs, in millionths of the tenant's cost unit; charged to `max_cost` caveats. */
  cost_micros: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
});
export type PolicyDecision = z.infer<typeof PolicyDecision>;

/** One file of a bundle. */
export const BundleFile = z.strictObject({
  path: z.string().regex(/^[a-z0-9_./-]{1,128}$/),
  size_bytes: z.int().min(0),
  sha256: Sha256Hex,
});

/** Manifest of a signed, content-addressed bundle; sealed with purpose "bundle". */
export const BundleManifest = z.strictObject({
  format: z.literal("postern.bundle.v1"),
  tenant: TenantId,
  /** Strictly increasing per tenant; a sidecar refuses a lower one. */
  revision: z.int().min(1),
  created_at: Timestamp,
  expires_at: Timestamp,
  /** SHA-256 of the OPA capabilities file that the policy was compiled against. */
  capabilities_sha256: Sha256Hex,
  compiler: z.string().max(64),
  entrypoint: z.literal(POLICY_ENTRYPOINT),
  /** `input` paths that the policy can read, such as "tool" or "args.amount"; ["*"] = cannot be told. Sorted. */
  input_paths: z.array(z.string().max(256)).max(1024),
  files: z.array(BundleFile).min(1).max(16),
});
export type BundleManifest = z.infer<typeof BundleManifest>;

/** Where a bundle stands: what audit events and the sync stream name. */
export const PolicyPointer = z.strictObject({
  revision: z.int().min(1),
  digest: Sha256Hex,
  kid: KeyId,
  expires_at: Timestamp,
});
export type PolicyPointer = z.infer<typeof PolicyPointer>;

/**
 * A candidate beside what is in force. shadow: it is asked too, and only the differences are counted · staged: it decides in the sidecars that
 * take part, which are those with every label, and of them `percent` by a stable hash.
 */
export const PolicyRollout = z.strictObject({
  id: Identifier,
  mode: z.enum(["shadow", "staged"]),
  percent: z.int().min(0).max(100),
  labels: z.record(z.string().max(63), z.string().max(63)),
  candidate: PolicyPointer,
});
export type PolicyRollout = z.infer<typeof PolicyRollout>;
