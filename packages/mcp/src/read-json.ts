// Bytes to a JSON value, refusing what a second parser could read as another value. The scan and JSON.parse judge the same bytes; together
// they accept a text only if it is JSON (RFC 8259), UTF-8 without a mark, within bounds, and without repeated keys.
import { Buffer, isUtf8 } from "node:buffer";
import type { JsonObject, JsonValue } from "@postern/contracts";
import { type Refusal, refuse } from "./refusal.ts";
import { type ScanRules, type Span, scanJson } from "./scan.ts";

export interface JsonRules extends ScanRules {
  /** Largest text, in bytes. */
  readonly bytesMax: number;
}

export type JsonResult =
  | {
      readonly ok: true;
      readonly value: JsonValue;
      readonly buffer: Buffer;
      /** Where the outermost object's "id" stands, if it is a string or a number. */
      readonly id: Span | undefined;
    }
  | Refusal;

/** Not JSON: -32700. Too large: HTTP 413. JSON that is not acceptable: -32600. */
export function readJson(bytes: Uint8Array, rules: JsonRules): JsonResult {
  const { bytesMax, strict } = rules;
  if (bytes.byteLength > bytesMax) {
    return refuse("invalid_request", `the message is larger than ${bytesMax} bytes`, { httpStatus: 413 });
  }
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!isUtf8(buffer)) return refuse("parse", "the message is not UTF-8");
  if (buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf) {
    return refuse("parse", "the message starts with a byte order mark");
  }
  const scan = scanJson(buffer, rules);
  if (!scan.ok) return refuse("invalid_request", scan.problem);
  const value = parse(buffer.toString());
  if (value === undefined) return refuse("parse", "the message is not JSON");
  if (strict) {
    const members = countMembers(value);
    if (Number.isNaN(members)) return refuse("invalid_request", "a key is __proto__");
    if (scan.members !== members) return refuse("invalid_request", "an object holds the same key twice");
  }
  return { ok: true, value, buffer, id: scan.id };
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/**
 * Object members in the parsed tree, where a key that was written twice counts once, however it was spelt. NaN, which no sum leaves again,
 * if one is `__proto__` anywhere: a reader that merges objects would change what all its objects inherit.
 */
function countMembers(value: JsonValue): number {
  if (typeof value !== "object" || value === null) return 0;
  let members = 0;
  if (Array.isArray(value)) {
    for (const element of value) if (typeof element === "object") members += countMembers(element);
    return members;
  }
  const object = value as JsonObject;
  for (const key in object) {
    members += key === "__proto__" ? Number.NaN : 1;
    const inner = object[key];
    if (typeof inner === "object" && inner !== null) members += countMembers(inner);
  }
  return members;
}
