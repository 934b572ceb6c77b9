// Third check: the tenant's Rego policy. Worst wins (allow < allow with obligations < approval < block), and what the caller cannot
// carry out, an unknown obligation or a stale step-up, counts as block. Where a person has approved the call, asking for one counts as allow.
import { CLOCK_SKEW_MS } from "@postern/capability";
import {
  type Capability,
  type Intent,
  type PolicyDecision,
  type PolicyPointer,
  REASONS,
  type Reason,
  reason,
} from "@postern/contracts";
import type { PolicyVerdict } from "@postern/policy";
import { andThen, type Eventually } from "./eventually.ts";
import type { JudgePorts } from "./ports.ts";
import { type CallRequest, type Finding, found } from "./verdict.ts";

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

export function checkPolicy(
  ports: Ports,
  capability: Capability,
  intent: Intent | undefined,
  call: Omit<CallRequest, "token" | "intentPrompt">,
  action: "call" | "list",
): Eventually<Finding<PolicyFinding>> {
  const nowMs = ports.clock.nowMs();
  const verdict = ports.policy.evaluate(capability.tenant, {
    action,
    method: call.method,
    tool: call.tool,
    args: call.args,
    capability,
    intent,
    upstream: call.upstream,
    sessionId: call.sessionId,
    remoteAddress: call.remoteAddress,
    requestId: call.requestId,
    ...(call.approval !== undefined && { approval: call.approval }),
    nowMs,
    remaining: () => ports.budget.remaining(capability.tenant, capability, nowMs),
  });
  return andThen(verdict, (judged) =>
    found(findingOf(ports, judged, call, action, stepUpAgeMs(capability, nowMs))),
  );
}

/** Asked anew for each call: time passes, and a decision may have been made for an earlier one. */
const stepUpAgeMs = ({ stepUpAtMs }: Capability, nowMs: number) =>
  stepUpAtMs === undefined ? Number.POSITIVE_INFINITY : nowMs - stepUpAtMs;

function findingOf(
  { rules }: Ports,
  verdict: PolicyVerdict,
  { approval }: Pick<CallRequest, "approval">,
  action: "call" | "list",
  ageMs: number,
): PolicyFinding {
  const { pointer } = verdict;
  if (!verdict.ok) return { verdict: "block", policy: undefined, pointer, reason: verdict.reason };
  const { decision: policy } = verdict;
  const block = (why: Reason): PolicyFinding => ({ verdict: "block", policy, pointer, reason: why });
  const asksPerson = policy.escalate === true;
  if (asksPerson && approval === undefined) {
    return {
      verdict: "escalate",
      policy,
      pointer: verdict.pointer,
      reason: explain("policy.escalated", policy),
    };
  }
  // What asks for a person says nothing against the call by itself.
  if (!policy.allow && !asksPerson) return block(explain("policy.denied", policy));
  const unmet = firstUnmetObligation(policy, rules.obligations);
  if (unmet !== undefined)
    return block(reason("policy.obligation", `${REASONS["policy.obligation"]} Obligation: ${unmet}.`));
  // A factor that is still to be shown is none, however far ahead its time lies.
  const isFresh = ageMs <= rules.stepUpMaxAgeMs && ageMs >= -CLOCK_SKEW_MS;
  if (policy.requires_step_up === true && !isFresh && action === "call")
    return block(reason("policy.step_up"));
  return { verdict: "allow", policy, pointer: verdict.pointer };
}

const explain = (code: "policy.denied" | "policy.escalated", policy: PolicyDecision): Reason =>
  reason(code, policy.reason === undefined || policy.reason === "" ? REASONS[code] : policy.reason);

function firstUnmetObligation(policy: PolicyDecision, able: ReadonlySet<string>): string | undefined {
  if (policy.pii_filter?.enabled === true && !able.has("pii_filter")) return "pii_filter";
  return policy.obligations?.find((obligation) => !able.has(obligation.type))?.type;
}
