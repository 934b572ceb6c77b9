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

const SidecarLabel = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/,
    "must be 1 to 63 letters, digits or inner . _ / -",
  );

/** What a sidecar says it is, such as `env=prod`, and what a rollout asks for. */
export const SidecarLabels = z
  .record(SidecarLabel, SidecarLabel)
  .refine((labels) => Object.keys(labels).length <= 16, "must be at most 16 labels")
  .meta({ maxProperties: 16 });
export type SidecarLabels = Readonly<z.infer<typeof SidecarLabels>>;

/**
 * A candidate beside what is in force. Its revision is higher than the active one's, always. shadow: it is asked too, and only the differences are counted · staged: it decides in the sidecars that
 * take part, which are those with every label, and of them `percent` by a stable hash.
 */
export const PolicyRollout = z.strictObject({
  id: Identifier,
  mode: z.enum(["shadow", "staged"]),
  percent: z.int().min(0).max(100),
  labels: SidecarLabels,
  candidate: PolicyPointer,
});
export type PolicyRollout = z.infer<typeof PolicyRollout>;

/** What two policies can say differently of one call: first the one in force, then the candidate. */
export const RolloutDifference = z.enum([
  "allow_to_block",
  "allow_to_escalate",
  "block_to_allow",
  "block_to_escalate",
  "escalate_to_allow",
  "escalate_to_block",
]);
export type RolloutDifference = z.infer<typeof RolloutDifference>;

const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);

/** What one policy said of the calls that it was asked about. */
export const RolloutVerdicts = z.strictObject({ allowed: count, blocked: count, escalated: count });
export type RolloutVerdicts = Readonly<z.infer<typeof RolloutVerdicts>>;

/** A call of which the two policies say different things, by what its audit event names it with. */
export const RolloutSample = z.strictObject({
  difference: RolloutDifference,
  tool: z.string().max(256),
  agent: z.string().max(200),
  request_id: z.string().max(128),
});
export type RolloutSample = Readonly<z.infer<typeof RolloutSample>>;

export const ROLLOUT_SAMPLES_MAX = 10;

/**
 * POST /v1/sidecar/rollouts/{id}/report: everything since the sidecar's boot, so that a report that is lost or repeated counts once.
 * `compared`: calls of which both policies were asked, whichever of them decided · `skipped`: calls that were not compared because too many
 * waited for it · `load_failures`: attempts at putting the candidate in force that showed it to be unusable.
 */
export const RolloutReport = z.strictObject({
  epoch: z.int().min(1),
  takes_part: z.boolean(),
  /** Whether the candidate is ready for use. */
  loaded: z.boolean(),
  active: RolloutVerdicts,
  candidate: RolloutVerdicts,
  compared: count,
  skipped: count,
  differences: z.record(RolloutDifference, count),
  load_failures: count,
  /** Why the candidate is not ready. */
  problem: z.string().max(500).optional(),
  samples: z.array(RolloutSample).max(ROLLOUT_SAMPLES_MAX),
});
export type RolloutReport = Readonly<z.infer<typeof RolloutReport>>;

/** `running` false: nothing more needs to be told. */
export const RolloutReportReply = z.strictObject({ running: z.boolean() });
export type RolloutReportReply = z.infer<typeof RolloutReportReply>;
