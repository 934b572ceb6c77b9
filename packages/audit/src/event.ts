// Makes audit events that can always be recorded. Fitting makes texts, lists and argument values right by construction; what can only be
// right or wrong (ids, instants, enumerations, counts) is looked at here, and where a look does not settle it the schema decides.
import { AuditEvent, type CallOutcome, EVENT_BYTES_MAX, SCHEMA_VERSION } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { bytesOf, type EventFields, fitEvent } from "./fit-event.ts";

/** A complete event, shortened where needed. Faults: invalid `audit.event` (a wrong id, tenant, time or number), `audit.not_canonical`. */
export function buildEvent(fields: EventFields): AuditEvent {
  const event = fitEvent(fields);
  if (isSurelyValid(event)) return event;
  const checked = AuditEvent.safeParse(event);
  // The event itself is returned, not zod's copy: its keys are in canonical order already.
  if (checked.success && bytesOf(event) <= EVENT_BYTES_MAX) return event;
  const issues = checked.error?.issues ?? [{ path: ["ts"], message: "is too long" }];
  const detail = issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  throw new Fault("invalid", "audit.event", "The audit event is not valid.", { detail });
}

/** The one event that an intent becomes once its outcome is known: what the chain stores. An empty reason keeps the intent's. */
export function closeIntent(intent: AuditEvent, outcome: CallOutcome): AuditEvent {
  const { obligations: before, ...judged } = intent;
  const obligations = [...(before ?? []), ...(outcome.obligations ?? [])];
  return fitEvent({
    ...judged,
    ...(obligations.length > 0 && { obligations }),
    outcome: outcome.outcome,
    reason: outcome.reason === "" ? intent.reason : outcome.reason,
    latency_ms: outcome.latency_ms,
    upstream_status: outcome.upstream_status,
    cost_micros: outcome.cost_micros,
  });
}

/** An instant as clocks print it. Every month has 28 days; later ones are left to the schema. */
const PLAIN_INSTANT =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;
const PLAIN_ID = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;
const PLAIN_TENANT = /^[a-z0-9]{1,63}$/;
const DECISIONS: ReadonlySet<string> = new Set(AuditEvent.shape.decision.options);
const OUTCOMES: ReadonlySet<string> = new Set(AuditEvent.shape.outcome.options);

/** True for most events; false says nothing. Asks about all that fitting leaves as it came. */
function isSurelyValid(event: AuditEvent): boolean {
  return (
    PLAIN_INSTANT.test(event.ts) &&
    PLAIN_ID.test(event.event_id) &&
    PLAIN_TENANT.test(event.tenant) &&
    event.schema_version === SCHEMA_VERSION &&
    DECISIONS.has(event.decision) &&
    OUTCOMES.has(event.outcome) &&
    isCount(event.caveat_count) &&
    isCount(event.cost_micros) &&
    isCount(event.latency_ms) &&
    isCount(event.policy_revision) &&
    isCount(event.sidecar_epoch) &&
    isCount(event.sidecar_sequence) &&
    isCount(event.upstream_status) &&
    typeof event.degraded === "boolean" &&
    typeof event.requires_step_up === "boolean"
  );
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
