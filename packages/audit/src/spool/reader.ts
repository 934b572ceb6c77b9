// Reads records back for shipping, a bounded piece at a time. Remembers where the last batch ended, so that reading on costs
// no search; any other start is found by walking over the frames of one segment.
import { closeSync, openSync, read } from "node:fs";
import { promisify } from "node:util";
import { type Frame, frameBody, frameHash, readFrame } from "./frame.ts";
import { corrupt, type RecordText } from "./record.ts";
import type { Segment } from "./segment.ts";

/** Read at once, and so the most that one batch holds. Larger than any frame. */
const PIECE_BYTES = 1_048_576;
const readBytes = promisify(read);

export interface RecordRun {
  /** Hash of the record before the first one, hexadecimal. */
  readonly previousHash: string;
  readonly records: readonly RecordText[];
}

export interface SpoolReader {
  /** At least one and at most `recordsMax` durable records from sequence `from` of a segment that holds it. Faults: internal `audit.spool_corrupt`. */
  read(segment: Segment, from: number, recordsMax: number): Promise<RecordRun>;
}

export function createReader(): SpoolReader {
  let ended = { path: "", sequence: 0, offset: 0 };
  return {
    async read(segment, from, recordsMax) {
      const { path, headerBytes, bytes: bytesDurable } = segment;
      const continues = ended.path === path && ended.sequence + 1 === from;
      let offset = continues ? ended.offset : headerBytes;
      // Opened before anything is awaited: an acknowledgement may delete the file meanwhile, but not take it from us.
      const fd = openSync(path, "r");
      try {
        for (;;) {
          const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, bytesDurable - offset));
          const { bytesRead } = await readBytes(fd, piece, 0, piece.length, offset);
          const { frames, end } = framesFrom(piece.subarray(0, bytesRead), from, recordsMax);
          if (end === 0) throw corrupt(`no record can be read at byte ${offset} of ${path}`);
          offset += end;
          const last = frames.at(-1);
          if (last !== undefined) {
            ended = { path, sequence: last.sequence, offset };
            return runOf(frames, from);
          }
        }
      } finally {
        closeSync(fd);
      }
    },
  };
}

/** Frames with sequence `from` and above, and where the last frame looked at ends. */
function framesFrom(piece: Buffer, from: number, framesMax: number): { frames: Frame[]; end: number } {
  const frames: Frame[] = [];
  let end = 0;
  while (frames.length < framesMax) {
    const frame = readFrame(piece, end);
    if (frame === undefined) break;
    if (frame.sequence >= from) frames.push(frame);
    end = frame.end;
  }
  return { frames, end };
}

function runOf(frames: readonly Frame[], from: number): RecordRun {
  const previousHash = frames[0]?.previousHash ?? "";
  let [sequence, hash] = [from, previousHash];
  const records = frames.map((frame): RecordText => {
    if (frame.sequence !== sequence || frame.previousHash !== hash)
      throw corrupt(`record ${sequence} does not follow`);
    hash = frameHash(frame);
    sequence += 1;
    return { sequence: frame.sequence, hash, bodyJson: frameBody(frame) };
  });
  return { previousHash, records };
}
