// Makes one event of each call, out of records that may arrive apart: an intent and its outcome, of one boot or of two, in whatever order.
import { buildEvent, closeIntent } from "@postern/audit";
import type { AuditEvent, CallOutcome, SpoolBody } from "@postern/contracts";
import type { NewEvent } from "../audit/model.ts";
import type { AdmittedRecord, Provenance } from "./admission.ts";
import type { OpenCall } from "./model.ts";

/** What records do to the calls that are half known. */
export interface Folded {
  /** Complete events, in the order in which they became complete. */
  readonly complete: readonly NewEvent[];
  readonly opened: readonly OpenCall[];
  readonly closed: readonly OpenCall[];
}

/** What is known before records are folded. */
export interface KnownBefore {
  /** Calls half known. */
  readonly open: readonly OpenCall[];
  /** Ids of the outcomes here whose events are in the chain already, so that there is nothing left to add to them. */
  readonly chained: ReadonlySet<string>;
  /** Makes an event of an outcome whose intent is lost; undefined while no record of this epoch is, so that the intent is still to come. */
  readonly orphan: ((outcome: PlacedOutcome) => AuditEvent) | undefined;
}

export type PlacedOutcome = CallOutcome & { readonly event_id: string; readonly sequence: number };

/** Folds records into complete events. */
export function foldRecords(records: readonly AdmittedRecord[], epoch: number, before: KnownBefore): Folded {
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

  function takeIntent(intent: NewEvent, sequence: number): void {
    const eventId = intent.event.event_id;
    const half = fresh.get(eventId) ?? stored.get(eventId);
    // Two calls under one id: of the first one nobody will tell how it ended.
    if (half?.half === "intent")
      complete.push({ ...half.body, event: { ...half.body.event, outcome: "unknown" } });
    if (half?.half === "outcome") finish(eventId, closeIntent(intent.event, half.body), intent.argsSalt);
    else fresh.set(eventId, { half: "intent", eventId, epoch, sequence, body: intent });
  }

  function takeOutcome(eventId: string, outcome: CallOutcome, sequence: number): void {
    const half = fresh.get(eventId) ?? stored.get(eventId);
    if (half?.half === "intent") {
      finish(eventId, closeIntent(half.body.event, outcome), half.body.argsSalt);
    } else if (half === undefined && !done.has(eventId)) {
      if (before.orphan !== undefined)
        finish(eventId, before.orphan({ ...outcome, event_id: eventId, sequence }), "");
      // The intent is in an earlier epoch that has not arrived yet.
      else fresh.set(eventId, { half: "outcome", eventId, epoch, sequence, body: outcome });
    }
  }

  for (const { sequence, body } of records) {
    if (body?.kind === "event")
      complete.push({ event: placed(body.event, sequence), argsSalt: body.args_salt });
    if (body?.kind === "intent")
      takeIntent({ event: placed(body.event, sequence), argsSalt: body.args_salt }, sequence);
    if (body?.kind === "outcome") takeOutcome(body.event_id, outcomeOf(body), sequence);
  }
  return { complete, opened: [...fresh.values()], closed };
}

/** All that is left of a call whose intent is lost: that it was, and how it ended. */
export function orphanEvent(
  { sidecar, epoch, nowMs }: Provenance,
  { event_id, sequence, ...outcome }: PlacedOutcome,
): AuditEvent {
  const reason = `The record of what was called is lost. ${outcome.reason}`.trimEnd();
  return buildEvent({
    ...outcome,
    ts: new Date(nowMs).toISOString(),
    event: "intentgate.tool_call",
    decision: "allow",
    tenant: sidecar.tenant,
    tool: "",
    reason,
    event_id,
    sidecar_id: sidecar.id,
    sidecar_epoch: epoch,
    sidecar_sequence: sequence,
    degraded: true,
  });
}

/** The event with the sequence of its record, which nobody knew while it was written. */
function placed(event: AuditEvent, sequence: number): AuditEvent {
  return { ...event, sidecar_sequence: sequence };
}

function outcomeOf({ kind: _kind, event_id: _id, ...outcome }: SpoolBody & { kind: "outcome" }): CallOutcome {
  return outcome;
}
