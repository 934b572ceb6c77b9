// The hash rules of the log. An entry's bytes are JCS(event) ‖ previous hash; its hash is SHA-256(0x00 ‖ entry), which is
// also its RFC 6962 leaf hash: one number names the event, its place after all others, and its leaf in the tree.
import type { AuditEvent, ChainEntry, JsonValue, SpoolBody } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { canonicalize } from "./canonical.ts";
import { HASH_BYTES, sha256, sha256Hex, toHex } from "./hash.ts";

/** Bytes of a log entry, as a log server publishes them: `eventJson` is JCS(event), `previousHash` has 32 bytes. */
export function entryBytes(eventJson: string, previousHash: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(eventJson), previousHash]);
}

/** SHA-256(0x00 ‖ JCS(event) ‖ previous hash): 32 bytes. The first entry of a chain follows 32 zero bytes. */
export function chainHash(eventJson: string, previousHash: Uint8Array): Uint8Array {
  const jsonBytes = Buffer.byteLength(eventJson);
  const preimage = Buffer.alloc(1 + jsonBytes + HASH_BYTES);
  preimage.write(eventJson, 1);
  preimage.set(previousHash, 1 + jsonBytes);
  return sha256(preimage);
}

/** The entry of `event` at `index`, after the entry whose hash is `previousHash` (ZERO_HASH at index 0). */
export function chainEntry(index: number, previousHash: string, event: AuditEvent): ChainEntry {
  const hash = toHex(chainHash(canonicalize(event as JsonValue), Buffer.from(previousHash, "hex")));
  return { index, prev_hash: previousHash, hash, event };
}

/** Hash of a spool record: SHA-256(sequence as uint64 big-endian ‖ previous hash ‖ JCS(body)); hashes as hexadecimal text. */
export function recordHash(sequence: number, previousHash: string, body: SpoolBody): string {
  const head = Buffer.alloc(8 + HASH_BYTES);
  head.writeBigUInt64BE(BigInt(sequence));
  head.write(previousHash, 8, "hex");
  return sha256Hex(Buffer.concat([head, Buffer.from(canonicalize(body as JsonValue))]));
}

/**
 * SHA-256(salt ‖ JCS(args)) as hexadecimal text. `salt` is 16 random bytes as 32 hexadecimal digits, kept apart from the event:
 * who forgets it makes the digest say nothing about the arguments. Faults: invalid `audit.salt`, `audit.not_canonical`.
 */
export function argumentsDigest(salt: string, args: JsonValue): string {
  return canonicalDigest(salt, canonicalize(args));
}

/** The same for arguments whose canonical text is known already. Faults: invalid `audit.salt`. */
export function canonicalDigest(salt: string, argsJson: string): string {
  if (!/^[0-9a-f]{32}$/.test(salt)) {
    throw new Fault("invalid", "audit.salt", "The salt must be 32 lower-case hexadecimal digits.");
  }
  // UTF-8 takes at most three bytes for one UTF-16 unit.
  const bytesMax = SALT_BYTES + 3 * argsJson.length;
  const preimage = bytesMax <= scratch.length ? scratch : Buffer.allocUnsafe(bytesMax);
  preimage.write(salt, 0, "hex");
  const end = SALT_BYTES + preimage.write(argsJson, SALT_BYTES);
  return sha256Hex(preimage.subarray(0, end));
}

const SALT_BYTES = 16;
/** Where preimages of ordinary length are put together; nothing is awaited between writing and hashing. */
const scratch = Buffer.allocUnsafe(16_384);
