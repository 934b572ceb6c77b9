// Opens a spool directory: takes its lock, repairs what a crash or a disk left behind, claims the new epoch, records which
// ends of earlier epochs are lost (a lost middle shows by itself), and closes every call of an earlier epoch that has no
// outcome as "unknown", so that each judged call ends as exactly one event.
import { mkdirSync } from "node:fs";
import type { SpoolBody } from "@postern/contracts";
import { Fault, toFault } from "@postern/fault";
import { type Capacity, createCapacity } from "./capacity.ts";
import { type Cursor, readCursor } from "./cursor.ts";
import { fileDevice, type SpoolDevice } from "./device.ts";
import type { OpenIntent } from "./inventory.ts";
import { lockDirectory, type SpoolLock } from "./lock.ts";
import { foreignSpool, recoverSegments } from "./recover.ts";
import { EPOCH_MAX, listSegments, type Segment } from "./segment.ts";
import { createSpool, type Spool } from "./spool.ts";
import { dropCovered, type SpoolStore } from "./store.ts";
import { createWriter, type Durability, type Writer } from "./writer.ts";

export interface SpoolOptions {
  /** Created if need be. One process at a time. */
  readonly directory: string;
  readonly sidecarId: string;
  /** Granted by the control plane; higher than every one before. */
  readonly epoch: number;
  /** "os" survives the death of the process; "disk" survives a loss of power too. */
  readonly durability: Durability;
  /** Default 8 MiB. */
  readonly segmentBytesMax?: number;
  /** Default 512 MiB. Quarantined files are not counted. */
  readonly bytesMax?: number;
  readonly device?: SpoolDevice;
}

const SEGMENT_BYTES_MAX = 8 * 1024 * 1024;
const BYTES_MAX = 512 * 1024 * 1024;
const LOST_OUTCOME = "The sidecar stopped before the outcome was recorded.";

/**
 * Faults: conflict `audit.spool_locked`; precondition `audit.spool_epoch`, `audit.spool_foreign`, `audit.spool_version`;
 * unavailable `audit.spool_failed` (the disk refuses).
 */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  let lock: SpoolLock | undefined;
  try {
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    lock = lockDirectory(options.directory);
    return await open(options, lock);
  } catch (caught) {
    lock?.release();
    if (caught instanceof Fault) throw caught;
    const { detail } = toFault(caught);
    throw new Fault("unavailable", "audit.spool_failed", "The audit spool cannot be opened.", {
      ...(detail !== undefined && { detail }),
      cause: caught,
    });
  }
}

async function open(options: SpoolOptions, lock: SpoolLock): Promise<Spool> {
  const { directory, sidecarId, epoch, durability, device = fileDevice, bytesMax = BYTES_MAX } = options;
  const cursor = readCursor(directory);
  refuseStale(options, cursor);
  const found = await recoverSegments({ directory, sidecarId, device, covered: cursor?.covered });
  const { segments, openIntents, setAside, missing } = found;
  const cursorLost = cursor === undefined && segments.length > 0;
  const capacity = createCapacity(bytesMax);
  const opened = (segment: Segment) => {
    segments.push(segment);
    capacity.hold(segment.bytes);
  };
  for (const segment of segments) capacity.hold(segment.bytes);
  const covered = new Map(cursor?.covered);
  const store: SpoolStore = { directory, sidecarId, epoch, durability, device, segments, covered, capacity };
  // The cursor comes before the first segment: segments without one mean that it was lost.
  await dropCovered(store, () => false);
  const { segmentBytesMax = SEGMENT_BYTES_MAX } = options;
  const writer = await createWriter({ ...store, segmentBytesMax, opened });
  const ends = missing.flatMap(({ epoch: of, from, to }): SpoolBody[] =>
    to === undefined ? [{ kind: "lost_end", epoch: of, from }] : [],
  );
  await record([...ends, ...closingsOf(openIntents)], writer, capacity);
  const recovery = { setAside, missing, closedIntents: openIntents.size, cursorLost };
  return createSpool({ store, bytesMax, writer, recovery, unlock: lock.release });
}

/** What begins an epoch tells of earlier ones. It is not asked whether it fits: outcomes were given room when their calls were let through. */
async function record(bodies: readonly SpoolBody[], writer: Writer, capacity: Capacity): Promise<void> {
  const recorded = bodies.map((body) => writer.append(body, (_, frameBytes) => capacity.hold(frameBytes)));
  await Promise.all(recorded);
}

function closingsOf(openIntents: ReadonlyMap<string, OpenIntent>): SpoolBody[] {
  return Array.from(openIntents, ([event_id, { costMicros }]) => ({
    kind: "outcome",
    event_id,
    outcome: "unknown",
    reason: LOST_OUTCOME,
    latency_ms: 0,
    upstream_status: 0,
    // The call may have run, so what was reserved for it counts as spent.
    cost_micros: costMicros,
  }));
}

function refuseStale({ directory, sidecarId, epoch }: SpoolOptions, cursor: Cursor | undefined): void {
  if (cursor !== undefined && cursor.sidecarId !== sidecarId) throw foreignSpool(cursor.sidecarId, sidecarId);
  const newest = Math.max(cursor?.epoch ?? 0, ...listSegments(directory).map((file) => file.epoch));
  if (Number.isSafeInteger(epoch) && epoch > newest && epoch <= EPOCH_MAX) return;
  throw new Fault("precondition", "audit.spool_epoch", "The spool needs a higher epoch than it has seen.", {
    detail: `epoch ${epoch} was given, and ${newest} has been here`,
  });
}
