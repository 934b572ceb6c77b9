// What agents remember, signed by themselves: the entries that an agent shows with a call, and their key, which only the control plane can
// make: it gives it to whoever mints the token, and to the sidecar that is shown the entries.
import { z } from "zod";
import { Identifier } from "./ids.ts";

/** 32 bytes as base64url without padding. */
const MemoryKeyText = z
  .string()
  .regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, "must be 32 bytes as base64url");

/** POST /v1/sidecar/memory-keys: `jti` is the root of the token that was shown. */
export const MemoryKeyRequest = z.strictObject({ jti: Identifier });
export type MemoryKeyRequest = z.infer<typeof MemoryKeyRequest>;

export const MemoryKeyReply = z.strictObject({ memory_signing_key: MemoryKeyText });
export type MemoryKeyReply = z.infer<typeof MemoryKeyReply>;

/** More than a request's head may hold. */
export const PROVENANCE_CHARS_MAX = 16_384;
export const MEMORY_ENTRIES_MAX = 128;

/** An entry as it travels; `data`, `prev_hash` and `hmac` are bytes as base64url without padding. */
export const MemoryEntry = z.strictObject({
  id: z.string().min(1).max(256),
  /** Id of the root token under which it was written. */
  session_id: z.string().max(256),
  /** When it was written, milliseconds since the Unix epoch. */
  ts: z.int().min(0),
  data: z.string(),
  /** SHA-256 of the entry before it; 32 zero bytes in the first. */
  prev_hash: z.string(),
  hmac: z.string(),
});
export type MemoryEntry = z.infer<typeof MemoryEntry>;

/** The chain from its first entry on. */
export const MemoryEntries = z.array(MemoryEntry).max(MEMORY_ENTRIES_MAX);
