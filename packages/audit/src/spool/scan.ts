// Reads a segment that may be damaged: which records are sound and follow one another, and which bytes are neither.
// Nothing is believed that its checksum, its sequence and its hash link do not all support.
import { type Frame, findFrame, frameHash, isUnfinished, readFrame } from "./frame.ts";
import { decodeHeader, isUnfinishedHeader, type SegmentFile, type SegmentHeader } from "./segment.ts";

/** Bytes that hold no record. */
export interface Cut {
  readonly start: number;
  readonly end: number;
  /** A write that was never finished, at the end of the file: no record of it was ever durable. */
  readonly unfinished: boolean;
}

export interface Scan {
  readonly header: SegmentHeader | undefined;
  readonly headerBytes: number;
  readonly fileBytes: number;
  /** Sound records without a hole or a broken link, in order; each run starts after a hole. */
  readonly runs: readonly (readonly Frame[])[];
  readonly cuts: readonly Cut[];
  /** The file is exactly its header and one run that fits it, or none. */
  readonly clean: boolean;
}

/** Faults: precondition `audit.spool_version`. */
export function scanSegment(bytes: Buffer, file: SegmentFile): Scan {
  const decoded = decodeHeader(bytes);
  const headerBytes = decoded?.headerBytes ?? 0;
  const { runs, cuts } = scanFrames(bytes, headerBytes);
  const header = decoded?.header;
  const scan = { header, headerBytes, fileBytes: bytes.length, runs, cuts };
  if (header === undefined) return { ...scan, clean: false };
  // A segment renamed into another epoch belongs nowhere.
  if (header.epoch !== file.epoch) return wholeCut({ ...scan, clean: false });
  const first = runs[0]?.[0];
  const fits = first === undefined || isFirst(first, header);
  const named = header.firstSequence === file.firstSequence;
  return { ...scan, clean: named && fits && runs.length <= 1 && cuts.length === 0 };
}

/** The scan of a file of which nothing is to be kept. */
export function wholeCut(scan: Scan): Scan {
  const cuts = [{ start: 0, end: scan.fileBytes, unfinished: false }];
  return { ...scan, runs: [], cuts, clean: false };
}

/** The scan of a clean file whose last record is not to be believed. */
export function withoutLast(scan: Scan): Scan {
  const run = scan.runs[0] ?? [];
  return { ...scan, runs: [run.slice(0, -1)], cuts: run.slice(-1).map(cutOf), clean: false };
}

/** Undefined when there is no record. */
export function lastSequence({ runs }: Scan): number | undefined {
  return runs.at(-1)?.at(-1)?.sequence;
}

export function lastHash({ runs }: Scan): string | undefined {
  const last = runs.at(-1)?.at(-1);
  return last && frameHash(last);
}

function scanFrames(bytes: Buffer, start: number): { runs: Frame[][]; cuts: Cut[] } {
  const runs: Frame[][] = [];
  const cuts: Cut[] = [];
  for (let at = start; at < bytes.length; ) {
    const frame = readFrame(bytes, at) ?? findFrame(bytes, at + 1);
    const end = frame?.start ?? bytes.length;
    const unfinished =
      frame === undefined && (at === 0 ? isUnfinishedHeader(bytes) : isUnfinished(bytes, at));
    if (end > at) cuts.push({ start: at, end, unfinished });
    if (frame !== undefined) place(frame, runs, cuts);
    at = frame?.end ?? bytes.length;
  }
  return { runs: runs.filter((run) => run.length > 0), cuts };
}

function place(frame: Frame, runs: Frame[][], cuts: Cut[]): void {
  const run = runs.at(-1);
  const last = run?.at(-1);
  if (run === undefined || last === undefined || frame.sequence > last.sequence + 1) {
    runs.push([frame]);
  } else if (frame.sequence <= last.sequence) {
    cuts.push(cutOf(frame));
  } else if (frame.previousHash === frameHash(last)) {
    run.push(frame);
  } else {
    // The record before is not the one that this record was written after: it was changed, checksum and all.
    run.pop();
    cuts.push(cutOf(last));
    runs.push([frame]);
  }
}

function isFirst(frame: Frame, header: SegmentHeader): boolean {
  return frame.sequence === header.firstSequence && frame.previousHash === header.previousHash;
}

function cutOf({ start, end }: Frame): Cut {
  return { start, end, unfinished: false };
}
