// What a spool has on disk, and the only place that deletes any of it: the cursor is stored first, so that a crash in between
// leaves a segment too many, never one too few.
import type { Capacity } from "./capacity.ts";
import { writeCursor } from "./cursor.ts";
import type { SpoolDevice } from "./device.ts";
import type { Segment } from "./segment.ts";
import type { Durability } from "./writer.ts";

export interface SpoolStore {
  readonly directory: string;
  readonly sidecarId: string;
  /** The epoch that is being written. */
  readonly epoch: number;
  readonly durability: Durability;
  readonly device: SpoolDevice;
  /** Oldest first. */
  readonly segments: Segment[];
  /** Epoch → highest sequence that the chain covers. */
  readonly covered: Map<number, number>;
  readonly capacity: Capacity;
}

/** Stores how far each epoch is covered, then deletes covered segments that are not needed. Throws what the device throws. */
export async function dropCovered(store: SpoolStore, isNeeded: (segment: Segment) => boolean): Promise<void> {
  const { directory, device, durability, segments, covered, capacity } = store;
  await writeCursor(directory, store, { device, durable: durability === "disk" });
  const done = segments.filter(
    (segment) => segment.lastSequence <= (covered.get(segment.epoch) ?? 0) && !isNeeded(segment),
  );
  for (const segment of done) {
    device.remove(segment.path);
    segments.splice(segments.indexOf(segment), 1);
    capacity.free(segment.bytes);
  }
  for (const epoch of covered.keys()) {
    if (!segments.some((segment) => segment.epoch === epoch)) covered.delete(epoch);
  }
}
