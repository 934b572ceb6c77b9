// The segment that is being written. Its `segment` is what readers may see: it counts only bytes that are durable.
import { join } from "node:path";
import type { Appended } from "./batch.ts";
import { type SpoolDevice, writeAll } from "./device.ts";
import { encodeHeader, type Segment, type SegmentHeader, segmentName } from "./segment.ts";

export interface SegmentFile {
  readonly segment: Segment;
  write(frames: Buffer): void;
  sync(): Promise<void>;
  /** Throws when the file is no longer where readers and the next start will look for it. */
  assertPresent(): void;
  /** What was written last, so many bytes, is durable, and ends with this record. */
  commit(bytes: number, last: Appended): void;
  /** Takes back what was written and not committed, as far as the device still can. */
  abandon(): void;
  close(): void;
}

/** Throws what the device throws. */
export function createSegmentFile(
  directory: string,
  header: SegmentHeader,
  device: SpoolDevice,
): SegmentFile {
  const { epoch, firstSequence } = header;
  const path = join(directory, segmentName(epoch, firstSequence));
  const headerBytes = encodeHeader(header);
  const fd = device.create(path);
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    // Closed or not, the descriptor is not touched again: its number may be somebody else's next.
    isOpen = false;
    device.close(fd);
  };
  const segment: Segment = {
    path,
    epoch,
    firstSequence,
    headerBytes: headerBytes.length,
    lastSequence: firstSequence - 1,
    bytes: headerBytes.length,
  };
  const begin = () => {
    try {
      writeAll(device, fd, headerBytes);
      return device.identify(fd);
    } catch (caught) {
      close();
      throw caught;
    }
  };
  const identity = begin();
  return {
    segment,
    write: (frames) => writeAll(device, fd, frames),
    sync: () => device.sync(fd),
    assertPresent() {
      if (!device.isAt(path, identity)) throw new Error(`${path} was removed or replaced`);
    },
    commit(bytes, last) {
      segment.bytes += bytes;
      segment.lastSequence = last.sequence;
    },
    abandon() {
      try {
        if (isOpen) device.truncate(fd, segment.bytes);
        close();
      } catch {
        // The next start finds an unfinished write at the end and cuts it off.
      }
    },
    close,
  };
}
