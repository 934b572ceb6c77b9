// What a dry run is asked and what it answers, as far as this client reads it.
import { z } from "zod";

/** Either `input`, or calls of the past: by `sample`, and by what narrows it. */
export interface DryRunRequest {
  readonly rego_source: string;
  readonly tenant?: string | undefined;
  readonly input?: object | undefined;
  /** last:N, 90m, 24h, 7d, tool:<name>, agent:<id>, joined by commas; or the id of one event. */
  readonly sample?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit?: number | undefined;
  readonly agent_id?: string | undefined;
  readonly tool?: string | undefined;
  /** How many decisions to answer with; default 100. */
  readonly max_samples?: number | undefined;
}

const text = z.string();
const count = z.int().min(0);
const verdict = z.enum(["allow", "block", "escalate"]);

export const DryRunDecision = z.object({
  input: z.record(text, z.json()),
  candidate_decision: verdict,
  actual_decision: verdict,
  /** "" when the candidate names none. */
  rule: text,
  candidate_reason: text.optional(),
  active_decision: verdict.optional(),
  event_id: text.optional(),
  changed: z.boolean().optional(),
  /** The candidate reads something that is missing. */
  uncertain: z.boolean().optional(),
  missing: z.array(text).optional(),
});

const Affected = z.array(z.object({ name: text, changed: count, evaluated: count }));

export const DryRun = z.object({
  /** Changed ones first. */
  decisions: z.array(DryRunDecision),
  summary: z.object({
    evaluated: count,
    unchanged: count,
    changed: count,
    uncertain: count,
    failed: count,
    allow_to_block: count,
    allow_to_escalate: count,
    block_to_allow: count,
    block_to_escalate: count,
    escalate_to_allow: count,
    escalate_to_block: count,
    tools: Affected.optional(),
    agents: Affected.optional(),
  }),
  safety: z.array(
    z.object({ finding: text, severity: z.enum(["info", "warning", "critical"]), message: text }),
  ),
  /** Whether the run ended before all that was named was judged. */
  partial: z.boolean(),
  partial_reason: text.optional(),
});
export type DryRun = z.infer<typeof DryRun>;
export type DryRunDecision = z.infer<typeof DryRunDecision>;
