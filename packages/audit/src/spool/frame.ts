// One record in a segment file: length (uint32) | CRC-32 (uint32) | payload, all big-endian; payload = sequence (uint64) |
// previous hash (32 bytes) | JCS(body). The checksum (IEEE CRC-32, as in gzip: Node and every other platform have it natively)
// covers the length and the payload and finds accidents; the record's hash, SHA-256 of the payload, finds the rest.
import { crc32 } from "node:zlib";
import { sha256Hex } from "../hash.ts";

const LENGTH_BYTES = 4;
const HEAD_BYTES = 8;
const PAYLOAD_HEAD_BYTES = 40;
/** No payload is longer, so that a frame begins with two zero bytes; JSON text holds none, which makes frames easy to find. */
const PAYLOAD_BYTES_MAX = 65_535;

/** What a record takes in a segment beyond its body. */
export const FRAME_OVERHEAD_BYTES: number = HEAD_BYTES + PAYLOAD_HEAD_BYTES;

export interface Frame {
  readonly start: number;
  readonly end: number;
  readonly sequence: number;
  /** Hexadecimal. */
  readonly previousHash: string;
  /** Shares memory with the segment that it was read from. */
  readonly payload: Buffer;
}

/** Writes a frame at `start` of a buffer that has room for it. Returns its end and the record's hash. */
export function writeFrame(
  into: Buffer,
  start: number,
  { sequence, previousHash, bodyJson }: { sequence: number; previousHash: string; bodyJson: string },
): { end: number; hash: string } {
  const payloadStart = start + HEAD_BYTES;
  into.writeUInt32BE(Math.floor(sequence / 2 ** 32), payloadStart);
  into.writeUInt32BE(sequence % 2 ** 32, payloadStart + 4);
  into.write(previousHash, payloadStart + 8, "hex");
  const bodyStart = payloadStart + PAYLOAD_HEAD_BYTES;
  const end = bodyStart + into.write(bodyJson, bodyStart);
  // The checksum covers length and payload. While it is taken the length stands right before the payload, where the checksum belongs.
  into.writeUInt32BE(end - payloadStart, start + LENGTH_BYTES);
  const checksum = crc32(into.subarray(start + LENGTH_BYTES, end));
  into.writeUInt32BE(end - payloadStart, start);
  into.writeUInt32BE(checksum, start + LENGTH_BYTES);
  return { end, hash: sha256Hex(into.subarray(payloadStart, end)) };
}

/** The frame that starts at `start`, or undefined when there is no whole and sound one. */
export function readFrame(bytes: Buffer, start: number): Frame | undefined {
  if (bytes.length - start < FRAME_OVERHEAD_BYTES) return undefined;
  const length = bytes.readUInt32BE(start);
  const end = start + HEAD_BYTES + length;
  if (length < PAYLOAD_HEAD_BYTES || length > PAYLOAD_BYTES_MAX || end > bytes.length) return undefined;
  const payload = bytes.subarray(start + HEAD_BYTES, end);
  const checksum = crc32(payload, crc32(bytes.subarray(start, start + LENGTH_BYTES)));
  if (checksum !== bytes.readUInt32BE(start + LENGTH_BYTES)) return undefined;
  const sequence = payload.readUInt32BE(0) * 2 ** 32 + payload.readUInt32BE(4);
  return { start, end, sequence, previousHash: payload.toString("hex", 8, PAYLOAD_HEAD_BYTES), payload };
}

/** The first whole and sound frame at or after `from`. */
export function findFrame(bytes: Buffer, from: number): Frame | undefined {
  for (let at = bytes.indexOf("\0\0", from); at !== -1; at = bytes.indexOf("\0\0", at + 1)) {
    const frame = readFrame(bytes, at);
    if (frame !== undefined) return frame;
  }
  return undefined;
}

/** Whether the bytes from `start` to the end look like a write that was not finished, rather than like damage. */
export function isUnfinished(bytes: Buffer, start: number): boolean {
  const rest = bytes.subarray(start);
  if (rest.length < HEAD_BYTES || rest.every((byte) => byte === 0)) return true;
  const length = rest.readUInt32BE(0);
  return length >= PAYLOAD_HEAD_BYTES && length <= PAYLOAD_BYTES_MAX && HEAD_BYTES + length > rest.length;
}

export function frameHash(frame: Frame): string {
  return sha256Hex(frame.payload);
}

export function frameBody(frame: Frame): string {
  return frame.payload.toString("utf8", PAYLOAD_HEAD_BYTES);
}
