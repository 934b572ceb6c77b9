// Records that wait for the next write, already framed in one buffer, with the promises to keep once they are durable.
import type { Fault } from "@postern/fault";
import { ZERO_HASH } from "../hash.ts";
import { FRAME_OVERHEAD_BYTES, writeFrame } from "./frame.ts";

export interface Appended {
  readonly sequence: number;
  /** Hash of the record, hexadecimal. */
  readonly hash: string;
}

/** A batch on its way to the disk. */
export interface Departure {
  /** Valid until the next record is added. */
  readonly frames: Buffer;
  /** The record before the first one of this batch. */
  readonly before: Appended;
  readonly last: Appended;
  arrive(): void;
  fail(fault: Fault): void;
}

export interface Batch {
  readonly empty: boolean;
  readonly nextSequence: number;
  /** Gives the record the next sequence and links it to the one before. Resolves or rejects as its departure ends. */
  add(bodyJson: string): Promise<Appended>;
  depart(): Departure;
}

interface Waiter {
  readonly record: Appended;
  readonly resolve: (record: Appended) => void;
  readonly reject: (fault: Fault) => void;
}

const BUFFER_BYTES = 262_144;
/** UTF-8 takes at most three bytes for one UTF-16 unit. */
const BYTES_PER_UNIT_MAX = 3;

/** Numbers records from 1, the first after ZERO_HASH. */
export function createBatch(): Batch {
  let last: Appended = { sequence: 0, hash: ZERO_HASH };
  let before = last;
  let buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  let used = 0;
  let waiters: Waiter[] = [];
  return {
    get empty() {
      return waiters.length === 0;
    },
    get nextSequence() {
      return last.sequence + 1;
    },
    add(bodyJson) {
      const room = used + FRAME_OVERHEAD_BYTES + bodyJson.length * BYTES_PER_UNIT_MAX;
      if (room > buffer.length) buffer = enlarged(buffer, used, 2 * room);
      const sequence = last.sequence + 1;
      const written = writeFrame(buffer, used, { sequence, previousHash: last.hash, bodyJson });
      const record = { sequence, hash: written.hash };
      used = written.end;
      last = record;
      return new Promise((resolve, reject) => waiters.push({ record, resolve, reject }));
    },
    depart() {
      const leaving = waiters;
      const departure: Departure = {
        frames: buffer.subarray(0, used),
        before,
        last,
        arrive: () =>
          leaving.forEach(({ record, resolve }) => {
            resolve(record);
          }),
        fail: (fault) =>
          leaving.forEach(({ reject }) => {
            reject(fault);
          }),
      };
      waiters = [];
      used = 0;
      before = last;
      // A burst should not hold its memory for ever.
      if (buffer.length > 4 * BUFFER_BYTES) buffer = Buffer.allocUnsafe(BUFFER_BYTES);
      return departure;
    },
  };
}

function enlarged(buffer: Buffer, used: number, bytes: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafe(bytes);
  buffer.copy(larger, 0, 0, used);
  return larger;
}
