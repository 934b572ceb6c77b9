// What a policy is asked about, and the `input` that says so (see PolicyInput in contracts). Whoever asks gives what it holds; nothing is worked
// out before a policy reads it.
import type { Capability, Intent, JsonObject, PolicyInput } from "@postern/contracts";

/** One thing to be judged. */
export interface PolicyQuestion {
  readonly action: PolicyInput["action"];
  /** The MCP method; `tool` and `args` are what PolicyInput says of it. */
  readonly method: string;
  readonly tool: string;
  readonly args: JsonObject;
  readonly capability: Capability;
  readonly intent: Intent | undefined;
  readonly upstream: string;
  readonly sessionId: string;
  readonly remoteAddress: string;
  readonly requestId: string;
  readonly nowMs: number;
  /** The approval under which the call is judged again. */
  readonly approval?: PolicyInput["approval"];
  /** What is left of the capability's budgets; asked only if the policy reads it. */
  readonly remaining: () => { readonly calls?: number; readonly costMicros?: number; readonly rate?: number };
}

type Members = { readonly [name in keyof PolicyInput]-?: (question: PolicyQuestion) => PolicyInput[name] };

/** Each member of `input`. */
export const INPUT_MEMBERS: Members = {
  action: ({ action }) => action,
  method: ({ method }) => method,
  tool: ({ tool }) => tool,
  args: ({ args }) => args,
  agent_id: ({ capability }) => capability.agent,
  session_id: ({ sessionId }) => sessionId,
  upstream: ({ upstream }) => upstream,
  intent: ({ intent }) =>
    intent && {
      summary: intent.summary,
      allowed_tools: intent.allowed_tools,
      forbidden_tools: intent.forbidden_tools,
      confidence: intent.confidence,
    },
  capability: ({ capability, nowMs }) => capabilityMember(capability, nowMs),
  approval: ({ approval }) => approval,
  budget: ({ remaining }) => budgetMember(remaining()),
  time: ({ nowMs }) => timeMember(nowMs),
  remote_address: ({ remoteAddress }) => remoteAddress,
  request_id: ({ requestId }) => requestId,
};

function capabilityMember(capability: Capability, nowMs: number): PolicyInput["capability"] {
  const { expiresAtMs, stepUpAtMs } = capability;
  return {
    subject: capability.agent,
    issuer: capability.issuer,
    tenant: capability.tenant,
    token_id: capability.jti,
    root_token_id: capability.rootJti,
    caveat_count: capability.caveatCount,
    issued_at: textOfTime(capability.issuedAtMs),
    ...(expiresAtMs !== undefined && { expires_at: textOfTime(expiresAtMs) }),
    ...(stepUpAtMs !== undefined && {
      step_up_at: textOfTime(stepUpAtMs),
      step_up_age_seconds: Math.max(0, Math.floor((nowMs - stepUpAtMs) / 1000)),
    }),
  };
}

function budgetMember(left: ReturnType<PolicyQuestion["remaining"]>): PolicyInput["budget"] {
  return {
    ...(left.calls !== undefined && { calls_remaining: left.calls }),
    ...(left.costMicros !== undefined && { cost_micros_remaining: left.costMicros }),
    ...(left.rate !== undefined && { rate_remaining: left.rate }),
  };
}

function timeMember(nowMs: number): PolicyInput["time"] {
  const now = new Date(nowMs);
  return {
    now: now.toISOString(),
    unix_ms: nowMs,
    hour: now.getUTCHours(),
    minute: now.getUTCMinutes(),
    weekday: now.getUTCDay(),
  };
}

const textOfTime = (ms: number) => new Date(ms).toISOString();
