// The canonical text of events and of the bodies of records, written the short way where that is the same: the members of an event that we
// built stand in canonical order already, so JSON.stringify gives its canonical text. Of anything else canonicalize does.
import type { AuditEvent, JsonValue, SpoolBody } from "@postern/contracts";
import { canonicalize, isPlainObject, quote } from "./canonical.ts";

/** Every member with the type that it has, in canonical order. Events with obligations are rare and go the long way. */
const MEMBERS = {
  actor: "string",
  agent_id: "string",
  arg_keys: "object",
  arg_values: "object",
  args_digest: "string",
  capability_token_id: "string",
  caveat_count: "number",
  check: "string",
  cost_micros: "number",
  decided_by: "string",
  decision: "string",
  degraded: "boolean",
  elevation_id: "string",
  event: "string",
  event_id: "string",
  intent_summary: "string",
  latency_ms: "number",
  method: "string",
  outcome: "string",
  pending_id: "string",
  policy_revision: "number",
  policy_rule: "string",
  policy_sha256: "string",
  reason: "string",
  reasons: "object",
  remote_ip: "string",
  request_id: "string",
  requires_step_up: "boolean",
  root_capability_token_id: "string",
  schema_version: "string",
  session_id: "string",
  sidecar_epoch: "number",
  sidecar_id: "string",
  sidecar_sequence: "number",
  tenant: "string",
  tool: "string",
  ts: "string",
  upstream: "string",
  upstream_status: "number",
} as const satisfies Record<Exclude<keyof AuditEvent, "obligations">, string>;
const NAMES = Object.keys(MEMBERS);
const TYPES = Object.values(MEMBERS);

/** The same text as `canonicalize`. Faults: invalid `audit.not_canonical`. */
export function eventText(event: AuditEvent): string {
  return (isInOrder(event) ? stringified(event) : undefined) ?? canonicalize(event as JsonValue);
}

/** The same text as `canonicalize`; undefined when the short way is not certain to give it. */
export function shortBodyText(body: SpoolBody): string | undefined {
  const names = Object.keys(body).length;
  if (!isPlainObject(body)) return undefined;
  if (body.kind === "outcome") return names === OUTCOME_NAMES ? outcomeText(body) : undefined;
  const isJudged = body.kind === "event" || body.kind === "intent";
  if (!isJudged || names !== JUDGED_NAMES || !isInOrder(body.event)) return undefined;
  const { args_salt, event, kind } = body;
  return typeof args_salt === "string" ? stringified({ args_salt, event, kind }) : undefined;
}

const OUTCOME_NAMES = 7;
const JUDGED_NAMES = 3;

function outcomeText(body: Extract<SpoolBody, { kind: "outcome" }>): string | undefined {
  const { cost_micros, event_id, latency_ms, outcome, reason, upstream_status } = body;
  if (!Number.isFinite(cost_micros) || !Number.isFinite(latency_ms) || !Number.isFinite(upstream_status))
    return undefined;
  if (!isTexts([event_id, outcome, reason])) return undefined;
  return `{"cost_micros":${cost_micros},"event_id":${quote(event_id)},"kind":"outcome","latency_ms":${latency_ms},"outcome":${quote(outcome)},"reason":${quote(reason)},"upstream_status":${upstream_status}}`;
}

/** Of something in canonical order with nothing but JSON in it; undefined when it may hold half a surrogate pair. */
function stringified(ordered: object): string | undefined {
  const text = JSON.stringify(ordered);
  // How such a half is written. A backslash before "ud" looks the same and merely takes the long way.
  return text.includes("\\ud") ? undefined : text;
}

/** Whether every member stands in its place and is of its type, and the argument values are none. */
function isInOrder(event: AuditEvent): boolean {
  if (typeof event !== "object" || event === null) return false;
  const names = Object.keys(event);
  if (names.length !== NAMES.length || !isPlainObject(event)) return false;
  const values: unknown[] = Object.values(event);
  for (let at = 0; at < names.length; at += 1) {
    const value = values[at];
    if (names[at] !== NAMES[at] || typeof value !== TYPES[at]) return false;
    if (typeof value === "number" && !Number.isFinite(value)) return false;
  }
  return isTexts(event.arg_keys) && isTexts(event.reasons) && isEmpty(event.arg_values);
}

function isTexts(items: unknown): boolean {
  if (!Array.isArray(items)) return false;
  // Unlike `every`, this does not pass over holes.
  for (const item of items) if (typeof item !== "string") return false;
  return true;
}

function isEmpty(value: object): boolean {
  return value !== null && isPlainObject(value) && Object.keys(value).length === 0;
}
