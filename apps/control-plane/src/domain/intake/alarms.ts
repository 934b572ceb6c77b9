// What intake tells in the tenant's chain besides the calls themselves: that a record contradicts another, was taken in part, came under a
// name that was taken, or is lost. An operator looks for these: tool `admin/audit_…`, check "audit", decision "block".
import type { Unit } from "../unit.ts";
import type { AdmittedRecord } from "./admission.ts";
import type { SidecarKey } from "./model.ts";

const ALARM = { decision: "block", check: "audit" } as const;
const PROBLEMS_TOLD_MAX = 16;
const PROBLEM_CHARS_MAX = 512;
/** Ids of sidecars are 36 characters; an event's id has room for no more. */
const named = (id: string) => id.slice(0, 36);

/** Another history under the same numbers; once for each such story. */
export function tellFork(
  unit: Unit,
  { tenant, id }: SidecarKey,
  found: { epoch: number; sequence: number; stored: string; sent: string },
): void {
  const { epoch, sequence, stored, sent } = found;
  unit.record({
    ...ALARM,
    tenant,
    name: "audit_fork",
    reason: "The sidecar sent another record than the one that was taken in under the same number.",
    details: { sidecar_id: id, epoch, sequence, stored_hash: stored, sent_hash: sent },
    eventId: `fork:${epoch}:${sequence}:${sent.slice(0, 32)}:${named(id)}`,
  });
}

/** Records that could not be taken as they are; one alarm for a batch, so that a broken sidecar cannot flood the chain. */
export function tellRefused(
  unit: Unit,
  { tenant, id }: SidecarKey,
  epoch: number,
  records: readonly AdmittedRecord[],
): void {
  const wrong = records.filter(({ problems }) => problems.length > 0);
  if (wrong.length === 0) return;
  const told = wrong.slice(0, PROBLEMS_TOLD_MAX);
  unit.record({
    ...ALARM,
    tenant,
    name: "audit_refused",
    reason: "The sidecar sent records that are not as they may be; they were taken in part.",
    details: {
      sidecar_id: id,
      epoch,
      records: wrong.length,
      problems: told.map(({ sequence, hash, problems }) =>
        `${sequence} ${hash}: ${problems.join("; ")}`.slice(0, PROBLEM_CHARS_MAX),
      ),
    },
  });
}

/** An event came under an id that was in the chain; it is stored under the id of its record. */
export function tellRepeated(
  unit: Unit,
  { tenant, id }: SidecarKey,
  event: { event_id: string; sidecar_epoch: number; sidecar_sequence: number },
  storedAs: string,
): void {
  unit.record({
    ...ALARM,
    tenant,
    name: "audit_repeated",
    reason: "The sidecar sent an event under an id that is in the chain; it was stored under another one.",
    details: {
      sidecar_id: id,
      event_id: event.event_id,
      stored_event_id: storedAs,
      epoch: event.sidecar_epoch,
      sequence: event.sidecar_sequence,
    },
  });
}

/** Records that a sidecar wrote and lost before they were taken in; `to` undefined: at least to its epoch's end, if there were any. */
export function tellLost(
  unit: Unit,
  { tenant, id }: SidecarKey,
  lost: { epoch: number; from: number; to: number | undefined },
): void {
  const { epoch, from, to } = lost;
  const which =
    to === undefined ? `${from} and after, if there were any,` : from === to ? `${from}` : `${from} to ${to}`;
  unit.record({
    ...ALARM,
    tenant,
    name: "audit_lost",
    reason: `The sidecar's records ${which} of its epoch ${epoch} are lost: what they told is not in the chain.`,
    details: { sidecar_id: id, epoch, missing_from: from, ...(to === undefined ? {} : { missing_to: to }) },
    eventId: `lost:${epoch}:${from}:${named(id)}`,
  });
}
