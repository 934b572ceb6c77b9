// Third check: the tenant's Rego policy. Worst wins (allow < allow with obligations < approval < block), and what the caller cannot
// carry out, an unknown obligation or a stale step-up, counts as block.
import {
  type Capability,
  type Intent,
  type PolicyDecision,
  type PolicyInput,
  type PolicyPointer,
  REASONS,
  type Reason,
  reason,
} from "@postern/contracts";
import type { JudgePorts } from "./ports.ts";
import type { CallRequest } from "./verdict.ts";

export type PolicyFinding =
  | { readonly verdict: "allow"; readonly policy: PolicyDecision; readonly pointer: PolicyPointer }
  | {
      readonly verdict: "escalate";
      readonly policy: PolicyDecision;
      readonly pointer: PolicyPointer;
      readonly reason: Reason;
    }
  | {
      readonly verdict: "block";
      readonly policy: PolicyDecision | undefined;
      readonly pointer: PolicyPointer | undefined;
      readonly reason: Reason;
    };

type Ports = Pick<JudgePorts, "policy" | "budget" | "clock" | "rules">;

export async function checkPolicy(
  ports: Ports,
  capability: Capability,
  intent: Intent | undefined,
  call: Omit<CallRequest, "token" | "intentPrompt">,
  action: PolicyInput["action"],
): Promise<PolicyFinding> {
  const nowMs = ports.clock.nowMs();
  const known = ports.budget.remaining(capability.tenant, capability, nowMs);
  const verdict = await ports.policy.evaluate(
    capability.tenant,
    policyInput(capability, intent, call, action, known, nowMs),
  );
  if (!verdict.ok)
    return { verdict: "block", policy: undefined, pointer: verdict.pointer, reason: verdict.reason };

  const { decision: policy, pointer } = verdict;
  const block = (why: Reason): PolicyFinding => ({ verdict: "block", policy, pointer, reason: why });
  if (policy.escalate === true) {
    return { verdict: "escalate", policy, pointer, reason: explain("policy.escalated", policy) };
  }
  if (!policy.allow) return block(explain("policy.denied", policy));
  const unmet = firstUnmetObligation(policy, ports.rules.obligations);
  if (unmet !== undefined)
    return block(reason("policy.obligation", `${REASONS["policy.obligation"]} Obligation: ${unmet}.`));
  if (policy.requires_step_up === true && action === "call") {
    const age =
      capability.stepUpAtMs === undefined ? Number.POSITIVE_INFINITY : nowMs - capability.stepUpAtMs;
    if (age > ports.rules.stepUpMaxAgeMs) return block(reason("policy.step_up"));
  }
  return { verdict: "allow", policy, pointer };
}

const explain = (code: "policy.denied" | "policy.escalated", policy: PolicyDecision): Reason =>
  reason(code, policy.reason === undefined || policy.reason === "" ? REASONS[code] : policy.reason);

function firstUnmetObligation(policy: PolicyDecision, able: ReadonlySet<string>): string | undefined {
  if (policy.pii_filter?.enabled === true && !able.has("pii_filter")) return "pii_filter";
  return policy.obligations?.find((obligation) => !able.has(obligation.type))?.type;
}

function policyInput(
  capability: Capability,
  intent: Intent | undefined,
  call: Omit<CallRequest, "token" | "intentPrompt">,
  action: PolicyInput["action"],
  known: ReturnType<Ports["budget"]["remaining"]>,
  nowMs: number,
): PolicyInput {
  const now = new Date(nowMs);
  const { stepUpAtMs, expiresAtMs } = capability;
  return {
    action,
    tool: call.tool,
    args: call.args,
    agent_id: capability.agent,
    session_id: call.sessionId,
    upstream: call.upstream,
    ...(intent !== undefined && {
      intent: {
        summary: intent.summary,
        allowed_tools: intent.allowed_tools,
        forbidden_tools: intent.forbidden_tools,
        confidence: intent.confidence,
      },
    }),
    capability: {
      subject: capability.agent,
      issuer: capability.issuer,
      tenant: capability.tenant,
      token_id: capability.jti,
      root_token_id: capability.rootJti,
      caveat_count: capability.caveatCount,
      issued_at: new Date(capability.issuedAtMs).toISOString(),
      ...(expiresAtMs !== undefined && { expires_at: new Date(expiresAtMs).toISOString() }),
      ...(stepUpAtMs !== undefined && {
        step_up_at: new Date(stepUpAtMs).toISOString(),
        step_up_age_seconds: Math.max(0, Math.floor((nowMs - stepUpAtMs) / 1000)),
      }),
    },
    budget: {
      ...(known.calls !== undefined && { calls_remaining: known.calls }),
      ...(known.costMicros !== undefined && { cost_micros_remaining: known.costMicros }),
      ...(known.rate !== undefined && { rate_remaining: known.rate }),
    },
    time: {
      now: now.toISOString(),
      unix_ms: nowMs,
      hour: now.getUTCHours(),
      minute: now.getUTCMinutes(),
      weekday: now.getUTCDay(),
    },
    remote_address: call.remoteAddress,
    request_id: call.requestId,
  };
}
