// PASERK version 4: keys as text and the ids of keys (https://github.com/paseto-standard/paserk).
// Exactly one text stands for one key: padding, other alphabets and loose trailing bits are refused.
// Ids need BLAKE2b with a 33-byte digest, which neither Node's crypto nor the PASETO library offers.
import { blake2b } from "@noble/hashes/blake2.js";
import { badKey } from "./protocol.ts";

const PUBLIC_BYTES = 32;
const SECRET_BYTES = 64;
const ID_BYTES = 33;

/** The 32 bytes of a `k4.public.…` key. Faults: invalid `signing.key`. */
export function publicKeyBytes(publicKey: string): Uint8Array {
  return keyBytes(publicKey, "public", PUBLIC_BYTES);
}

/** The 64 bytes (seed, then public half) of a `k4.secret.…` key. Faults: invalid `signing.key`. */
export function secretKeyBytes(secretKey: string): Uint8Array {
  return keyBytes(secretKey, "secret", SECRET_BYTES);
}

/** `k4.public.…` text of 32 bytes. Faults: invalid `signing.key`. */
export function publicKeyText(bytes: Uint8Array): string {
  if (bytes.length !== PUBLIC_BYTES) throw badKey("public");
  return `k4.public.${encodeBase64url(bytes)}`;
}

/** `k4.secret.…` text of 64 bytes. Faults: invalid `signing.key`. */
export function secretKeyText(bytes: Uint8Array): string {
  if (bytes.length !== SECRET_BYTES) throw badKey("secret");
  return `k4.secret.${encodeBase64url(bytes)}`;
}

/** The `k4.pid.…` id of a public key: what every footer and key list calls `kid`. Faults: invalid `signing.key`. */
export function kidOf(publicKey: string): string {
  publicKeyBytes(publicKey);
  return idOf("k4.pid.", publicKey);
}

/** The `k4.sid.…` id of a secret key, safe to write into a log. Faults: invalid `signing.key`. */
export function secretKeyIdOf(secretKey: string): string {
  secretKeyBytes(secretKey);
  return idOf("k4.sid.", secretKey);
}

/** Bytes of canonical, unpadded base64url text, or undefined. */
export function decodeBase64url(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

export function encodeBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

function keyBytes(text: string, half: "public" | "secret", length: number): Uint8Array {
  const header = `k4.${half}.`;
  const bytes = text.startsWith(header) ? decodeBase64url(text.slice(header.length)) : undefined;
  if (bytes?.length !== length) throw badKey(half);
  return bytes;
}

function idOf(header: string, paserk: string): string {
  return header + encodeBase64url(blake2b(Buffer.from(header + paserk), { dkLen: ID_BYTES }));
}
