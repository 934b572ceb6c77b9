// Finds where a member stands in a JSON text that has been read already, so that it can be replaced without touching any other byte. Where a
// key is written twice, the last one counts, as it does for JSON.parse.
import { Buffer } from "node:buffer";

export interface Span {
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = new Set([0x7b, 0x5b]);
const CLOSE = new Set([0x7d, 0x5d]);
const BLANK = new Set([0x20, 0x09, 0x0a, 0x0d]);
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const COMMA = 0x2c;

/** Bytes [start, end) of the value at `path`; undefined when there is none. `json` must be valid. */
export function findSpan(json: Uint8Array, path: readonly string[]): Span | undefined {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  let found: Span | undefined = { start: skipBlanks(bytes, 0), end: bytes.length };
  for (const key of path) {
    found = found && memberOf(bytes, found.start, key);
  }
  return found;
}

/** The same text with other bytes in that place. */
export function replaceSpan(json: Uint8Array, { start, end }: Span, text: string): Uint8Array {
  return Buffer.concat([json.subarray(0, start), Buffer.from(text), json.subarray(end)]);
}

function memberOf(bytes: Buffer, start: number, key: string): Span | undefined {
  if (bytes[start] !== OPEN_OBJECT) return undefined;
  let found: Span | undefined;
  let at = skipBlanks(bytes, start + 1);
  while (at < bytes.length && bytes[at] !== CLOSE_OBJECT) {
    const keyEnd = endOfString(bytes, at);
    const name: unknown = JSON.parse(bytes.toString("utf8", at, keyEnd));
    const valueStart = skipBlanks(bytes, skipBlanks(bytes, keyEnd) + 1);
    const valueEnd = endOfValue(bytes, valueStart);
    if (name === key) found = { start: valueStart, end: valueEnd };
    at = skipBlanks(bytes, valueEnd);
    if (bytes[at] === COMMA) at = skipBlanks(bytes, at + 1);
  }
  return found;
}

function endOfValue(bytes: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < bytes.length; ) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) {
      at = endOfString(bytes, at);
      if (depth === 0) return at;
      continue;
    }
    if (depth === 0 && (byte === COMMA || BLANK.has(byte) || CLOSE.has(byte))) return at;
    if (OPEN.has(byte)) depth += 1;
    if (CLOSE.has(byte)) depth -= 1;
    at += 1;
    if (depth === 0 && CLOSE.has(byte)) return at;
  }
  return bytes.length;
}

function endOfString(bytes: Buffer, start: number): number {
  for (let at = start + 1; at < bytes.length; at += 1) {
    if (bytes[at] === BACKSLASH) at += 1;
    else if (bytes[at] === QUOTE) return at + 1;
  }
  return bytes.length;
}

function skipBlanks(bytes: Buffer, start: number): number {
  let at = start;
  while (at < bytes.length && BLANK.has(bytes[at] ?? 0)) at += 1;
  return at;
}
