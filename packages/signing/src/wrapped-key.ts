// Secret keys at rest: PASERK k4.secret-wrap.pie, and k4.local-wrap.pie for symmetric ones, under a 32-byte master key, so that a stolen
// database signs nothing.
// The PASETO library offers no k4 wrapping, because Web Crypto has neither BLAKE2b nor XChaCha20; the primitives are
// audited ones from @noble, put together as PASERK's operations/Wrap/pie.md prescribes and held to its vectors.
import { randomBytes, timingSafeEqual } from "node:crypto";
import { xchacha20 } from "@noble/ciphers/chacha.js";
import { blake2b } from "@noble/hashes/blake2.js";
import { Fault } from "@postern/fault";
import { decodeBase64url, encodeBase64url, secretKeyBytes, secretKeyText } from "./paserk.ts";
import { importSecret } from "./protocol.ts";

const HEADERS = { secret: "k4.secret-wrap.pie.", local: "k4.local-wrap.pie." } as const;
const BYTES = { secret: 64, local: 32 } as const;
const MASTER_BYTES = 32;
const TAG_BYTES = 32;
const NONCE_BYTES = 32;

/** What is wrapped: an Ed25519 secret key, or 32 bytes that two parties share. */
type Wrapped = keyof typeof HEADERS;

/** Wraps `k4.secret.…` for storage, each time differently. Faults: invalid `signing.key`, `signing.master_key`. */
export async function wrapSecretKey(secretKey: string, masterKey: Uint8Array): Promise<string> {
  await importSecret(secretKey);
  return wrapWith(secretKey, masterKey, randomBytes(NONCE_BYTES));
}

/**
 * The `k4.secret.…` text that was wrapped.
 * Faults: invalid `signing.master_key`; invalid `signing.wrapped_key` when the text was changed or the master key is another.
 */
export async function unwrapSecretKey(wrapped: string, masterKey: Uint8Array): Promise<string> {
  const secretKey = secretKeyText(opened("secret", wrapped, masterKey));
  await importSecret(secretKey);
  return secretKey;
}

/** Wraps 32 bytes for storage, each time differently. Faults: invalid `signing.key`, `signing.master_key`. */
export function wrapSymmetricKey(key: Uint8Array, masterKey: Uint8Array): string {
  return closed("local", key, masterKey, randomBytes(NONCE_BYTES));
}

/** The bytes that `wrapSymmetricKey` wrapped. Faults as `unwrapSecretKey`. */
export function unwrapSymmetricKey(wrapped: string, masterKey: Uint8Array): Uint8Array {
  return opened("local", wrapped, masterKey);
}

/** The deterministic half of wrapping: a nonce must never be used twice with one master key. */
export function wrapWith(secretKey: string, masterKey: Uint8Array, nonce: Uint8Array): string {
  return closed("secret", secretKeyBytes(secretKey), masterKey, nonce);
}

/** As `wrapWith`, for symmetric keys. */
export function wrapSymmetricWith(key: Uint8Array, masterKey: Uint8Array, nonce: Uint8Array): string {
  return closed("local", key, masterKey, nonce);
}

function closed(what: Wrapped, key: Uint8Array, masterKey: Uint8Array, nonce: Uint8Array): string {
  requireMaster(masterKey);
  if (key.length !== BYTES[what])
    throw new Fault("invalid", "signing.key", `The key must be ${BYTES[what]} bytes long.`);
  const ciphertext = cipher(masterKey, nonce, key);
  const tag = tagOf(what, masterKey, nonce, ciphertext);
  return HEADERS[what] + encodeBase64url(Buffer.concat([tag, nonce, ciphertext]));
}

function opened(what: Wrapped, wrapped: string, masterKey: Uint8Array): Uint8Array {
  requireMaster(masterKey);
  const header = HEADERS[what];
  const bytes = wrapped.startsWith(header) ? decodeBase64url(wrapped.slice(header.length)) : undefined;
  if (bytes?.length !== TAG_BYTES + NONCE_BYTES + BYTES[what]) throw badWrap();
  const nonce = bytes.subarray(TAG_BYTES, TAG_BYTES + NONCE_BYTES);
  const ciphertext = bytes.subarray(TAG_BYTES + NONCE_BYTES);
  const tag = tagOf(what, masterKey, nonce, ciphertext);
  if (!timingSafeEqual(bytes.subarray(0, TAG_BYTES), tag)) throw badWrap();
  return cipher(masterKey, nonce, ciphertext);
}

function cipher(masterKey: Uint8Array, nonce: Uint8Array, bytes: Uint8Array): Uint8Array {
  const derived = blake2b(Buffer.concat([Uint8Array.of(0x80), nonce]), { key: masterKey, dkLen: 56 });
  return xchacha20(derived.subarray(0, 32), derived.subarray(32), bytes);
}

function tagOf(what: Wrapped, masterKey: Uint8Array, nonce: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const key = blake2b(Buffer.concat([Uint8Array.of(0x81), nonce]), { key: masterKey, dkLen: 32 });
  return blake2b(Buffer.concat([Buffer.from(HEADERS[what]), nonce, ciphertext]), { key, dkLen: TAG_BYTES });
}

function requireMaster(masterKey: Uint8Array): void {
  if (masterKey.length === MASTER_BYTES) return;
  throw new Fault("invalid", "signing.master_key", `The master key must be ${MASTER_BYTES} bytes long.`);
}

function badWrap(): Fault {
  return new Fault(
    "invalid",
    "signing.wrapped_key",
    "The stored key cannot be unwrapped with this master key.",
  );
}
