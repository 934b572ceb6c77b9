// Makes audit events that can always be recorded: every field present, none longer than its schema allows, the whole within
// EVENT_BYTES_MAX. What had to be shortened ends with "…", so that no reader takes a part for the whole.
import {
  AuditEvent,
  type CallOutcome,
  EVENT_BYTES_MAX,
  type JsonValue,
  SCHEMA_VERSION,
} from "@postern/contracts";
import { Fault } from "@postern/fault";
import { fitArgValues, SHORTENED } from "./arg-values.ts";
import { canonicalize } from "./canonical.ts";

/** What every event says; the rest is "", 0, false or empty unless given. */
export type EventFields = Partial<AuditEvent> &
  Pick<AuditEvent, "ts" | "event" | "decision" | "tenant" | "tool" | "event_id" | "outcome">;

const TEXT_FIELDS = [
  "event",
  "check",
  "reason",
  "agent_id",
  "session_id",
  "tool",
  "capability_token_id",
  "root_capability_token_id",
  "pending_id",
  "decided_by",
  "intent_summary",
  "remote_ip",
  "elevation_id",
  "method",
  "upstream",
  "request_id",
  "args_digest",
  "policy_sha256",
  "policy_rule",
  "sidecar_id",
  "actor",
] as const;
const ARG_KEYS_MAX = 1024;
const ARG_KEY_CHARS_MAX = 256;
const REASONS_MAX = 16;
const REASON_CODE_CHARS_MAX = 64;
/** What is left of each free text when even an event without argument keys is too long. */
const FREE_TEXT_CHARS_MIN = 512;
/** Canonical bytes of an event whose texts and lists are all empty, with the largest numbers. */
const BLANK_BYTES_MAX = 1536;
/** The chain writes the record's sequence into the event, which may then grow by its digits. */
const FITTED_BYTES_MAX = EVENT_BYTES_MAX - 16;
/** A control character is one UTF-16 unit and becomes six bytes; nothing becomes more. */
const ESCAPED_BYTES_MAX = 6;

/** Keys in canonical order, so that the canonical text needs no sorting. */
const BLANK: AuditEvent = {
  actor: "",
  agent_id: "",
  arg_keys: [],
  arg_values: {},
  args_digest: "",
  capability_token_id: "",
  caveat_count: 0,
  check: "",
  cost_micros: 0,
  decided_by: "",
  decision: "block",
  degraded: false,
  elevation_id: "",
  event: "",
  event_id: "",
  intent_summary: "",
  latency_ms: 0,
  method: "",
  outcome: "none",
  pending_id: "",
  policy_revision: 0,
  policy_rule: "",
  policy_sha256: "",
  reason: "",
  reasons: [],
  remote_ip: "",
  request_id: "",
  requires_step_up: false,
  root_capability_token_id: "",
  schema_version: SCHEMA_VERSION,
  session_id: "",
  sidecar_epoch: 0,
  sidecar_id: "",
  sidecar_sequence: 0,
  tenant: "",
  tool: "",
  ts: "",
  upstream: "",
  upstream_status: 0,
};

/** A complete event, shortened where needed. Faults: invalid `audit.event` (a wrong id, tenant, time or number). */
export function buildEvent(fields: EventFields): AuditEvent {
  const event = fitEvent({ ...BLANK, ...fields });
  const checked = AuditEvent.safeParse(event);
  // The event itself is returned, not zod's copy: its keys are in canonical order already.
  if (checked.success) return event;
  const detail = checked.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  throw new Fault("invalid", "audit.event", "The audit event is not valid.", { detail });
}

/** The one event that an intent becomes once its outcome is known: what the chain stores. An empty reason keeps the intent's. */
export function closeIntent(intent: AuditEvent, outcome: CallOutcome): AuditEvent {
  return fitEvent({
    ...intent,
    outcome: outcome.outcome,
    reason: outcome.reason === "" ? intent.reason : outcome.reason,
    latency_ms: outcome.latency_ms,
    upstream_status: outcome.upstream_status,
    cost_micros: outcome.cost_micros,
  });
}

/**
 * The same event within every bound of the schema, by a fixed rule: long texts and lists are cut, what is nested too deeply in
 * argument values becomes "…", lone surrogates and NUL become U+FFFD; if the whole is still too long, argument values are left out,
 * then argument keys are dropped from the end, and last the two free texts are cut further. Faults: invalid `audit.not_canonical` (argument values that are not JSON).
 */
export function fitEvent(event: AuditEvent): AuditEvent {
  const fitted: AuditEvent = {
    ...event,
    arg_values: fitArgValues(event.arg_values) as AuditEvent["arg_values"],
    arg_keys: cutList(event.arg_keys, ARG_KEYS_MAX, ARG_KEY_CHARS_MAX),
    reasons: cutList(event.reasons, REASONS_MAX, REASON_CODE_CHARS_MAX),
  };
  for (const name of TEXT_FIELDS) {
    fitted[name] = cutText(event[name], AuditEvent.shape[name].maxLength ?? event[name].length);
  }
  const valuesJson = canonicalize(fitted.arg_values as JsonValue);
  // A key named __proto__ does not survive every JSON reader, and an event must read the same everywhere.
  if (valuesJson.includes('"__proto__":')) fitted.arg_values = leftOut(valuesJson);
  if (isSurelySmall(fitted, valuesJson) || bytesOf(fitted) <= FITTED_BYTES_MAX) return fitted;
  return shrink({ ...fitted, arg_values: valuesJson === "{}" ? {} : leftOut(valuesJson) });
}

function shrink(event: AuditEvent): AuditEvent {
  const roomForKeys = (candidate: AuditEvent) => FITTED_BYTES_MAX - bytesOf({ ...candidate, arg_keys: [] });
  const marked = Buffer.byteLength(`"${SHORTENED}"`);
  const fitted = { ...event };
  if (roomForKeys(fitted) < marked) {
    fitted.reason = cutText(event.reason, FREE_TEXT_CHARS_MIN);
    fitted.intent_summary = cutText(event.intent_summary, FREE_TEXT_CHARS_MIN);
  }
  fitted.arg_keys = keysWithin(event.arg_keys, roomForKeys(fitted) - marked);
  return fitted;
}

/** As many keys from the front as fit; all of them if they do. */
function keysWithin(keys: readonly string[], bytesMax: number): string[] {
  let used = 0;
  for (const [at, key] of keys.entries()) {
    used += Buffer.byteLength(canonicalize(key)) + 1;
    if (used > bytesMax) return [...keys.slice(0, at), SHORTENED];
  }
  return [...keys];
}

/** A bound that costs no canonical text; true for nearly every event. */
function isSurelySmall(event: AuditEvent, valuesJson: string): boolean {
  let chars = valuesJson.length;
  for (const name of TEXT_FIELDS) chars += event[name].length;
  for (const item of event.arg_keys) chars += item.length + 3;
  for (const item of event.reasons) chars += item.length + 3;
  return BLANK_BYTES_MAX + chars * ESCAPED_BYTES_MAX <= FITTED_BYTES_MAX;
}

function leftOut(valuesJson: string): AuditEvent["arg_values"] {
  return { [SHORTENED]: `${Buffer.byteLength(valuesJson)} bytes left out` };
}

function cutList(items: readonly string[], itemsMax: number, charsMax: number): string[] {
  const kept = items.length <= itemsMax ? items : [...items.slice(0, itemsMax - 1), SHORTENED];
  return kept.map((item) => cutText(item, charsMax));
}

function cutText(text: string, charsMax: number): string {
  // Cutting inside a surrogate pair leaves half of it, which becomes U+FFFD as well.
  const cut = text.length <= charsMax ? text : text.slice(0, charsMax - 1) + SHORTENED;
  // A database that keeps texts as columns of their own cannot keep NUL in them.
  return cut.toWellFormed().replaceAll("\0", "\ufffd");
}

function bytesOf(event: AuditEvent): number {
  return Buffer.byteLength(canonicalize(event as JsonValue));
}
