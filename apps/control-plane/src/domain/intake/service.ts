// Takes in batches from sidecars, exactly once: what was received, what became of it and the events in the chain change in one
// transaction, and batches of one sidecar are taken in one at a time. What is sent again is acknowledged again; what contradicts an
// earlier record is refused and told in the chain.
import type { Acknowledgement, AuditBatch, SpoolRecord } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { seal } from "@postern/signing";
import { appendEvents } from "../audit/append.ts";
import type { NewEvent } from "../audit/model.ts";
import { selectChained } from "../audit/service.ts";
import type { Keys } from "../keys/service.ts";
import type { Sidecars } from "../sidecars/service.ts";
import type { Unit, Work } from "../unit.ts";
import {
  assertSound,
  batchHashAt,
  EMPTY_STREAM,
  foldRecords,
  type SidecarKey,
  type SpoolStream,
} from "./model.ts";
import {
  deleteOpenCalls,
  findRecordHash,
  findStream,
  insertBatchHashes,
  insertOpenCalls,
  saveStream,
  selectOpenCalls,
  selectUncovered,
} from "./store.ts";

export type Taken =
  | {
      readonly ok: true;
      /** Sealed acknowledgements: the batch's epoch first, then the others that matter. */
      readonly acknowledgements: string[];
      readonly recordsTaken: number;
      readonly eventsAppended: number;
    }
  | { readonly ok: false; readonly problem: "gap" | "fork"; readonly expectedSequence: number };

export interface Intake {
  /** Faults: invalid "audit.record"; conflict "audit.epoch" when the epoch was never granted. */
  take(work: Work, sidecar: SidecarKey, batch: AuditBatch): Promise<Taken>;
}

const ACKNOWLEDGEMENTS_MAX = 64;

export function createIntake(dependencies: { keys: Keys; sidecars: Sidecars }): Intake {
  const { keys, sidecars } = dependencies;

  async function takeIn(unit: Unit, sidecar: SidecarKey, batch: AuditBatch): Promise<Taken> {
    const latestEpoch = await sidecars.lock(unit, sidecar);
    if (batch.epoch > latestEpoch) {
      throw new Fault("conflict", "audit.epoch", `The epoch ${batch.epoch} was not granted to this sidecar.`);
    }
    const stream = (await findStream(unit.executor, sidecar, batch.epoch)) ?? {
      ...EMPTY_STREAM,
      epoch: batch.epoch,
    };
    const first = batch.records[0]?.sequence ?? 1;
    const expectedSequence = stream.received + 1;
    if (first > expectedSequence) return { ok: false, problem: "gap", expectedSequence };
    if (await isFork(unit, sidecar, batch, stream)) return { ok: false, problem: "fork", expectedSequence };

    const records = batch.records.slice(expectedSequence - first);
    const eventsAppended = await store(unit, sidecar, stream, records);
    const acknowledgements = await acknowledge(unit, sidecar, batch.epoch);
    return { ok: true, acknowledgements, recordsTaken: records.length, eventsAppended };
  }

  async function acknowledge(unit: Unit, sidecar: SidecarKey, epoch: number): Promise<string[]> {
    const key = await keys.signer(unit, sidecar.tenant, "log");
    const uncovered = await selectUncovered(unit.executor, sidecar, epoch);
    const ordered = [...uncovered].sort((a, b) => Number(b.epoch === epoch) - Number(a.epoch === epoch));
    const sealed: string[] = [];
    for (const stream of ordered.slice(0, ACKNOWLEDGEMENTS_MAX)) {
      const covered = stream.firstOpen === undefined ? stream.received : stream.firstOpen - 1;
      if (covered !== stream.covered) await saveStream(unit.executor, sidecar, { ...stream, covered });
      const acknowledgement: Acknowledgement = {
        sidecar_id: sidecar.id,
        epoch: stream.epoch,
        received: stream.received,
        covered,
        received_hash: stream.receivedHash,
      };
      sealed.push(await seal({ ...acknowledgement }, { key, purpose: "acknowledgement" }));
    }
    return sealed;
  }

  return {
    async take(work, sidecar, batch) {
      assertSound(batch, sidecar);
      return await work.commit((unit) => takeIn(unit, sidecar, batch));
    },
  };
}

/** Whether the batch tells another history than the one that was taken in; then the chain tells so, once for each such story. */
async function isFork(
  unit: Unit,
  sidecar: SidecarKey,
  batch: AuditBatch,
  stream: SpoolStream,
): Promise<boolean> {
  const { epoch } = stream;
  const sequence = Math.min(stream.received, batch.records.at(-1)?.sequence ?? 0);
  const stored =
    sequence === stream.received
      ? stream.receivedHash
      : sequence === 0
        ? EMPTY_STREAM.receivedHash
        : await findRecordHash(unit.executor, sidecar, { epoch, sequence });
  const sent = batchHashAt(batch, sequence);
  if (sent === stored) return false;
  const { tenant, id } = sidecar;
  unit.record({
    tenant,
    name: "audit_fork",
    decision: "block",
    check: "audit",
    reason: "The sidecar sent another record than the one that was taken in under the same number.",
    details: { sidecar_id: id, epoch, sequence, stored_hash: stored ?? "", sent_hash: sent },
    eventId: `fork:${epoch}:${sequence}:${sent.slice(0, 32)}:${id.slice(0, 36)}`,
  });
  return true;
}

/** Stores new records and appends the events that they complete. How many were appended. */
async function store(
  unit: Unit,
  sidecar: SidecarKey,
  stream: SpoolStream,
  records: readonly SpoolRecord[],
): Promise<number> {
  const last = records.at(-1);
  if (last === undefined) return 0;
  const { executor } = unit;
  const outcomeIds = records.flatMap(({ body }) => (body.kind === "outcome" ? [body.event_id] : []));
  const intentIds = records.flatMap(({ body }) => (body.kind === "intent" ? [body.event.event_id] : []));
  const known = new Set(intentIds);
  const open = await selectOpenCalls(executor, sidecar, [...new Set([...outcomeIds, ...intentIds])]);
  for (const call of open) known.add(call.eventId);
  const lonely = outcomeIds.filter((eventId) => !known.has(eventId));
  const chained = await selectChained(executor, sidecar.tenant, lonely);
  const { complete, opened, closed } = foldRecords(records, stream.epoch, { open, chained });

  const repeated = await appendEvents(executor, sidecar.tenant, complete);
  for (const { event } of repeated) recordRepeated(unit, sidecar, event);
  await deleteOpenCalls(
    executor,
    sidecar,
    closed.map((call) => call.eventId),
  );
  await insertOpenCalls(executor, sidecar, opened);
  const hashes = records.map((record) => record.hash);
  await insertBatchHashes(executor, sidecar, {
    epoch: stream.epoch,
    firstSequence: stream.received + 1,
    hashes,
  });
  await saveStream(executor, sidecar, { ...stream, received: last.sequence, receivedHash: last.hash });
  return complete.length - repeated.length;
}

/** Two records with one event id: the first one stays, and that there was a second one is told. */
function recordRepeated(unit: Unit, { tenant, id }: SidecarKey, event: NewEvent["event"]): void {
  unit.record({
    tenant,
    name: "audit_repeated",
    decision: "block",
    check: "audit",
    reason: "The sidecar sent a second event under an id that is in the chain; the second one was left out.",
    details: {
      sidecar_id: id,
      event_id: event.event_id,
      epoch: event.sidecar_epoch,
      sequence: event.sidecar_sequence,
    },
  });
}
