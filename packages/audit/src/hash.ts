// SHA-256 and its text form. Inside the package a hash is 32 bytes in trees and 64 lower-case hexadecimal digits in records.
import { hash } from "node:crypto";

export const HASH_BYTES = 32;

/** What the first entry of a chain and the first record of an epoch name as the hash before them. */
export const ZERO_HASH: string = "0".repeat(2 * HASH_BYTES);

export function sha256(data: Uint8Array): Uint8Array {
  return hash("sha256", data, "buffer");
}

export function sha256Hex(data: Uint8Array | string): string {
  return hash("sha256", data, "hex");
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

export function isHashText(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
