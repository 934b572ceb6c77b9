// A record that has the right hash is never refused for what it says: the hashes after it commit to it, so refusing one would refuse all
// that follow. What a sidecar may not say is taken out and replaced by what its credential says, and the event tells so itself; a record
// of which nothing can be made tells nothing but that it was there. The list of problems becomes an alarm.
import { buildEvent, canonicalize, type EventFields, fitEvent } from "@postern/audit";
import { AuditEvent, CallOutcome, Identifier, type JsonValue, SpoolBody } from "@postern/contracts";
import type { SidecarKey } from "./model.ts";

/** A record as far as it can be taken; `body` undefined: not at all. */
export interface AdmittedRecord {
  readonly sequence: number;
  readonly hash: string;
  readonly body: SpoolBody | undefined;
  /** What is wrong with it; [] for everything that an honest sidecar of this version writes. */
  readonly problems: readonly string[];
}

/** Whose record it is, and when it arrived. */
export interface Provenance {
  readonly sidecar: SidecarKey;
  readonly epoch: number;
  readonly nowMs: number;
}

/** With what is needed to look at it. */
export interface Arrival extends Provenance {
  /** The tenant's approvals that the records of the batch name. */
  readonly approvals: ReadonlyMap<string, KnownApproval>;
}

/** What is known of an approval here. */
export interface KnownApproval {
  readonly agent: string;
  readonly tool: string;
  readonly decidedBy: string;
  /** The event of the call that used it; "" while nobody has. */
  readonly usedEventId: string;
}

interface SentRecord {
  readonly sequence: number;
  readonly hash: string;
  readonly body: unknown;
}

type Fields = Record<string, unknown>;

/** What a sidecar may tell of; acts are the control plane's own to tell. */
const EVENT_NAMES = ["intentgate.tool_call", "intentgate.mcp_message", "intentgate.refusals"];
/** Fields that name who acted: only the control plane knows them. */
const RESERVED_FIELDS = ["actor", "elevation_id"] as const;
/** Fields that are right or wrong; every other text or list can be shortened. */
const EXACT_FIELDS = ["ts", "tenant", "event_id", "schema_version", "decision", "outcome"];
const PROBLEMS_MAX = 8;
const EXCERPT_CHARS_MAX = 64;

/** Event id of a record whose own one cannot be used. No sidecar can take it: ids with a colon are the control plane's. */
export function recordId({ id }: SidecarKey, epoch: number, sequence: number): string {
  return `record:${id}:${epoch}:${sequence}`;
}

/** Ids of the approvals that records name. */
export function approvalsIn(records: readonly Pick<SentRecord, "body">[]): readonly string[] {
  const named = records.map(({ body }) => fieldsOf(fieldsOf(body).event).pending_id);
  return [...new Set(named)].filter((id): id is string => Identifier.safeParse(id).success);
}

export function admit(record: SentRecord, from: Arrival): AdmittedRecord {
  const { sequence, hash } = record;
  const sent = fieldsOf(record.body);
  const problems: string[] = [];
  const body = readBody(sent, { ...from, sequence }, problems);
  if (body === undefined) problems.push(`it could not be read: ${excerpt(record.body as JsonValue, 256)}`);
  return { sequence, hash, body, problems: problems.slice(0, PROBLEMS_MAX) };
}

type Place = Arrival & { readonly sequence: number };

function readBody(sent: Fields, place: Place, problems: string[]): SpoolBody | undefined {
  if (sent.kind === "event" || sent.kind === "intent") return readJudged(sent.kind, sent, place, problems);
  if (sent.kind === "outcome") return readOutcome(sent, problems);
  const parsed = SpoolBody.safeParse(sent);
  return parsed.success && parsed.data.kind === "lost_end" && parsed.data.epoch < place.epoch
    ? parsed.data
    : undefined;
}

function readJudged(
  kind: "event" | "intent",
  sent: Fields,
  place: Place,
  problems: string[],
): SpoolBody | undefined {
  const given = fieldsOf(sent.event);
  if (Object.keys(given).length === 0) return undefined;
  const fields = readFields(given, problems);
  stampOwner(fields, place, problems);
  stampAuthority(fields, kind, place, problems);
  stampIdentity(fields, place, problems);
  const salt = typeof sent.args_salt === "string" && /^[0-9a-f]{0,64}$/.test(sent.args_salt);
  if (!salt) problems.push("the salt is not one");
  const event = buildEvent(fields as EventFields);
  // Shortening is a problem only where the sidecar should have done it: it changes nothing of what fits.
  const shortened = canonicalize(event as JsonValue) !== canonicalize(fields as JsonValue);
  if (shortened && problems.length === 0) problems.push("it was too long or too deep and was shortened");
  return { kind, event: marked(event, problems), args_salt: salt ? String(sent.args_salt) : "" };
}

/** Every field that has the right shape, or can be given it; what is missing or wrong is left to be blank. */
function readFields(given: Fields, problems: string[]): Fields {
  const fields: Fields = {};
  for (const [name, schema] of Object.entries(AuditEvent.shape)) {
    const value = given[name];
    if (schema.safeParse(value).success) {
      if (value !== undefined) fields[name] = value;
    } else {
      problems.push(
        `${name} ${value === undefined ? "is missing" : `is not valid: ${excerpt(value as JsonValue)}`}`,
      );
      if (canBeShortened(name, value)) fields[name] = value;
    }
  }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(AuditEvent.shape, name)) problems.push(`the field ${excerpt(name)} is not known`);
  }
  return fields;
}

const LISTS = ["arg_keys", "obligations", "reasons"];

function canBeShortened(name: string, value: unknown): boolean {
  if (name === "arg_values") return typeof value === "object" && value !== null && !Array.isArray(value);
  if (Array.isArray(value)) {
    return LISTS.includes(name) && value.every((item) => typeof item === "string");
  }
  const field: unknown = Object.entries(AuditEvent.shape).find(([known]) => known === name)?.[1];
  const isText = typeof field === "object" && field !== null && "maxLength" in field;
  return typeof value === "string" && isText && !EXACT_FIELDS.includes(name);
}

/** The credential says whose record it is and of which boot, whatever the record says. */
function stampOwner(fields: Fields, { sidecar, epoch }: Place, problems: string[]): void {
  const owner = { tenant: sidecar.tenant, sidecar_id: sidecar.id, sidecar_epoch: epoch, sidecar_sequence: 0 };
  for (const [name, value] of Object.entries(owner)) {
    if (fields[name] !== undefined && fields[name] !== value)
      problems.push(`${name} is another's: ${excerpt(fields[name] as JsonValue)}`);
    fields[name] = value;
  }
}

/** What only the control plane may tell is not told in a sidecar's words. */
function stampAuthority(
  fields: Fields,
  kind: "event" | "intent",
  { approvals }: Place,
  problems: string[],
): void {
  const refuse = (name: string, instead: string) => {
    problems.push(`${name} is not a sidecar's to say: ${excerpt(fields[name] as JsonValue)}`);
    fields[name] = instead;
  };
  fields.decision ??= kind === "intent" ? "allow" : "block";
  fields.outcome ??= kind === "intent" ? "unknown" : "none";
  fields.event ??= EVENT_NAMES[0];
  if (!EVENT_NAMES.includes(String(fields.event))) refuse("event", EVENT_NAMES[0] ?? "");
  for (const name of RESERVED_FIELDS) if ((fields[name] ?? "") !== "") refuse(name, "");
  const approval = approvals.get(String(fields.pending_id ?? ""));
  const isTold = (fields.pending_id ?? "") === "" || fields.decision === "escalate";
  if (!isTold && !isOf(approval, fields)) refuse("pending_id", "");
  const decider = (fields.pending_id ?? "") === "" ? "" : (approval?.decidedBy ?? "");
  if ((fields.decided_by ?? "") !== "" && fields.decided_by !== decider) refuse("decided_by", "");
}

/** A sidecar may repeat what is known here: that its call was put before people, and that it is the one that ran by the approval. */
function isOf(approval: KnownApproval | undefined, fields: Fields): boolean {
  if (approval?.agent !== fields.agent_id || approval?.tool !== fields.tool) return false;
  return fields.decision !== "allow" || approval?.usedEventId === fields.event_id;
}

function stampIdentity(fields: Fields, { sidecar, epoch, sequence, nowMs }: Place, problems: string[]): void {
  if (!isSidecarsId(fields.event_id)) {
    if (fields.event_id !== undefined)
      problems.push(`event_id cannot be used: ${excerpt(String(fields.event_id))}`);
    fields.event_id = recordId(sidecar, epoch, sequence);
  }
  const ts = String(fields.ts ?? "");
  // The database knows no year 0, and nobody needs more digits than a clock has.
  if (ts.length > 30 || !(Date.parse(ts) >= 0)) {
    if (ts !== "") problems.push(`ts cannot be used: ${excerpt(ts)}`);
    fields.ts = new Date(nowMs).toISOString();
  }
  fields.tool ??= "";
}

function readOutcome(sent: Fields, problems: string[]): SpoolBody | undefined {
  if (!isSidecarsId(sent.event_id)) return undefined;
  const outcome: Fields = {
    outcome: "unknown",
    reason: "",
    latency_ms: 0,
    upstream_status: 0,
    cost_micros: 0,
  };
  for (const [name, schema] of Object.entries(CallOutcome.shape)) {
    const parsed = schema.safeParse(sent[name]);
    if (!parsed.success) problems.push(`${name} is not valid: ${excerpt(sent[name] as JsonValue)}`);
    else if (parsed.data !== undefined) outcome[name] = parsed.data;
  }
  if (problems.length > 0) outcome.reason = remark(problems, String(outcome.reason)).slice(0, 2048);
  return { kind: "outcome", event_id: String(sent.event_id), ...CallOutcome.parse(outcome) };
}

/** An event that says of itself that it is not as it was sent. */
function marked(event: AuditEvent, problems: readonly string[]): AuditEvent {
  if (problems.length === 0) return event;
  return fitEvent({ ...event, degraded: true, reason: remark(problems, event.reason) });
}

function remark(problems: readonly string[], reason: string): string {
  const said = problems.slice(0, PROBLEMS_MAX).join("; ");
  return `The control plane took this record in part: ${said}.${reason === "" ? "" : ` ${reason}`}`;
}

function isSidecarsId(value: unknown): value is string {
  return Identifier.safeParse(value).success && !String(value).includes(":");
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** Enough of a value to know it again. */
function excerpt(value: JsonValue | undefined, charsMax = EXCERPT_CHARS_MAX): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1).toWellFormed()}…`;
}
