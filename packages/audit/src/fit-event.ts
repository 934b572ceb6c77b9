// Brings an event within every bound of its schema: each field present, none longer than it may be, the whole within EVENT_BYTES_MAX. What
// had to be shortened ends with "…", so that no reader takes a part for the whole. Keys come out in
// canonical order, but for the obligations, which few events have.
import { AuditEvent, EVENT_BYTES_MAX, type JsonValue, SCHEMA_VERSION } from "@postern/contracts";
import { fitArgValues, SHORTENED } from "./arg-values.ts";
import { canonicalize } from "./canonical.ts";
import { eventText } from "./event-text.ts";

/** What every event says; the rest is "", 0, false or empty unless given. */
export type EventFields = Partial<AuditEvent> &
  Pick<AuditEvent, "ts" | "event" | "decision" | "tenant" | "tool" | "event_id" | "outcome">;

const ARG_KEYS_MAX = 1024;
const ARG_KEY_CHARS_MAX = 256;
const REASONS_MAX = 16;
const REASON_CODE_CHARS_MAX = 64;
const OBLIGATIONS_MAX = 64;
const OBLIGATION_CHARS_MAX = 128;
/** What is left of each free text when even an event without argument keys is too long. */
const FREE_TEXT_CHARS_MIN = 512;
/** Canonical bytes of an event whose texts and lists are all empty, with the largest numbers. */
const BLANK_BYTES_MAX = 1536;
/** The chain writes the record's sequence into the event, which may then grow by its digits. */
const FITTED_BYTES_MAX = EVENT_BYTES_MAX - 16;
/** A control character is one UTF-16 unit and becomes six bytes; nothing becomes more. */
const ESCAPED_BYTES_MAX = 6;

const { shape } = AuditEvent;
/** UTF-16 units that each text may have. */
const CHARS = {
  actor: charsMax(shape.actor),
  agent_id: charsMax(shape.agent_id),
  args_digest: charsMax(shape.args_digest),
  capability_token_id: charsMax(shape.capability_token_id),
  check: charsMax(shape.check),
  decided_by: charsMax(shape.decided_by),
  elevation_id: charsMax(shape.elevation_id),
  event: charsMax(shape.event),
  intent_summary: charsMax(shape.intent_summary),
  method: charsMax(shape.method),
  pending_id: charsMax(shape.pending_id),
  policy_rule: charsMax(shape.policy_rule),
  policy_sha256: charsMax(shape.policy_sha256),
  reason: charsMax(shape.reason),
  remote_ip: charsMax(shape.remote_ip),
  request_id: charsMax(shape.request_id),
  root_capability_token_id: charsMax(shape.root_capability_token_id),
  session_id: charsMax(shape.session_id),
  sidecar_id: charsMax(shape.sidecar_id),
  tool: charsMax(shape.tool),
  upstream: charsMax(shape.upstream),
};
/** UTF-16 units for the two free texts, the lists and the argument values that fit beside all other texts at their longest. */
const SURELY_SMALL_CHARS =
  Math.floor((FITTED_BYTES_MAX - BLANK_BYTES_MAX) / ESCAPED_BYTES_MAX) -
  (Object.values(CHARS).reduce((sum, chars) => sum + chars, 0) - CHARS.reason - CHARS.intent_summary);

/**
 * A complete event within every bound of the schema, by a fixed rule: long texts and lists are cut, what is nested too deeply in
 * argument values becomes "…", lone surrogates and NUL become U+FFFD; if the whole is still too long, argument values are left out,
 * then argument keys are dropped from the end, and last the two free texts are cut further. Ids, instants, numbers and flags stay as
 * they are. Faults: invalid `audit.not_canonical` (argument values that are not JSON).
 */
export function fitEvent(fields: EventFields): AuditEvent {
  const argValues = fitValues(fields.arg_values);
  const fitted: AuditEvent = {
    actor: fitText(fields.actor, CHARS.actor),
    agent_id: fitText(fields.agent_id, CHARS.agent_id),
    arg_keys: fitList(fields.arg_keys, ARG_KEYS_MAX, ARG_KEY_CHARS_MAX),
    arg_values: argValues.values,
    args_digest: fitText(fields.args_digest, CHARS.args_digest),
    capability_token_id: fitText(fields.capability_token_id, CHARS.capability_token_id),
    caveat_count: fields.caveat_count ?? 0,
    check: fitText(fields.check, CHARS.check),
    cost_micros: fields.cost_micros ?? 0,
    decided_by: fitText(fields.decided_by, CHARS.decided_by),
    decision: fields.decision,
    degraded: fields.degraded ?? false,
    elevation_id: fitText(fields.elevation_id, CHARS.elevation_id),
    event: fitText(fields.event, CHARS.event),
    event_id: fields.event_id,
    intent_summary: fitText(fields.intent_summary, CHARS.intent_summary),
    latency_ms: fields.latency_ms ?? 0,
    method: fitText(fields.method, CHARS.method),
    outcome: fields.outcome,
    pending_id: fitText(fields.pending_id, CHARS.pending_id),
    policy_revision: fields.policy_revision ?? 0,
    policy_rule: fitText(fields.policy_rule, CHARS.policy_rule),
    policy_sha256: fitText(fields.policy_sha256, CHARS.policy_sha256),
    reason: fitText(fields.reason, CHARS.reason),
    reasons: fitList(fields.reasons, REASONS_MAX, REASON_CODE_CHARS_MAX),
    remote_ip: fitText(fields.remote_ip, CHARS.remote_ip),
    request_id: fitText(fields.request_id, CHARS.request_id),
    requires_step_up: fields.requires_step_up ?? false,
    root_capability_token_id: fitText(fields.root_capability_token_id, CHARS.root_capability_token_id),
    schema_version: fields.schema_version ?? SCHEMA_VERSION,
    session_id: fitText(fields.session_id, CHARS.session_id),
    sidecar_epoch: fields.sidecar_epoch ?? 0,
    sidecar_id: fitText(fields.sidecar_id, CHARS.sidecar_id),
    sidecar_sequence: fields.sidecar_sequence ?? 0,
    tenant: fields.tenant,
    tool: fitText(fields.tool, CHARS.tool),
    ts: fields.ts,
    upstream: fitText(fields.upstream, CHARS.upstream),
    upstream_status: fields.upstream_status ?? 0,
    ...fitObligations(fields.obligations),
  };
  if (isSurelySmall(fitted, argValues.json) || bytesOf(fitted) <= FITTED_BYTES_MAX) return fitted;
  return shrink({ ...fitted, arg_values: argValues.json === "{}" ? {} : leftOut(argValues.json) });
}

/** Canonical bytes. */
export function bytesOf(event: AuditEvent): number {
  return Buffer.byteLength(eventText(event));
}

/** Argument values that can be kept, with their canonical text. */
function fitValues(given: AuditEvent["arg_values"] | undefined): {
  values: AuditEvent["arg_values"];
  json: string;
} {
  if (given === undefined || Object.keys(given).length === 0) return { values: {}, json: "{}" };
  const values = fitArgValues(given) as AuditEvent["arg_values"];
  const json = canonicalize(values as JsonValue);
  // A key named __proto__ does not survive every JSON reader, and an event must read the same everywhere.
  return { values: json.includes('"__proto__":') ? leftOut(json) : values, json };
}

function leftOut(valuesJson: string): AuditEvent["arg_values"] {
  return { [SHORTENED]: `${Buffer.byteLength(valuesJson)} bytes left out` };
}

function shrink(event: AuditEvent): AuditEvent {
  const roomForKeys = (candidate: AuditEvent) => FITTED_BYTES_MAX - bytesOf({ ...candidate, arg_keys: [] });
  const marked = Buffer.byteLength(`"${SHORTENED}"`);
  const fitted = { ...event };
  if (roomForKeys(fitted) < marked) {
    fitted.reason = fitText(event.reason, FREE_TEXT_CHARS_MIN);
    fitted.intent_summary = fitText(event.intent_summary, FREE_TEXT_CHARS_MIN);
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
function isSurelySmall(
  { reason, intent_summary, arg_keys, reasons, obligations = [] }: AuditEvent,
  valuesJson: string,
): boolean {
  let chars = reason.length + intent_summary.length + valuesJson.length;
  for (const key of arg_keys) chars += key.length + 3;
  for (const code of reasons) chars += code.length + 3;
  for (const done of obligations) chars += done.length + 3;
  return chars <= SURELY_SMALL_CHARS;
}

function fitList(items: readonly string[] | undefined, itemsMax: number, charsMax: number): string[] {
  if (items === undefined || items.length === 0) return [];
  const kept = items.length <= itemsMax ? items : [...items.slice(0, itemsMax - 1), SHORTENED];
  return kept.map((item) => fitText(item, charsMax));
}

/** The one field that is absent where there is nothing to say. */
function fitObligations(items: AuditEvent["obligations"] = []): Pick<AuditEvent, "obligations"> {
  return items.length === 0 ? {} : { obligations: fitList(items, OBLIGATIONS_MAX, OBLIGATION_CHARS_MAX) };
}

function fitText(text: string | undefined, charsMax: number): string {
  if (text === undefined || text === "") return "";
  if (text.length <= charsMax && text.isWellFormed() && !text.includes("\0")) return text;
  // Cutting inside a surrogate pair leaves half of it, which becomes U+FFFD as well.
  const cut = text.length <= charsMax ? text : text.slice(0, charsMax - 1) + SHORTENED;
  // A database that keeps texts as columns of their own cannot keep NUL in them.
  return cut.toWellFormed().replaceAll("\0", "\ufffd");
}

function charsMax({ maxLength }: { readonly maxLength: number | null }): number {
  if (maxLength === null) throw new TypeError("a text of the schema has no bound");
  return maxLength;
}
