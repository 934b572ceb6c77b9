// Records that wait for the next write. Whoever appends only leaves a promise to keep: bodies are made, numbered, linked and framed when the
// batch departs, one after the other in a warm loop, into one buffer. A record that cannot be made is refused by itself and takes no number.
import type { SpoolBody } from "@postern/contracts";
import type { Fault } from "@postern/fault";
import { ZERO_HASH } from "../hash.ts";
import { FRAME_OVERHEAD_BYTES, writeFrame } from "./frame.ts";
import { printBody } from "./record.ts";

export interface Appended {
  readonly sequence: number;
  /** Hash of the record, hexadecimal. */
  readonly hash: string;
}

/** A record's body, or what makes it once it is needed. */
export type BodySource = SpoolBody | (() => SpoolBody);

/** Says whether a record is to be written, given the bytes of its frame and its sequence. Throws if not. */
export type Admission = (body: SpoolBody, frameBytes: number, sequence: number) => void;

/** A batch on its way to the disk. */
export interface Departure {
  /** Empty when no record of the batch could be made. Valid until the next departure. */
  readonly frames: Buffer;
  /** The record before the first one of this batch. */
  readonly before: Appended;
  readonly last: Appended;
  arrive(): void;
  fail(fault: Fault): void;
}

export interface Batch {
  readonly empty: boolean;
  /** Resolves or rejects as its departure ends; rejects with what making or admitting the record throws. */
  add(source: BodySource, admit: Admission): Promise<Appended>;
  /** Gives each record the next sequence, in the order of adding, and links it to the one before. */
  depart(): Departure;
  /** Refuses what waits. */
  fail(fault: Fault): void;
}

interface Waiter {
  readonly source: BodySource;
  readonly admit: Admission;
  readonly resolve: (record: Appended) => void;
  readonly reject: (caught: unknown) => void;
}

const BUFFER_BYTES = 262_144;

/** Numbers records from 1, the first after ZERO_HASH. */
export function createBatch(): Batch {
  let last: Appended = { sequence: 0, hash: ZERO_HASH };
  let buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  let used = 0;
  let waiters: Waiter[] = [];

  /** Frames the record and makes it the last one. Throws what making and admitting it throw, and then nothing has changed. */
  function take({ source, admit }: Waiter): Appended {
    const body = typeof source === "function" ? source() : source;
    const { bodyJson, bodyBytes } = printBody(body);
    const frameBytes = FRAME_OVERHEAD_BYTES + bodyBytes;
    const sequence = last.sequence + 1;
    admit(body, frameBytes, sequence);
    if (used + frameBytes > buffer.length) buffer = enlarged(buffer, used, 2 * (used + frameBytes));
    const { end, hash } = writeFrame(buffer, used, { sequence, previousHash: last.hash, bodyJson });
    used = end;
    last = { sequence, hash };
    return last;
  }

  return {
    get empty() {
      return waiters.length === 0;
    },
    add: (source, admit) =>
      new Promise((resolve, reject) => {
        waiters.push({ source, admit, resolve, reject });
      }),
    depart() {
      const before = last;
      const leaving: { record: Appended; waiter: Waiter }[] = [];
      const waiting = waiters;
      waiters = [];
      used = 0;
      // A burst should not hold its memory for ever.
      if (buffer.length > 4 * BUFFER_BYTES) buffer = Buffer.allocUnsafe(BUFFER_BYTES);
      for (const waiter of waiting) {
        try {
          leaving.push({ record: take(waiter), waiter });
        } catch (caught) {
          waiter.reject(caught);
        }
      }
      return {
        frames: buffer.subarray(0, used),
        before,
        last,
        arrive() {
          for (const { record, waiter } of leaving) waiter.resolve(record);
        },
        fail(fault) {
          for (const { waiter } of leaving) waiter.reject(fault);
        },
      };
    },
    fail(fault) {
      const waiting = waiters;
      waiters = [];
      for (const { reject } of waiting) reject(fault);
    },
  };
}

function enlarged(buffer: Buffer, used: number, bytes: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafe(bytes);
  buffer.copy(larger, 0, 0, used);
  return larger;
}
