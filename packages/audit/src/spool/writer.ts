// Appends records of one epoch. All records of one turn of the event loop become one write: in mode "os" that is all (the
// kernel has the bytes, SIGKILL cannot take them back); in mode "disk" an fdatasync follows, one at a time, and what arrives
// meanwhile is the next batch. Nothing is promised of a file that is no longer at its path: nobody would find it again. The
// first error of the device ends the writer for good: after a failed sync nobody can tell what is on the disk, so nothing is
// retried and nothing more is promised.
import { Fault, toFault } from "@postern/fault";
import { ZERO_HASH } from "../hash.ts";
import { type Appended, createBatch, type Departure } from "./batch.ts";
import type { SpoolDevice } from "./device.ts";
import type { Segment } from "./segment.ts";
import { createSegmentFile, type SegmentFile } from "./segment-file.ts";

export type Durability = "os" | "disk";

export interface WriterOptions {
  readonly directory: string;
  readonly sidecarId: string;
  readonly epoch: number;
  readonly durability: Durability;
  /** A segment that has reached this size is followed by a new one. */
  readonly segmentBytesMax: number;
  readonly device: SpoolDevice;
  /** Hears of each new segment before records are written to it. */
  readonly opened: (segment: Segment) => void;
}

export interface Writer {
  /** The segment that is being written. */
  readonly segment: Segment;
  /** Sequence of the next record. */
  readonly nextSequence: number;
  /** Takes the next sequence at once; resolves when the record is durable. Faults: unavailable `audit.spool_failed`. */
  append(bodyJson: string): Promise<Appended>;
  failure(): Fault | undefined;
  /** Looks whether the file is still where it was written, and ends the writer if not. */
  examine(): void;
  /** Ends the writer as a device error would. */
  fail(caught: unknown): Fault;
  /** Waits for what was appended, then closes the file. */
  close(): Promise<void>;
}

/** Creates the epoch's first segment, durably, so that the epoch is taken. Throws what the device throws. */
export async function createWriter(options: WriterOptions): Promise<Writer> {
  const batch = createBatch();
  let file = openSegment({ sequence: 0, hash: ZERO_HASH });
  try {
    await makeDurable(true);
  } catch (caught) {
    file.abandon();
    throw caught;
  }
  let scheduled = false;
  let flushing: Promise<void> | undefined;
  let failure: Fault | undefined;
  return {
    get segment() {
      return file.segment;
    },
    get nextSequence() {
      return batch.nextSequence;
    },
    append(bodyJson) {
      if (failure !== undefined) return Promise.reject(failure);
      const appended = batch.add(bodyJson);
      schedule();
      return appended;
    },
    failure: () => failure,
    examine() {
      if (failure !== undefined) return;
      try {
        file.assertPresent();
      } catch (caught) {
        fail(caught);
      }
    },
    fail,
    async close() {
      while (failure === undefined && (flushing !== undefined || !batch.empty)) await (flushing ?? flush());
      if (failure !== undefined) return;
      try {
        file.close();
      } catch (caught) {
        throw fail(caught);
      }
    },
  };

  function schedule(): void {
    if (scheduled || flushing !== undefined) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      if (!batch.empty && flushing === undefined && failure === undefined) void flush();
    });
  }

  function flush(): Promise<void> {
    flushing = run(batch.depart());
    return flushing;
  }

  /** Never rejects: those who wait for the records hear of it. */
  async function run(departure: Departure): Promise<void> {
    try {
      await commit(departure);
      departure.arrive();
    } catch (caught) {
      departure.fail(fail(caught));
    }
    flushing = undefined;
    if (!batch.empty) schedule();
  }

  async function commit({ frames, before, last }: Departure): Promise<void> {
    const rolls = file.segment.bytes >= options.segmentBytesMax;
    if (rolls) {
      const full = file;
      file = openSegment(before);
      full.close();
    }
    file.write(frames);
    await makeDurable(rolls);
    file.assertPresent();
    // The writer may have been ended meanwhile, and then these bytes were taken back.
    if (failure !== undefined) throw failure;
    file.commit(frames, last);
  }

  async function makeDurable(directoryChanged: boolean): Promise<void> {
    if (options.durability === "os") return;
    await file.sync();
    if (directoryChanged) await options.device.syncDirectory(options.directory);
  }

  function openSegment({ sequence, hash }: Appended): SegmentFile {
    const { directory, sidecarId, epoch, device } = options;
    const header = { sidecarId, epoch, firstSequence: sequence + 1, previousHash: hash };
    const opened = createSegmentFile(directory, header, device);
    options.opened(opened.segment);
    return opened;
  }

  function fail(caught: unknown): Fault {
    failure ??= new Fault("unavailable", "audit.spool_failed", "The audit spool cannot be written.", {
      detail: toFault(caught).detail ?? toFault(caught).message,
      cause: caught,
    });
    batch.depart().fail(failure);
    file.abandon();
    return failure;
  }
}
