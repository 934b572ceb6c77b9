// Rewrites a damaged segment as sound ones. The bytes that hold no record are saved first, under a name made of their place
// and their content, so that doing it twice changes nothing; the damaged file is replaced last.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256Hex } from "../hash.ts";
import { type SpoolDevice, writeAll } from "./device.ts";
import type { Frame } from "./frame.ts";
import type { Cut, Scan } from "./scan.ts";
import { encodeHeader, type SegmentFile, segmentName } from "./segment.ts";

export interface RepairOptions {
  readonly directory: string;
  readonly sidecarId: string;
  readonly device: SpoolDevice;
}

/** Bytes that hold no sound record, moved out of the way. */
export interface SetAside {
  /** Name of the `.quarantined` file. */
  readonly file: string;
  readonly bytes: number;
  /** The end of a write that a crash cut short: expected, and no record of it was ever durable. */
  readonly unfinished: boolean;
}

/** Keeps the runs of `scan` as segments of their own and sets its cuts aside. Throws what the device throws. */
export async function repairSegment(
  file: SegmentFile,
  scan: Scan,
  options: RepairOptions,
): Promise<SetAside[]> {
  const bytes = readFileSync(file.path);
  const setAside: SetAside[] = [];
  for (const cut of scan.cuts) setAside.push(await quarantine(file, bytes, cut, options));
  // Later runs first: until the damaged file itself is replaced, it still holds every one of them.
  for (const run of scan.runs.toReversed()) await rewrite(file, bytes, run, options);
  if (!scan.runs.some((run) => run[0]?.sequence === file.firstSequence)) options.device.remove(file.path);
  await options.device.syncDirectory(options.directory);
  return setAside;
}

async function quarantine(
  file: SegmentFile,
  bytes: Buffer,
  { start, end, unfinished }: Cut,
  options: RepairOptions,
): Promise<SetAside> {
  const piece = bytes.subarray(start, end);
  const name = `${file.name}.${start}.${sha256Hex(piece).slice(0, 16)}.quarantined`;
  await writeFile(join(options.directory, name), [piece], options.device);
  return { file: name, bytes: piece.length, unfinished };
}

async function rewrite(
  file: SegmentFile,
  bytes: Buffer,
  run: readonly Frame[],
  { directory, sidecarId, device }: RepairOptions,
): Promise<void> {
  const [first] = run;
  if (first === undefined) return;
  const { sequence: firstSequence, previousHash } = first;
  const header = encodeHeader({ sidecarId, epoch: file.epoch, firstSequence, previousHash });
  const fresh = join(directory, "repaired.new");
  await writeFile(fresh, [header, ...run.map(({ start, end }) => bytes.subarray(start, end))], device);
  device.rename(fresh, join(directory, segmentName(file.epoch, firstSequence)));
}

async function writeFile(path: string, parts: readonly Buffer[], device: SpoolDevice): Promise<void> {
  const fd = device.create(path);
  try {
    writeAll(device, fd, Buffer.concat(parts));
    await device.sync(fd);
  } finally {
    device.close(fd);
  }
}
