// How far each epoch is covered by the chain, kept beside the segments and replaced atomically. It is made durable before a
// segment is deleted, so that what is absent below it was acknowledged and what is absent above it is missing.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "@postern/fault";
import { canonicalize } from "../canonical.ts";
import { type SpoolDevice, writeAll } from "./device.ts";

const FILE = "cursor.json";
const FORMAT_VERSION = 1;

export interface Cursor {
  readonly sidecarId: string;
  /** Newest epoch that ever wrote here. */
  readonly epoch: number;
  /** Epoch → highest sequence acknowledged as covered; only epochs that still have segments. */
  readonly covered: ReadonlyMap<number, number>;
}

/** The stored cursor; undefined when there is none or it cannot be read. Faults: precondition `audit.spool_version`. */
export function readCursor(directory: string): Cursor | undefined {
  const stored = readJson(join(directory, FILE));
  if (!isRecord(stored) || !isRecord(stored.covered)) return undefined;
  const { format, sidecar_id: sidecarId, epoch } = stored;
  if (typeof format === "number" && format > FORMAT_VERSION) {
    throw new Fault(
      "precondition",
      "audit.spool_version",
      "The spool was written by a newer version of Postern.",
    );
  }
  const covered = new Map<number, number>();
  for (const [name, sequence] of Object.entries(stored.covered)) {
    if (isCount(sequence)) covered.set(Number(name), sequence);
  }
  return typeof sidecarId === "string" && isCount(epoch) ? { sidecarId, epoch, covered } : undefined;
}

/** Replaces the cursor; durable against loss of power when `durable`. Throws what the device throws. */
export async function writeCursor(
  directory: string,
  cursor: Cursor,
  { device, durable }: { device: SpoolDevice; durable: boolean },
): Promise<void> {
  const fresh = join(directory, `${FILE}.new`);
  const text = canonicalize({
    format: FORMAT_VERSION,
    sidecar_id: cursor.sidecarId,
    epoch: cursor.epoch,
    covered: Object.fromEntries(cursor.covered),
  });
  const fd = device.create(fresh);
  try {
    writeAll(device, fd, Buffer.from(`${text}\n`));
    if (durable) await device.sync(fd);
  } finally {
    device.close(fd);
  }
  device.rename(fresh, join(directory, FILE));
  if (durable) await device.syncDirectory(directory);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
