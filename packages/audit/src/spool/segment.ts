// A segment file: a header that says whose records follow, then frames without gaps. Its name holds epoch and first sequence,
// so that a sorted listing is the order of the records and a segment with a damaged header can still be placed.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { Fault } from "@postern/fault";
import { HASH_BYTES } from "../hash.ts";

const MAGIC = Buffer.from("PSTNSPOL");
const FORMAT_VERSION = 1;
/** Magic, version, header length, epoch, first sequence, previous hash, length of the sidecar id. */
const FIXED_BYTES = 8 + 2 + 2 + 8 + 8 + HASH_BYTES + 2;
const CHECKSUM_BYTES = 4;
/** File names have twelve digits for it. */
export const EPOCH_MAX = 999_999_999_999;
const NAME = /^(\d{12})-(\d{16})\.segment$/;

export interface SegmentHeader {
  readonly sidecarId: string;
  readonly epoch: number;
  readonly firstSequence: number;
  /** Hash of the record before the first one, hexadecimal; ZERO_HASH at the start of an epoch. */
  readonly previousHash: string;
}

/** A sound segment on disk. The writer's own one grows; all others are final. */
export interface Segment {
  readonly path: string;
  readonly epoch: number;
  readonly firstSequence: number;
  readonly headerBytes: number;
  /** Last durable sequence; firstSequence - 1 while there is none. */
  lastSequence: number;
  /** Bytes that are durable; what lies beyond is not to be read. */
  bytes: number;
}

export function encodeHeader(header: SegmentHeader): Buffer {
  const id = Buffer.from(header.sidecarId);
  const bytes = Buffer.alloc(FIXED_BYTES + id.length + CHECKSUM_BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt16BE(FORMAT_VERSION, 8);
  bytes.writeUInt16BE(bytes.length, 10);
  bytes.writeBigUInt64BE(BigInt(header.epoch), 12);
  bytes.writeBigUInt64BE(BigInt(header.firstSequence), 20);
  bytes.write(header.previousHash, 28, "hex");
  bytes.writeUInt16BE(id.length, 60);
  id.copy(bytes, FIXED_BYTES);
  const checked = bytes.length - CHECKSUM_BYTES;
  bytes.writeUInt32BE(crc32(bytes.subarray(0, checked)), checked);
  return bytes;
}

/**
 * The header of a segment and its length, or undefined when it is cut or damaged.
 * Faults: precondition `audit.spool_version` (a sound header of a format that this version does not know).
 */
export function decodeHeader(bytes: Buffer): { header: SegmentHeader; headerBytes: number } | undefined {
  if (bytes.length < FIXED_BYTES + CHECKSUM_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return undefined;
  const headerBytes = bytes.readUInt16BE(10);
  const checked = headerBytes - CHECKSUM_BYTES;
  if (checked < FIXED_BYTES || headerBytes > bytes.length) return undefined;
  if (crc32(bytes.subarray(0, checked)) !== bytes.readUInt32BE(checked)) return undefined;
  if (bytes.readUInt16BE(8) !== FORMAT_VERSION) {
    throw new Fault(
      "precondition",
      "audit.spool_version",
      "The spool was written by a newer version of Postern.",
    );
  }
  const header: SegmentHeader = {
    sidecarId: bytes.toString("utf8", FIXED_BYTES, FIXED_BYTES + bytes.readUInt16BE(60)),
    epoch: Number(bytes.readBigUInt64BE(12)),
    firstSequence: Number(bytes.readBigUInt64BE(20)),
    previousHash: bytes.toString("hex", 28, 28 + HASH_BYTES),
  };
  return { header, headerBytes };
}

/** Whether a file that has no sound header looks like one whose writing was cut short. */
export function isUnfinishedHeader(bytes: Buffer): boolean {
  const magicBytes = Math.min(MAGIC.length, bytes.length);
  if (!bytes.subarray(0, magicBytes).equals(MAGIC.subarray(0, magicBytes))) return false;
  return bytes.length < FIXED_BYTES || bytes.length < bytes.readUInt16BE(10);
}

export function segmentName(epoch: number, firstSequence: number): string {
  return `${String(epoch).padStart(12, "0")}-${String(firstSequence).padStart(16, "0")}.segment`;
}

/** A segment file as its name describes it. */
export interface SegmentFile {
  readonly path: string;
  readonly name: string;
  readonly epoch: number;
  readonly firstSequence: number;
}

/** All segment files of a directory, oldest first. */
export function listSegments(directory: string): SegmentFile[] {
  const files = readdirSync(directory).flatMap((name) => {
    const [, epoch, firstSequence] = NAME.exec(name) ?? [];
    if (epoch === undefined) return [];
    return [
      { path: join(directory, name), name, epoch: Number(epoch), firstSequence: Number(firstSequence) },
    ];
  });
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}
