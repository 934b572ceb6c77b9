// Takes in batches from sidecars, exactly once: what was received, what became of it and the events in the chain change in one
// transaction, and batches of one sidecar are taken in one at a time. What is sent again is acknowledged again; what contradicts an
// earlier record is refused and told in the chain; what is lost is passed over and told. No content of a record stops what follows it.
import type { Acknowledgement, AuditBatch } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { seal } from "@postern/signing";
import type { Approvals } from "../approvals/service.ts";
import { appendEvents } from "../audit/append.ts";
import type { NewEvent } from "../audit/model.ts";
import { selectChained } from "../audit/service.ts";
import type { Keys } from "../keys/service.ts";
import type { Sidecars } from "../sidecars/service.ts";
import type { Unit, Work } from "../unit.ts";
import { type AdmittedRecord, admit, approvalsIn, recordId } from "./admission.ts";
import { tellFork, tellLost, tellRefused, tellRepeated } from "./alarms.ts";
import { foldRecords, type KnownBefore, orphanEvent } from "./fold-records.ts";
import {
  assertSound,
  batchHashAt,
  EMPTY_STREAM,
  passesLoss,
  type SidecarKey,
  type SpoolStream,
} from "./model.ts";
import {
  deleteOpenCalls,
  findRecordHash,
  findStream,
  hasHole,
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

export function createIntake(dependencies: {
  keys: Keys;
  sidecars: Sidecars;
  approvals: Pick<Approvals, "named">;
}): Intake {
  const { keys, sidecars, approvals } = dependencies;

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
    if (passesLoss(batch, expectedSequence)) {
      tellLost(unit, sidecar, { epoch: batch.epoch, from: expectedSequence, to: first - 1 });
    } else if (first > expectedSequence) {
      return { ok: false, problem: "gap", expectedSequence };
    } else if (await isFork(unit, sidecar, batch, stream)) {
      return { ok: false, problem: "fork", expectedSequence };
    }
    const fresh = batch.records.slice(Math.max(0, expectedSequence - first));
    const known = await approvals.named(unit.executor, sidecar.tenant, approvalsIn(fresh));
    const from = { sidecar, epoch: batch.epoch, nowMs: unit.nowMs, approvals: known };
    const records = fresh.map((record) => admit(record, from));
    tellRefused(unit, sidecar, batch.epoch, records);
    await tellLostEnds(unit, sidecar, records);
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
      assertSound(batch);
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
  tellFork(unit, sidecar, { epoch, sequence, stored: stored ?? "", sent });
  return true;
}

/** An end that is lost shows by nothing else: records that have arrived all the same are not told as lost. */
async function tellLostEnds(
  unit: Unit,
  sidecar: SidecarKey,
  records: readonly AdmittedRecord[],
): Promise<void> {
  for (const { body } of records) {
    if (body?.kind !== "lost_end") continue;
    const received = (await findStream(unit.executor, sidecar, body.epoch))?.received ?? 0;
    tellLost(unit, sidecar, { epoch: body.epoch, from: Math.max(body.from, received + 1), to: undefined });
  }
}

/** Stores new records and appends the events that they complete. How many were appended. */
async function store(
  unit: Unit,
  sidecar: SidecarKey,
  stream: SpoolStream,
  records: readonly AdmittedRecord[],
): Promise<number> {
  const [head, last] = [records[0], records.at(-1)];
  if (head === undefined || last === undefined) return 0;
  const { executor } = unit;
  const complete = await fold(unit, sidecar, stream, records);
  const repeated = await appendEvents(executor, sidecar.tenant, complete);
  // Whoever took the id first, this event is another one and is kept.
  const renamed = repeated.map(({ event, argsSalt }) => {
    const storedAs = recordId(sidecar, event.sidecar_epoch, event.sidecar_sequence);
    tellRepeated(unit, sidecar, event, storedAs);
    return { event: { ...event, event_id: storedAs }, argsSalt };
  });
  await appendEvents(executor, sidecar.tenant, renamed);
  await insertBatchHashes(executor, sidecar, {
    epoch: stream.epoch,
    firstSequence: head.sequence,
    hashes: records.map((record) => record.hash),
  });
  await saveStream(executor, sidecar, { ...stream, received: last.sequence, receivedHash: last.hash });
  return complete.length;
}

/** Brings the calls that are half known up to date, and returns the events that are whole now. */
async function fold(
  { executor, nowMs }: Unit,
  sidecar: SidecarKey,
  stream: SpoolStream,
  records: readonly AdmittedRecord[],
): Promise<readonly NewEvent[]> {
  const outcomeIds = records.flatMap(({ body }) => (body?.kind === "outcome" ? [body.event_id] : []));
  const intentIds = records.flatMap(({ body }) => (body?.kind === "intent" ? [body.event.event_id] : []));
  const known = new Set(intentIds);
  const open = await selectOpenCalls(executor, sidecar, [...new Set([...outcomeIds, ...intentIds])]);
  for (const call of open) known.add(call.eventId);
  const lonely = outcomeIds.filter((eventId) => !known.has(eventId));
  const chained = await selectChained(executor, sidecar.tenant, lonely);
  const { epoch, received } = stream;
  const skips = (records[0]?.sequence ?? 0) > received + 1;
  const holed = lonely.length > 0 && (skips || (await hasHole(executor, sidecar, stream)));
  const orphan: KnownBefore["orphan"] = holed
    ? (outcome) => orphanEvent({ sidecar, epoch, nowMs }, outcome)
    : undefined;
  const { complete, opened, closed } = foldRecords(records, epoch, { open, chained, orphan });
  const closedIds = closed.map((call) => call.eventId);
  await deleteOpenCalls(executor, sidecar, closedIds);
  await insertOpenCalls(executor, sidecar, opened);
  return complete;
}
