// Makes a spool sound again after whatever happened to it: sound records stay, every other byte is set aside in a
// `.quarantined` file, and what is missing is told. Repeats until a whole pass finds nothing to repair, so that a crash in
// the middle of a recovery is itself recovered from.
import { readFileSync } from "node:fs";
import { Fault } from "@postern/fault";
import { createInventory, type MissingRecords, type OpenIntent } from "./inventory.ts";
import { type RepairOptions, repairSegment, type SetAside } from "./repair.ts";
import { lastHash, lastSequence, type Scan, scanSegment, wholeCut, withoutLast } from "./scan.ts";
import { listSegments, type Segment, type SegmentFile } from "./segment.ts";

export interface Recovered {
  readonly segments: Segment[];
  /** Calls whose outcome was never recorded, by event id, oldest first. */
  readonly openIntents: ReadonlyMap<string, OpenIntent>;
  readonly setAside: readonly SetAside[];
  readonly missing: readonly MissingRecords[];
}

export interface RecoverOptions extends RepairOptions {
  /** Undefined: the cursor is lost, and what precedes the first segment of an epoch counts as acknowledged. */
  readonly covered: ReadonlyMap<number, number> | undefined;
}

interface Scanned {
  readonly file: SegmentFile;
  readonly scan: Scan;
}

/** Faults: precondition `audit.spool_version`, `audit.spool_foreign`; internal `audit.spool_corrupt`. */
export async function recoverSegments(options: RecoverOptions): Promise<Recovered> {
  const setAside: SetAside[] = [];
  const lostTails: MissingRecords[] = [];
  for (;;) {
    const inventory = createInventory(options.covered);
    let repaired = false;
    let previous: Scanned | undefined;
    for (const file of listSegments(options.directory)) {
      const bytes = readFileSync(file.path);
      const current = { file, scan: scanSegment(bytes, file) };
      refuseForeign(current.scan, options.sidecarId);
      const damaged = findDamage(previous, current);
      if (damaged === undefined) {
        inventory.add(file, current.scan);
        previous = current;
        continue;
      }
      lostTails.push(...lostTail(damaged));
      setAside.push(...(await repairSegment(damaged.file, damaged.scan, options)));
      repaired = true;
      previous = undefined;
    }
    if (repaired) continue;
    const { segments, openIntents } = inventory;
    const open = lostTails.filter(
      (tail) => !segments.some((s) => s.epoch === tail.epoch && s.lastSequence >= tail.from),
    );
    return { segments, openIntents, setAside, missing: [...inventory.missing, ...open] };
  }
}

/** Which of two neighbours is to be repaired, and what of it is sound. */
function findDamage(previous: Scanned | undefined, current: Scanned): Scanned | undefined {
  const { header, clean } = current.scan;
  if (!clean || header === undefined) return current;
  const last = previous && previous.file.epoch === header.epoch ? lastSequence(previous.scan) : undefined;
  if (previous === undefined || last === undefined || header.firstSequence > last + 1) return undefined;
  if (header.firstSequence <= last) return { file: current.file, scan: wholeCut(current.scan) };
  if (header.previousHash === lastHash(previous.scan)) return undefined;
  return { file: previous.file, scan: withoutLast(previous.scan) };
}

/** Damage that reaches the end of a file hides how many records it held. */
function lostTail({ file, scan }: Scanned): MissingRecords[] {
  const tail = scan.cuts.find((cut) => cut.end === scan.fileBytes);
  if (tail === undefined || tail.unfinished) return [];
  return [{ epoch: file.epoch, from: (lastSequence(scan) ?? file.firstSequence - 1) + 1, to: undefined }];
}

function refuseForeign({ header }: Scan, sidecarId: string): void {
  if (header !== undefined && header.sidecarId !== sidecarId) throw foreignSpool(header.sidecarId, sidecarId);
}

export function foreignSpool(found: string, expected: string): Fault {
  return new Fault("precondition", "audit.spool_foreign", "The spool belongs to another sidecar.", {
    detail: `it holds records of ${found}, and this is ${expected}`,
  });
}
