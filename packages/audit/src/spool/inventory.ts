// What sound segments hold, taken in order: where each ends, which sequences are missing between them, and which calls were
// begun and never closed. A call counts as closed by an outcome of any later epoch.
import type { SpoolBody } from "@postern/contracts";
import { type Frame, frameBody } from "./frame.ts";
import { parseBody } from "./record.ts";
import type { Scan } from "./scan.ts";
import type { Segment, SegmentFile } from "./segment.ts";

/** Sequences that an epoch must have had and that are gone; `to` undefined: at least `from`, perhaps more. */
export interface MissingRecords {
  readonly epoch: number;
  readonly from: number;
  readonly to: number | undefined;
}

/** An intent without an outcome. */
export interface OpenIntent {
  readonly epoch: number;
  readonly sequence: number;
  readonly costMicros: number;
}

export interface Inventory {
  readonly segments: Segment[];
  readonly openIntents: ReadonlyMap<string, OpenIntent>;
  readonly missing: readonly MissingRecords[];
  /** Takes the next segment, oldest first; `scan` is clean. */
  add(file: SegmentFile, scan: Scan): void;
}

export function createInventory(covered: ReadonlyMap<number, number> | undefined): Inventory {
  const segments: Segment[] = [];
  const openIntents = new Map<string, OpenIntent>();
  const missing: MissingRecords[] = [];
  return {
    segments,
    openIntents,
    missing,
    add(file, scan) {
      const { epoch, firstSequence } = file;
      const before = segments.at(-1);
      const acknowledged = covered?.get(epoch) ?? (covered === undefined ? firstSequence - 1 : 0);
      const reached = before?.epoch === epoch ? Math.max(before.lastSequence, acknowledged) : acknowledged;
      if (firstSequence > reached + 1) missing.push({ epoch, from: reached + 1, to: firstSequence - 1 });
      const frames = scan.runs[0] ?? [];
      segments.push(segmentOf(file, scan, firstSequence - 1 + frames.length));
      for (const frame of frames) {
        if (frame.sequence > acknowledged) follow(openIntents, epoch, frame);
      }
    },
  };
}

function follow(openIntents: Map<string, OpenIntent>, epoch: number, frame: Frame): void {
  const body: SpoolBody = parseBody(frameBody(frame));
  if (body.kind === "outcome") openIntents.delete(body.event_id);
  if (body.kind !== "intent") return;
  const { event_id, cost_micros } = body.event;
  openIntents.set(event_id, { epoch, sequence: frame.sequence, costMicros: cost_micros });
}

function segmentOf(file: SegmentFile, scan: Scan, lastSequence: number): Segment {
  const { path, epoch, firstSequence } = file;
  return { path, epoch, firstSequence, headerBytes: scan.headerBytes, lastSequence, bytes: scan.fileBytes };
}
