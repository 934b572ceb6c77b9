// The rules by which records of a spool become events of a chain. Identity is (sidecar, epoch, sequence); each record's hash commits to all
// before it, so comparing one hash at one place tells whether two histories are the same up to there.
import { closeIntent, recordHash, ZERO_HASH } from "@postern/audit";
import type { AuditBatch, AuditEvent, CallOutcome, SpoolRecord } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { NewEvent } from "../audit/model.ts";

export interface SidecarKey {
  readonly tenant: string;
  readonly id: string;
}

/** How far one boot of a sidecar has been taken in. */
export interface SpoolStream {
  readonly epoch: number;
  readonly received: number;
  readonly receivedHash: string;
  readonly covered: number;
}

export const EMPTY_STREAM = { received: 0, receivedHash: ZERO_HASH, covered: 0 };

/** A call of which one half is known. The body is the intent's event and salt, or the outcome. */
export type OpenCall = { readonly eventId: string; readonly epoch: number; readonly sequence: number } & (
  | { readonly half: "intent"; readonly body: NewEvent }
  | { readonly half: "outcome"; readonly body: CallOutcome }
);

/**
 * Checks what a batch says about itself: order without holes, hashes, and that every event is of this sidecar.
 * @throws Fault invalid "audit.record".
 */
export function assertSound(batch: AuditBatch, sidecar: SidecarKey): void {
  const first = batch.records[0]?.sequence ?? 1;
  let previous = batch.previous_hash;
  for (const [at, record] of batch.records.entries()) {
    const problem = problemOf(record, { batch, sidecar, sequence: first + at, previous });
    if (problem !== undefined) throw new Fault("invalid", "audit.record", `body.records[${at}]: ${problem}`);
    previous = record.hash;
  }
}

function problemOf(
  { sequence, hash, body }: SpoolRecord,
  expected: { batch: AuditBatch; sidecar: SidecarKey; sequence: number; previous: string },
): string | undefined {
  if (sequence !== expected.sequence) return `the sequence should be ${expected.sequence}`;
  if (recordHash(sequence, expected.previous, body) !== hash) return "the hash is not that of the record";
  if (body.kind === "outcome") return undefined;
  const { event } = body;
  if (event.tenant !== expected.sidecar.tenant) return "the event is of another tenant";
  if (event.sidecar_id !== expected.sidecar.id) return "the event is of another sidecar";
  if (event.sidecar_sequence !== 0) return "the event names a sequence, which is not the sidecar's to say";
  return event.sidecar_epoch === expected.batch.epoch ? undefined : "the event is of another epoch";
}

/** Hash that the batch gives to a sequence of its own, or to the one before its first. */
export function batchHashAt(batch: AuditBatch, sequence: number): string {
  const first = batch.records[0]?.sequence ?? 1;
  return sequence === first - 1 ? batch.previous_hash : (batch.records[sequence - first]?.hash ?? "");
}

/** What records do to the calls that are half known. */
export interface Folded {
  /** Complete events, in the order in which they became complete. */
  readonly complete: readonly NewEvent[];
  readonly opened: readonly OpenCall[];
  readonly closed: readonly OpenCall[];
}

/**
 * Folds records into complete events. `open`: calls half known before; `chained`: ids of the outcomes here whose events are in the chain
 * already, so that there is nothing left to add to them.
 */
export function foldRecords(
  records: readonly SpoolRecord[],
  epoch: number,
  before: { open: readonly OpenCall[]; chained: ReadonlySet<string> },
): Folded {
  const stored = new Map(before.open.map((call) => [call.eventId, call]));
  const fresh = new Map<string, OpenCall>();
  const done = new Set(before.chained);
  const complete: NewEvent[] = [];
  const closed: OpenCall[] = [];

  function finish(eventId: string, event: AuditEvent, argsSalt: string): void {
    complete.push({ event, argsSalt });
    done.add(eventId);
    fresh.delete(eventId);
    const half = stored.get(eventId);
    if (half === undefined) return;
    closed.push(half);
    stored.delete(eventId);
  }

  for (const { sequence, body } of records) {
    if (body.kind === "event") {
      complete.push({ event: placed(body.event, sequence), argsSalt: body.args_salt });
      continue;
    }
    const eventId = body.kind === "intent" ? body.event.event_id : body.event_id;
    const half = fresh.get(eventId) ?? stored.get(eventId);
    if (body.kind === "intent") {
      const intent: NewEvent = { event: placed(body.event, sequence), argsSalt: body.args_salt };
      if (half?.half === "outcome") finish(eventId, closeIntent(intent.event, half.body), intent.argsSalt);
      else fresh.set(eventId, { half: "intent", eventId, epoch, sequence, body: intent });
    } else if (half?.half === "intent") {
      finish(eventId, closeIntent(half.body.event, outcomeOf(body)), half.body.argsSalt);
    } else if (half === undefined && !done.has(eventId)) {
      // The intent is in an earlier epoch that has not arrived yet.
      fresh.set(eventId, { half: "outcome", eventId, epoch, sequence, body: outcomeOf(body) });
    }
  }
  return { complete, opened: [...fresh.values()], closed };
}

/** The event with the sequence of its record, which nobody knew while it was written. */
function placed(event: AuditEvent, sequence: number): AuditEvent {
  return { ...event, sidecar_sequence: sequence };
}

function outcomeOf({ outcome, reason, latency_ms, upstream_status, cost_micros }: CallOutcome): CallOutcome {
  return { outcome, reason, latency_ms, upstream_status, cost_micros };
}
