// One pass over the bytes of a JSON text before it is parsed: finds what JSON.parse would hide (depth, rounded numbers, halves of
// surrogate pairs, how many members were written) and where the message's id stands. It may be lenient about grammar, never about
// these: JSON.parse reads the same bytes afterwards and refuses what is not JSON, and only both together accept a text.
import type { Buffer } from "node:buffer";

export interface ScanRules {
  /** Deepest nesting of arrays and objects; 1 is a flat object. */
  readonly depthMax: number;
  /** Members of objects and elements of arrays, over the whole text. */
  readonly valuesMax: number;
  /** Whether numbers and escapes that two parsers could read differently are refused. */
  readonly strict: boolean;
}

/** Where a value stands in the bytes: [start, end). */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type Scan =
  /** `members`: how many object members were written, duplicates included. `id`: the outermost object's string or number under "id". */
  { readonly ok: true; readonly members: number; readonly id: Span | undefined } | ScanRefusal;

export interface ScanRefusal {
  readonly ok: false;
  readonly problem: string;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const LOWER_U = 0x75;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const LONE_SURROGATE = -1;
/** Strings are usually short; past this many bytes a native search beats the loop. */
const NEAR_BYTES = 32;

/** Scans valid UTF-8 bytes. The first problem found is the one told. */
export function scanJson(bytes: Buffer, { depthMax, valuesMax, strict }: ScanRules): Scan {
  let depth = 0;
  let members = 0;
  let commas = 0;
  let id: Span | undefined;
  let idFollows = false;
  let key: Span | undefined;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) {
      const end = endOfString(bytes, at + 1);
      if (end === LONE_SURROGATE && strict) return refuse("a string holds half of a surrogate pair");
      const next = end === LONE_SURROGATE ? endOfLenientString(bytes, at + 1) : end;
      if (depth === 1) {
        key = { start: at, end: next + 1 };
        if (idFollows) id = key;
        idFollows = false;
      }
      at = next;
    } else if ((byte >= DIGIT_0 && byte <= DIGIT_9) || byte === MINUS) {
      const end = endOfNumber(bytes, at + 1);
      if (strict) {
        const problem = numberProblem(bytes, at, end);
        if (problem !== undefined) return refuse(problem);
      }
      if (idFollows && depth === 1) id = { start: at, end };
      idFollows = false;
      at = end - 1;
    } else if (byte === COLON) {
      members += 1;
      idFollows = depth === 1 && key !== undefined && isIdKey(bytes, key);
    } else if (byte === COMMA) {
      commas += 1;
      idFollows = false;
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      depth += 1;
      idFollows = false;
      if (depth > depthMax) return refuse(`nested deeper than ${depthMax}`);
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      depth -= 1;
    }
  }
  // Each comma separates two values, so members and elements together are at most members plus commas.
  if (members + commas > valuesMax) return refuse(`more than ${valuesMax} members and elements`);
  return { ok: true, members, id };
}

const refuse = (problem: string): ScanRefusal => ({ ok: false, problem });

/** Index of the closing quote (or of the end of the bytes), or LONE_SURROGATE. */
function endOfString(bytes: Buffer, from: number): number {
  const near = Math.min(from + NEAR_BYTES, bytes.length);
  for (let at = from; at < near; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) return endOfEscapedString(bytes, at);
  }
  const quote = bytes.indexOf(QUOTE, near);
  const end = quote === -1 ? bytes.length : quote;
  const backslash = bytes.subarray(near, end).indexOf(BACKSLASH);
  return backslash === -1 ? end : endOfEscapedString(bytes, near + backslash);
}

/** The same from the first backslash on, reading each escape. */
function endOfEscapedString(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte !== BACKSLASH) continue;
    at += 1;
    if (bytes[at] !== LOWER_U) continue;
    const half = surrogateHalf(bytes, at + 1);
    at += 4;
    if (half === undefined) continue;
    const isPair =
      bytes[at + 1] === BACKSLASH && bytes[at + 2] === LOWER_U && surrogateHalf(bytes, at + 3) === "low";
    if (half === "low" || !isPair) return LONE_SURROGATE;
    at += 6;
  }
  return bytes.length;
}

function endOfLenientString(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    if (bytes[at] === QUOTE) return at;
    if (bytes[at] === BACKSLASH) at += 1;
  }
  return bytes.length;
}

/** Whether four hexadecimal digits are D800–DBFF (high) or DC00–DFFF (low); JSON.parse refuses what are no such digits. */
function surrogateHalf(bytes: Buffer, at: number): "high" | "low" | undefined {
  if (((bytes[at] ?? 0) | 0x20) !== 0x64) return undefined;
  const second = (bytes[at + 1] ?? 0) | 0x20;
  if (second === 0x38 || second === 0x39 || second === 0x61 || second === 0x62) return "high";
  return second >= 0x63 && second <= 0x66 ? "low" : undefined;
}

/** First index after the digits, signs, dot and exponent. */
function endOfNumber(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    const continues =
      (byte >= DIGIT_0 && byte <= DIGIT_9) ||
      byte === 0x2e ||
      byte === 0x65 ||
      byte === 0x45 ||
      byte === 0x2b ||
      byte === MINUS;
    if (!continues) return at;
  }
  return bytes.length;
}

/**
 * Why two parsers could read this number differently, if they could. Integers are read exactly by some and as doubles by others, so they
 * must be safe; "-0" is an integer to some and a negative zero to others. With a fraction or an exponent every reader takes the nearest
 * double, so only what a double cannot hold at all (overflow, underflow) is refused.
 */
function numberProblem(bytes: Buffer, start: number, end: number): string | undefined {
  const digits = end - start;
  if (digits < 16 && bytes[start] !== MINUS && isPlainInteger(bytes, start, end)) return undefined;
  const text = bytes.toString("latin1", start, end);
  const value = Number(text);
  if (isPlainInteger(bytes, bytes[start] === MINUS ? start + 1 : start, end)) {
    if (Object.is(value, -0)) return "the integer -0 is ambiguous";
    return Number.isSafeInteger(value) ? undefined : `the integer ${excerpt(text)} is beyond 2^53 - 1`;
  }
  if (!Number.isFinite(value) && !Number.isNaN(value)) return `the number ${excerpt(text)} is too large`;
  if (value === 0 && /^-?[0.]*[1-9]/.test(text)) return `the number ${excerpt(text)} is too small`;
  return undefined;
}

function isPlainInteger(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte < DIGIT_0 || byte > DIGIT_9) return false;
  }
  return true;
}

const excerpt = (text: string) => (text.length > 24 ? `${text.slice(0, 24)}…` : text);

/** Whether this string, quotes included, spells "id", escapes included. */
function isIdKey(bytes: Buffer, { start, end }: Span): boolean {
  if (end - start === 4) return bytes[start + 1] === 0x69 && bytes[start + 2] === 0x64;
  if (end - start > 14 || end - start < 4 || !bytes.subarray(start, end).includes(BACKSLASH)) return false;
  return /^"(?:i|\\u0069)(?:d|\\u0064)"$/.test(bytes.toString("latin1", start, end));
}
