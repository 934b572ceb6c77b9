// The audit event of one judged message: who, what, and what was decided. Which of the arguments it holds is the operator's choice; their
// salted digest is always in it.
import { buildEvent } from "@postern/audit";
import type { ApprovalTicket, AuditEvent, JsonObject, JsonValue } from "@postern/contracts";
import type { Findings } from "@postern/decision";
import type { Applied } from "@postern/obligation";

/** What an event holds of the arguments. off: nothing · keys: names of the top level · scalars: numbers, booleans and null, where text becomes null · full: as sent. */
export type ArgValuesMode = "off" | "keys" | "scalars" | "full";

/** Which sidecar speaks. */
export interface Speaker {
  readonly tenant: string;
  readonly sidecarId: string;
  readonly epoch: number;
}

export interface JudgedMessage {
  readonly eventId: string;
  readonly requestId: string;
  readonly receivedAtMs: number;
  readonly latencyMs: number;
  readonly method: string;
  /** What it was judged as; "" for a message that asks for nothing. */
  readonly tool: string;
  readonly args: JsonObject;
  readonly argsDigest: string;
  readonly upstream: string;
  readonly sessionId: string;
  readonly remoteAddress: string;
}

export interface Verdict {
  readonly decision: AuditEvent["decision"];
  readonly check: string;
  readonly reason: string;
  readonly reasons: readonly string[];
  readonly findings: Omit<Findings, "timingsMs">;
  /** What obligations did so far. */
  readonly applied?: readonly Applied[] | undefined;
  /** The approval that it waits for, runs by, or was refused with. */
  readonly approval?: ApprovalTicket | undefined;
}

/** `outcome` of an allowed call stays "unknown" until its outcome record says more. Texts are cut to what the schema takes. */
export function auditEvent(
  speaker: Speaker,
  message: JudgedMessage,
  verdict: Verdict,
  mode: ArgValuesMode,
): AuditEvent {
  const { capability, intent, policy, pointer } = verdict.findings;
  return buildEvent({
    ts: new Date(message.receivedAtMs).toISOString(),
    event: message.method === "tools/call" ? "intentgate.tool_call" : "intentgate.mcp_message",
    decision: verdict.decision,
    check: verdict.check,
    reason: verdict.reason,
    reasons: [...verdict.reasons],
    tenant: speaker.tenant,
    agent_id: capability?.agent ?? "",
    session_id: message.sessionId,
    tool: message.tool,
    arg_keys: mode === "off" ? [] : Object.keys(message.args),
    arg_values: argValues(message.args, mode) as AuditEvent["arg_values"],
    capability_token_id: capability?.jti ?? "",
    root_capability_token_id: capability?.rootJti ?? "",
    caveat_count: capability?.caveatCount ?? 0,
    intent_summary: intent?.summary ?? "",
    latency_ms: wholeMs(message.latencyMs),
    remote_ip: message.remoteAddress,
    requires_step_up: policy?.requires_step_up === true,
    event_id: message.eventId,
    outcome: verdict.decision === "allow" ? "unknown" : "none",
    method: message.method,
    upstream: message.upstream,
    request_id: message.requestId,
    args_digest: message.argsDigest,
    policy_revision: pointer?.revision ?? 0,
    policy_sha256: pointer?.digest ?? "",
    policy_rule: policy?.rule ?? "",
    cost_micros: policy?.cost_micros ?? 0,
    pending_id: verdict.approval?.pending_id ?? "",
    decided_by: verdict.approval?.decided_by ?? "",
    sidecar_id: speaker.sidecarId,
    sidecar_epoch: speaker.epoch,
    ...obligationsDone(verdict.applied),
  });
}

/** What obligations did, as events say it; nothing when they did nothing. */
export function obligationsDone(applied: readonly Applied[] = []): Pick<AuditEvent, "obligations"> {
  if (applied.length === 0) return {};
  const told = applied.map(
    (done) => `${done.direction}:${done.type}:${done.class}:${done.action}=${done.count}`,
  );
  return { obligations: told.slice(0, OBLIGATIONS_MAX) };
}

const OBLIGATIONS_MAX = 64;

/** Milliseconds as events count them. */
export const wholeMs = (ms: number): number => Math.max(0, Math.round(ms));

function argValues(args: JsonObject, mode: ArgValuesMode): JsonObject {
  if (mode === "full") return args;
  return mode === "scalars" ? withoutText(args) : {};
}

const withoutText = (args: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(args).map(([key, value]) => [key, scalarsOf(value)]));

function scalarsOf(value: JsonValue): JsonValue {
  if (typeof value === "string") return null;
  if (value === null || typeof value !== "object") return value;
  return Array.isArray(value) ? value.map(scalarsOf) : withoutText(value as JsonObject);
}
