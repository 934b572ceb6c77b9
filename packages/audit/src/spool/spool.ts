// The sidecar's write-ahead record of its calls (promises P2 and P6): an append resolves only when the record is durable, a
// segment is deleted only when the chain covers it, and a spool that is full or has failed takes nothing more.
import type { SpoolRecord } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { Appended, BodySource } from "./batch.ts";
import type { SpoolLevel } from "./capacity.ts";
import type { MissingRecords } from "./inventory.ts";
import { createReader, type RecordRun } from "./reader.ts";
import { parseBody, type RecordText } from "./record.ts";
import type { SetAside } from "./repair.ts";
import type { Segment } from "./segment.ts";
import { dropCovered, type SpoolStore } from "./store.ts";
import type { Writer } from "./writer.ts";

/** Where a record stands among all records of a sidecar. */
export interface SpoolPosition {
  readonly epoch: number;
  readonly sequence: number;
}

/** Records of one epoch, in order, without holes. */
export interface SpoolBatch<Record = SpoolRecord> {
  readonly epoch: number;
  /** Hash of the record before the first one, hexadecimal. */
  readonly previousHash: string;
  readonly records: readonly Record[];
}

export interface SpoolUsage {
  readonly bytes: number;
  readonly bytesMax: number;
  readonly level: SpoolLevel;
  readonly oldestEpoch: number;
  /** Records that are durable here and not yet acknowledged as covered. */
  readonly records: number;
}

/** What opening found. Worth an alarm: `missing`, `cursorLost`, and what was set aside without being unfinished. */
export interface RecoveryReport {
  /** Bytes that hold no sound record, moved out of the way by this opening. */
  readonly setAside: readonly SetAside[];
  /** Records that must have existed, are not acknowledged, and are gone. */
  readonly missing: readonly MissingRecords[];
  /** Calls of earlier epochs whose outcome this opening recorded as "unknown". */
  readonly closedIntents: number;
  /** There are segments, but what was acknowledged is no longer known. */
  readonly cursorLost: boolean;
}

export interface Spool {
  readonly recovery: RecoveryReport;
  /**
   * Resolves when the record is durable. A function is called once, later in the same turn of the event loop or when the disk is free again:
   * making the record then costs the caller nothing, and less in all. Records are numbered in the order of appending. Faults, with nothing
   * recorded: unavailable `audit.spool_full`, `audit.spool_failed`, `audit.spool_closed`; invalid `audit.not_canonical`,
   * `audit.record_too_large`; and what the function throws, which refuses this record alone.
   */
  append(body: BodySource): Promise<Appended>;
  /**
   * The oldest durable, unacknowledged records after a position: at most `recordsMax` and about 1 MiB. Undefined: there are none.
   * Start with { epoch: 0, sequence: 0 }. Faults: internal `audit.spool_corrupt`; unavailable `audit.spool_failed` (the file is
   * gone, and with it the spool is closed for good).
   */
  read(after: SpoolPosition, recordsMax: number): Promise<SpoolBatch | undefined>;
  /** The same, with bodies as they were written: what is shipped needs no parsing here. `auditBatchJson` makes a request of it. */
  readTexts(after: SpoolPosition, recordsMax: number): Promise<SpoolBatch<RecordText> | undefined>;
  /**
   * The chain covers this epoch up to `covered`; segments that are wholly covered are deleted. Older news and epochs that are
   * gone change nothing. Faults: invalid `audit.acknowledgement` (it covers what was never written); unavailable `audit.spool_failed`.
   */
  acknowledge(position: { readonly epoch: number; readonly covered: number }): Promise<void>;
  usage(): SpoolUsage;
  /** Why the spool takes nothing more; undefined while it does, also when it is merely full. Looks whether its file is still there. */
  failure(): Fault | undefined;
  /** Waits until what was appended is durable, and lets another process open the spool. */
  close(): Promise<void>;
}

export interface SpoolParts {
  readonly store: SpoolStore;
  readonly bytesMax: number;
  readonly writer: Writer;
  readonly recovery: RecoveryReport;
  readonly unlock: () => void;
}

export function createSpool({ store, bytesMax, writer, recovery, unlock }: SpoolParts): Spool {
  const { segments, covered, capacity } = store;
  const reader = createReader();
  let acknowledging: Promise<void> = Promise.resolve();
  let closing: Promise<void> | undefined;
  return {
    recovery,
    append(body) {
      const refusal = stopped();
      return refusal === undefined ? writer.append(body, capacity.admit) : Promise.reject(refusal);
    },
    async read(after, recordsMax) {
      const batch = await readTexts(after, recordsMax);
      if (batch === undefined) return undefined;
      const records = batch.records.map(({ sequence, hash, bodyJson }) => {
        return { sequence, hash, body: parseBody(bodyJson) };
      });
      return { ...batch, records };
    },
    readTexts,
    acknowledge({ epoch, covered: sequence }) {
      const turn = acknowledging.then(() => acknowledge(epoch, sequence));
      acknowledging = turn.catch(() => {});
      return turn;
    },
    usage() {
      const records = segments.map(({ epoch, firstSequence, lastSequence }) =>
        Math.max(0, lastSequence - Math.max(firstSequence - 1, coveredOf(epoch))),
      );
      return {
        bytes: capacity.bytes,
        bytesMax,
        level: capacity.level,
        oldestEpoch: segments[0]?.epoch ?? store.epoch,
        records: records.reduce((sum, count) => sum + count, 0),
      };
    },
    failure() {
      if (closing === undefined) writer.examine();
      return writer.failure();
    },
    close() {
      closing ??= acknowledging.then(() => writer.close()).finally(unlock);
      return closing;
    },
  };

  async function readTexts(
    after: SpoolPosition,
    recordsMax: number,
  ): Promise<SpoolBatch<RecordText> | undefined> {
    for (const segment of segments) {
      const { epoch, firstSequence, lastSequence } = segment;
      const reached = epoch === after.epoch ? after.sequence : 0;
      const from = Math.max(firstSequence, reached + 1, coveredOf(epoch) + 1);
      if (epoch < after.epoch || from > lastSequence) continue;
      return { epoch, ...(await readFrom(segment, from, recordsMax)) };
    }
    return undefined;
  }

  async function readFrom(segment: Segment, from: number, recordsMax: number): Promise<RecordRun> {
    try {
      return await reader.read(segment, from, recordsMax);
    } catch (caught) {
      // A file that cannot be opened or read will not come back by itself.
      throw caught instanceof Fault ? caught : writer.fail(caught);
    }
  }

  async function acknowledge(epoch: number, sequence: number): Promise<void> {
    const refusal = stopped();
    if (refusal !== undefined) throw refusal;
    if (!segments.some((segment) => segment.epoch === epoch) || sequence <= coveredOf(epoch)) return;
    if (epoch === store.epoch && sequence > writer.segment.lastSequence) {
      const message = "The acknowledgement covers records that were never written.";
      throw new Fault("invalid", "audit.acknowledgement", message);
    }
    covered.set(epoch, sequence);
    try {
      await dropCovered(store, isNeeded);
    } catch (caught) {
      throw writer.fail(caught);
    }
  }

  function isNeeded(segment: Segment): boolean {
    const { epoch, firstSequence, lastSequence } = segment;
    return (
      segment === writer.segment ||
      (epoch === store.epoch && capacity.hasOpenIntent(firstSequence, lastSequence))
    );
  }

  function coveredOf(epoch: number): number {
    return covered.get(epoch) ?? 0;
  }

  function stopped(): Fault | undefined {
    if (closing === undefined) return writer.failure();
    return new Fault("unavailable", "audit.spool_closed", "The audit spool is closed.");
  }
}
