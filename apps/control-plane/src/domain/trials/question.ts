// A policy input and the two ways about it: the question that makes the engine write exactly this input, and an input that somebody wrote by
// hand, in which what was left out has the plainest value there is.
import type { Capability, JsonObject, PolicyInput } from "@postern/contracts";
import type { PolicyQuestion } from "@postern/policy";
import { timeOf } from "./past-call.ts";

export function questionOf(input: PolicyInput): PolicyQuestion {
  const { capability, budget, intent, approval } = input;
  return {
    ...{ action: input.action, method: input.method, tool: input.tool, args: input.args },
    capability: holderOf(input.agent_id, capability),
    intent: intent && {
      ...{ summary: intent.summary, confidence: intent.confidence },
      allowed_tools: [...intent.allowed_tools],
      forbidden_tools: [...intent.forbidden_tools],
    },
    upstream: input.upstream,
    sessionId: input.session_id,
    remoteAddress: input.remote_address,
    requestId: input.request_id,
    nowMs: input.time.unix_ms,
    ...(approval !== undefined && { approval }),
    remaining: () => ({
      ...(budget.calls_remaining !== undefined && { calls: budget.calls_remaining }),
      ...(budget.cost_micros_remaining !== undefined && { costMicros: budget.cost_micros_remaining }),
      ...(budget.rate_remaining !== undefined && { rate: budget.rate_remaining }),
    }),
  };
}

function holderOf(agent: string, capability: PolicyInput["capability"]): Capability {
  const instant = (text: string | undefined) => (text === undefined ? undefined : Date.parse(text));
  return {
    ...{ agent, tenant: capability.tenant, issuer: capability.issuer, caveatCount: capability.caveat_count },
    jti: capability.token_id,
    rootJti: capability.root_token_id,
    parentJti: undefined,
    kid: "",
    issuedAtMs: Date.parse(capability.issued_at),
    notBeforeMs: undefined,
    expiresAtMs: instant(capability.expires_at),
    stepUpAtMs: instant(capability.step_up_at),
    hops: [],
  };
}

/** An input as somebody may write it: parts of a policy input. */
export interface WrittenInput {
  readonly action?: PolicyInput["action"] | undefined;
  readonly method?: string | undefined;
  readonly tool?: string | undefined;
  readonly args?: JsonObject | undefined;
  readonly agent_id?: string | undefined;
  readonly session_id?: string | undefined;
  readonly upstream?: string | undefined;
  readonly intent?: Loose<NonNullable<PolicyInput["intent"]>> | undefined;
  readonly capability?: Loose<PolicyInput["capability"]> | undefined;
  readonly approval?: PolicyInput["approval"] | undefined;
  readonly budget?: Loose<PolicyInput["budget"]> | undefined;
  readonly time?: { readonly now?: string | undefined; readonly unix_ms?: number | undefined } | undefined;
  readonly remote_address?: string | undefined;
  readonly request_id?: string | undefined;
}
type Loose<T> = { readonly [name in keyof T]?: T[name] | undefined };

/** The whole input. `agent_id` and the capability's subject are one thing and stand for each other. */
export function completeInput(written: WrittenInput, tenant: string, nowMs: number): PolicyInput {
  const { intent, capability: held = {}, budget = {}, approval } = written;
  const agent = written.agent_id ?? held.subject ?? "dry-run";
  const time = timeOf(
    written.time?.unix_ms ?? (written.time?.now === undefined ? nowMs : Date.parse(written.time.now)),
  );
  return {
    action: written.action ?? "call",
    method: written.method ?? "tools/call",
    tool: written.tool ?? "",
    args: written.args ?? {},
    agent_id: agent,
    session_id: written.session_id ?? "",
    upstream: written.upstream ?? "default",
    ...(intent !== undefined && {
      intent: {
        summary: intent.summary ?? "",
        allowed_tools: intent.allowed_tools ?? [],
        forbidden_tools: intent.forbidden_tools ?? [],
        confidence: intent.confidence ?? 1,
      },
    }),
    capability: {
      ...{
        subject: agent,
        tenant,
        issuer: held.issuer ?? "intentgate",
        caveat_count: held.caveat_count ?? 0,
      },
      token_id: held.token_id ?? "dry-run",
      root_token_id: held.root_token_id ?? held.token_id ?? "dry-run",
      issued_at: held.issued_at === undefined ? time.now : plainInstant(held.issued_at),
      ...(held.expires_at !== undefined && { expires_at: plainInstant(held.expires_at) }),
      ...stepUpOf(held, time.unix_ms),
    },
    ...(approval !== undefined && { approval }),
    budget: {
      ...(budget.calls_remaining !== undefined && { calls_remaining: budget.calls_remaining }),
      ...(budget.cost_micros_remaining !== undefined && {
        cost_micros_remaining: budget.cost_micros_remaining,
      }),
      ...(budget.rate_remaining !== undefined && { rate_remaining: budget.rate_remaining }),
    },
    time,
    remote_address: written.remote_address ?? "127.0.0.1",
    request_id: written.request_id ?? "dry-run",
  };
}

/** Its instant and its age tell the same; whoever gives the age only is told the instant. */
function stepUpOf(held: NonNullable<WrittenInput["capability"]>, nowMs: number) {
  const { step_up_at: at, step_up_age_seconds: age } = held;
  if (at === undefined && age === undefined) return {};
  const atMs = at === undefined ? nowMs - Number(age) * 1000 : Date.parse(at);
  return {
    step_up_at: new Date(atMs).toISOString(),
    step_up_age_seconds: Math.max(0, Math.floor((nowMs - atMs) / 1000)),
  };
}

const plainInstant = (text: string) => new Date(text).toISOString();
