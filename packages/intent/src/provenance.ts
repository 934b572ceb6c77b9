// Where an agent's memories come from: each entry is signed with the key of the token under which it was written, and names the entry before it. What
// somebody else put into the agent's memory, changed there or took out of the middle has no signature that fits. Compatible with the header
// X-Intent-Memory-Provenance: base64url of a JSON list, the chain from its first entry on.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import {
  MEMORY_ENTRIES_MAX,
  MemoryEntries,
  type MemoryEntry,
  PROVENANCE_CHARS_MAX,
} from "@postern/contracts";

export type ProvenanceFinding =
  | { readonly ok: true; readonly entries: number }
  /** A sentence about the header, safe to show to whoever sent it. */
  | { readonly ok: false; readonly problem: string };

/** Verifies the header. `key`: 32 bytes, of the token whose root is `sessionId`. An empty list says nothing, and holds. */
export function verifyProvenance(
  header: string,
  { key, sessionId }: { readonly key: Uint8Array; readonly sessionId: string },
): ProvenanceFinding {
  const entries = readEntries(header);
  if (typeof entries === "string") return { ok: false, problem: entries };
  let previous: Uint8Array = GENESIS;
  for (const [index, entry] of entries.entries()) {
    const problem = problemOf(entry, { key, sessionId, previous });
    if (problem !== undefined) return { ok: false, problem: `Entry ${index} ${problem}.` };
    previous = hashOf(entry);
  }
  return { ok: true, entries: entries.length };
}

/** The header of these memories, oldest first: how an agent signs what it writes. */
export function signMemories(
  memories: readonly { readonly id: string; readonly ts: number; readonly data: string }[],
  { key, sessionId }: { readonly key: Uint8Array; readonly sessionId: string },
): string {
  let previous: Uint8Array = GENESIS;
  const entries = memories.map(({ id, ts, data }) => {
    const unsigned = {
      ...{ id, session_id: sessionId, ts },
      data: Buffer.from(data).toString("base64url"),
      prev_hash: Buffer.from(previous).toString("base64url"),
    };
    previous = hashOf(unsigned);
    return { ...unsigned, hmac: createHmac("sha256", key).update(canonical(unsigned)).digest("base64url") };
  });
  return Buffer.from(JSON.stringify(entries)).toString("base64url");
}

const HASH_BYTES = 32;
const GENESIS = new Uint8Array(HASH_BYTES);

/** The entries, or what is wrong with the header. */
function readEntries(header: string): readonly MemoryEntry[] | string {
  if (header.length > PROVENANCE_CHARS_MAX) return `It is longer than ${PROVENANCE_CHARS_MAX} characters.`;
  const bytes = decoded(header);
  if (bytes === undefined) return "It is not base64url without padding.";
  const entries = MemoryEntries.safeParse(parsed(bytes));
  if (entries.success) return entries.data;
  return `It is not a list of at most ${MEMORY_ENTRIES_MAX} memory entries.`;
}

function problemOf(
  entry: MemoryEntry,
  { key, sessionId, previous }: { key: Uint8Array; sessionId: string; previous: Uint8Array },
): string | undefined {
  if (entry.session_id !== sessionId) return "was written under another token";
  const [data, claimedPrevious, claimedHmac] = [entry.data, entry.prev_hash, entry.hmac].map(decoded);
  if (data === undefined || claimedPrevious === undefined || claimedHmac === undefined) {
    return "holds bytes that are not base64url without padding";
  }
  const hmac = createHmac("sha256", key).update(canonical(entry)).digest();
  if (!isSame(hmac, claimedHmac)) return "has a signature that does not verify";
  return isSame(previous, claimedPrevious) ? undefined : "does not follow the entry before it";
}

type Unsigned = Omit<MemoryEntry, "hmac">;

/** What is signed: lengths before texts and bytes, so that one entry has one form only. */
function canonical({ session_id, id, ts, prev_hash, data }: Unsigned): Uint8Array {
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(ts));
  return Buffer.concat([
    ...withLength(Buffer.from(session_id)),
    ...withLength(Buffer.from(id)),
    time,
    ...withLength(Buffer.from(prev_hash, "base64url")),
    ...withLength(Buffer.from(data, "base64url")),
  ]);
}

const hashOf = (entry: Unsigned): Uint8Array => createHash("sha256").update(canonical(entry)).digest();

function withLength(bytes: Uint8Array): readonly Uint8Array[] {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.byteLength);
  return [length, bytes];
}

/** Strict: what is decoded is the one text of its bytes. */
function decoded(text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

const isSame = (a: Uint8Array, b: Uint8Array) => a.byteLength === b.byteLength && timingSafeEqual(a, b);
