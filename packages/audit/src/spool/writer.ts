// Appends records of one epoch. All records of one turn of the event loop become one write, right after the sockets of that turn were
// read: in mode "os" that is all (the kernel has the bytes, SIGKILL cannot take them back); in mode "disk" an fdatasync follows, one at a
// time, and what arrives meanwhile is the next batch. Nothing is promised of a file that is no longer at its path: nobody would find it again. The
// first error of the device ends the writer for good: after a failed sync nobody can tell what is on the disk, so nothing is
// retried and nothing more is promised.
import { Fault, toFault } from "@postern/fault";
import { ZERO_HASH } from "../hash.ts";
import { type Admission, type Appended, type BodySource, createBatch, type Departure } from "./batch.ts";
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
  /**
   * Resolves when the record is durable. Faults: unavailable `audit.spool_failed`, and what making or admitting the record throws, which
   * refuses that record alone.
   */
  append(source: BodySource, admit: Admission): Promise<Appended>;
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
    append(source, admit) {
      if (failure !== undefined) return Promise.reject(failure);
      schedule();
      return batch.add(source, admit);
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
      while (failure === undefined && (flushing !== undefined || !batch.empty)) {
        if (flushing === undefined) flush();
        await flushing;
      }
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
    setImmediate(flushScheduled);
  }

  function flushScheduled(): void {
    scheduled = false;
    if (!batch.empty && flushing === undefined && failure === undefined) flush();
  }

  /** Never throws: those who wait for the records hear of it. In mode "os" all is done when it returns. */
  function flush(): void {
    const departure = batch.depart();
    if (departure.frames.length === 0) return;
    try {
      // What makes a record may ask for the spool's health, and so end the writer.
      if (failure !== undefined) throw failure;
      const rolled = write(departure);
      if (options.durability === "os") keep(departure);
      else flushing = keepOnceDurable(departure, rolled);
    } catch (caught) {
      departure.fail(fail(caught));
    }
  }

  async function keepOnceDurable(departure: Departure, rolled: boolean): Promise<void> {
    try {
      await makeDurable(rolled);
      keep(departure);
    } catch (caught) {
      departure.fail(fail(caught));
    }
    flushing = undefined;
    if (!batch.empty) schedule();
  }

  /** Whether a new file was begun for it. */
  function write({ frames, before }: Departure): boolean {
    const rolls = file.segment.bytes >= options.segmentBytesMax;
    if (rolls) {
      const full = file;
      file = openSegment(before);
      full.close();
    }
    file.write(frames);
    return rolls;
  }

  /** Keeps the promises of what is durable. */
  function keep({ frames, last, arrive }: Departure): void {
    file.assertPresent();
    // The writer may have been ended meanwhile, and then these bytes were taken back.
    if (failure !== undefined) throw failure;
    file.commit(frames.length, last);
    arrive();
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
    batch.fail(failure);
    file.abandon();
    return failure;
  }
}
