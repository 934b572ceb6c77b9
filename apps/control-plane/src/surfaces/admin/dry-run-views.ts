// How a dry run looks on the wire: document 001's fields in its order, ours behind them.
import { AgentId, type JsonObject, TenantId } from "@postern/contracts";
import { z } from "zod";
import {
  type Changes,
  FINDINGS,
  type JudgedCall,
  type Summary,
  type Trial,
} from "../../domain/trials/model.ts";
import { CALLS_MAX } from "../../domain/trials/sample.ts";
import { tenantField } from "./fields.ts";

const text = z.string();
const count = z.int().min(0);
const source = z.string().min(1).max(262_144);
const name = z.string().min(1).max(256).optional();
const instant = z.iso.datetime({ offset: true }).optional();
const tools = z.array(z.string().max(256)).max(1024).optional();
const amount = z.number().optional();
const short = z.string().max(2048).optional();

const WrittenInput = z.strictObject({
  action: z.enum(["call", "list"]).optional(),
  method: z.string().min(1).max(128).optional(),
  tool: z.string().max(256).optional(),
  args: z.record(z.string(), z.json()).optional(),
  agent_id: AgentId.optional(),
  session_id: short,
  upstream: short,
  intent: z
    .strictObject({ summary: short, allowed_tools: tools, forbidden_tools: tools, confidence: amount })
    .optional(),
  capability: z
    .strictObject({
      subject: AgentId.optional(),
      issuer: short,
      tenant: TenantId.optional(),
      token_id: short,
      root_token_id: short,
      caveat_count: count.optional(),
      ...{ issued_at: instant, expires_at: instant, step_up_at: instant },
      step_up_age_seconds: count.max(1_000_000_000).optional(),
    })
    .optional(),
  approval: z
    .strictObject({ id: z.string().max(128), decided_by: z.string().max(200), decided_at: z.iso.datetime() })
    .optional(),
  budget: z
    .strictObject({ calls_remaining: amount, cost_micros_remaining: amount, rate_remaining: amount })
    .optional(),
  time: z
    .strictObject({
      now: instant,
      unix_ms: z.int().min(0).max(253_402_300_799_999).optional(),
      ...{ hour: count.optional(), minute: count.optional(), weekday: count.optional() },
    })
    .optional(),
  remote_address: short,
  request_id: short,
});

export const DryRunBody = z.strictObject({
  rego_source: source.optional().describe("The candidate."),
  rego: source.optional().describe("Another name of `rego_source`."),
  tenant: tenantField,
  input: WrittenInput.optional().describe("A policy input; what is left out has a plain value."),
  sample: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .describe(
      "Calls of the past: last:N, 90m, 24h, 7d, tool:<name>, agent:<id>, joined by commas; or an event's id.",
    ),
  from: instant.describe("Calls from this instant on."),
  to: instant.describe("Calls before this instant."),
  limit: z.int().min(1).max(CALLS_MAX).optional().describe("The newest so many calls."),
  agent_id: AgentId.optional(),
  tool: name,
  max_samples: z
    .int()
    .min(0)
    .max(1000)
    .default(100)
    .describe("How many decisions to answer with, changed ones first."),
});

const Verdict = z.enum(["allow", "block", "escalate"]);
const ChangesView = z.strictObject({
  allow_to_block: count,
  allow_to_escalate: count,
  block_to_allow: count,
  block_to_escalate: count,
  escalate_to_allow: count,
  escalate_to_block: count,
});
const AffectedView = z.array(z.strictObject({ name: text, changed: count, evaluated: count }));

const DecisionView = z.strictObject({
  input: z.record(z.string(), z.json()).describe("What the policies were asked."),
  candidate_decision: Verdict,
  actual_decision: Verdict.describe(
    "What happened at the policy; of a written input, what the active policy says.",
  ),
  rule: text.describe('The candidate\'s `rule`; "" when it names none.'),
  candidate_reason: text,
  candidate_requires_step_up: z.boolean(),
  actual_reason: text,
  active_decision: Verdict.describe("What the policy in force says now."),
  active_reason: text,
  active_rule: text,
  event_id: text.describe('"" for a written input.'),
  ts: z.iso.datetime().optional(),
  changed: z.boolean().describe("The candidate decides otherwise than what happened."),
  uncertain: z.boolean().describe("The candidate reads something that is missing."),
  failed: z.boolean().describe("The candidate could not decide, which denies the call."),
  missing: z
    .array(text)
    .describe(
      "Paths of `input` that the candidate or the active policy reads and that the event does not hold.",
    ),
});

export const DryRunView = z.strictObject({
  decisions: z.array(DecisionView),
  summary: z.strictObject({
    evaluated: count.describe("unchanged + changed + uncertain"),
    unchanged: count,
    changed: count,
    uncertain: count,
    failed: count,
    ...ChangesView.shape,
    from_active: ChangesView.describe("The same beside what the policy in force says now."),
    candidate: z.strictObject({ allow: count, block: count, escalate: count }),
    tools: AffectedView.describe("Those with the most changes."),
    agents: AffectedView,
  }),
  safety: z.array(
    z.strictObject({
      finding: z.enum(FINDINGS),
      severity: z.enum(["info", "warning", "critical"]),
      message: text,
    }),
  ),
  partial: z.boolean().describe("The run ended before all that was named was judged."),
  partial_reason: z.enum(["time", "history", "caller"]).optional(),
  rego_sha256: text,
});

export function dryRunView(trial: Trial): z.input<typeof DryRunView> {
  const { regoSha256, summary, safety, decisions, interruption } = trial;
  return {
    decisions: decisions.map(decisionView),
    summary: summaryView(summary),
    safety: [...safety],
    partial: interruption !== undefined,
    ...(interruption !== undefined && { partial_reason: interruption }),
    rego_sha256: regoSha256,
  };
}

function decisionView(call: JudgedCall): z.input<typeof DecisionView> {
  const { question, event, actual, active, candidate, missing, uncertain, changed } = call;
  return {
    // A policy input is made of JSON through and through.
    input: question.input as unknown as JsonObject as Record<string, z.core.util.JSONType>,
    candidate_decision: candidate.decision,
    actual_decision: actual.decision,
    rule: candidate.rule,
    candidate_reason: candidate.reason,
    candidate_requires_step_up: candidate.requiresStepUp,
    actual_reason: actual.reason,
    active_decision: active.decision,
    active_reason: active.reason,
    active_rule: active.rule,
    event_id: event?.id ?? "",
    ...(event !== undefined && { ts: event.ts }),
    ...{ changed, uncertain, failed: candidate.failed, missing: [...missing] },
  };
}

function summaryView(summary: Summary): z.input<typeof DryRunView>["summary"] {
  const { changes, changesFromActive, candidate, tools: byTool, agents, ...counts } = summary;
  return {
    ...counts,
    ...(changes satisfies Changes),
    from_active: { ...changesFromActive },
    candidate: { ...candidate },
    tools: byTool.map((each) => ({ ...each })),
    agents: agents.map((each) => ({ ...each })),
  };
}
