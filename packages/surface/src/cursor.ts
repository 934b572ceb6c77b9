// Keyset cursors: opaque, versioned, bound to the sort order and filter they were made for, and sealed, so that a caller can neither read
// another page out of one nor make one up.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { JsonObject } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { z } from "zod";

/** Longest cursor that is looked at, characters. */
export const CURSOR_CHARS_MAX = 2048;

const Key = z
  .array(z.union([z.string(), z.number(), z.boolean(), z.null()]))
  .min(1)
  .max(8);
const CursorPayload = z.strictObject({ v: z.int(), sort: z.string(), filterHash: z.string(), key: Key });

/** Where a page ended: `key` holds the sort columns of its last item, in order. `v` rises when their meaning changes. */
export type Cursor = z.infer<typeof CursorPayload>;

/** The cursor as text for the caller. */
export function encodeCursor(cursor: Cursor, secret: Uint8Array | string): string {
  const payload = Buffer.from(JSON.stringify(CursorPayload.parse(cursor)));
  return `${payload.toString("base64url")}.${seal(payload, secret).toString("base64url")}`;
}

/**
 * The key of a cursor that this service made for the same version, order and filter.
 * Raises Fault invalid "cursor.invalid" for anything else; the message tells no more than that.
 */
export function decodeCursor(
  text: string,
  secret: Uint8Array | string,
  expected: Omit<Cursor, "key">,
): Cursor["key"] {
  const cursor = open(text, secret);
  const matches =
    cursor !== undefined &&
    cursor.v === expected.v &&
    cursor.sort === expected.sort &&
    cursor.filterHash === expected.filterHash;
  if (!matches) throw new Fault("invalid", "cursor.invalid", "The cursor is not one of this list's.");
  return cursor.key;
}

/** Digest of what a list was filtered by, tenant included; the order of its fields does not matter. */
export function filterHash(filter: JsonObject): string {
  const sorted = Object.entries(filter).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("base64url").slice(0, 22);
}

function open(text: string, secret: Uint8Array | string): Cursor | undefined {
  const [body = "", mac = "", ...rest] = text.length > CURSOR_CHARS_MAX ? [] : text.split(".");
  const payload = Buffer.from(body, "base64url");
  const given = Buffer.from(mac, "base64url");
  const right = seal(payload, secret);
  if (rest.length > 0 || given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
  // The text is ours from here on; only its spelling could differ, and that is refused too.
  if (payload.toString("base64url") !== body || given.toString("base64url") !== mac) return undefined;
  return CursorPayload.parse(JSON.parse(payload.toString()));
}

function seal(payload: Uint8Array, secret: Uint8Array | string): Buffer {
  return createHmac("sha256", secret).update("postern/cursor/v1\0").update(payload).digest().subarray(0, 16);
}
