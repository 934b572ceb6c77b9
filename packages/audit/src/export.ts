// The NDJSON export: one chain entry per line, in canonical form (RFC 8785), so that there is exactly one way to write an
// entry and nothing in a line is outside the hash. A checkpoint line covers exactly the entries above it.
import { type ChainEntry, EVENT_BYTES_MAX, Identifier, type JsonValue } from "@postern/contracts";
import { canonicalize } from "./canonical.ts";
import { isHashText } from "./hash.ts";

/** Longest line that a reader accepts, line feed included. */
const LINE_BYTES_MAX = 4 * EVENT_BYTES_MAX;
const LINE_FEED = 0x0a;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What a line says. `line` counts from 1. */
export type ExportItem =
  | { readonly kind: "entry"; readonly entry: ChainEntry; readonly eventJson: string; readonly line: number }
  | { readonly kind: "checkpoint"; readonly note: string; readonly line: number }
  | {
      readonly kind: "malformed";
      readonly detail: string;
      /** Of the event that the line seems to hold; "" when none can be read. */
      readonly eventId: string;
      /** Nothing in the line, which is the first one, is like an export. */
      readonly isForeign: boolean;
      readonly line: number;
    };

/** The line of an entry, line feed included. */
export function exportLine(entry: ChainEntry): string {
  return `${canonicalize(entry as JsonValue)}\n`;
}

/** The line of a checkpoint over all the entries written so far, line feed included. */
export function exportCheckpointLine(note: string): string {
  return `${canonicalize({ checkpoint: note })}\n`;
}

/**
 * Reads an export in pieces of any size, in memory bounded by the longest line. Never throws for what the text holds: the first
 * bad line comes as a "malformed" item, and is the last one.
 */
export async function* readExport(chunks: Pieces): AsyncGenerator<ExportItem, void, undefined> {
  let line = 0;
  for await (const bytes of splitLines(chunks)) {
    line += 1;
    const item = readLine(bytes, line);
    yield item;
    if (item.kind === "malformed") return;
  }
}

export type Pieces = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;

/** Lines without their line feed. A line that is too long comes cut, one byte over the limit, and is the last one. */
async function* splitLines(chunks: Pieces): AsyncGenerator<Buffer, void, undefined> {
  let rest = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const piece = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    const bytes = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece]);
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
      yield bytes.subarray(start, end);
      start = end + 1;
    }
    rest = bytes.subarray(start);
    if (rest.length > LINE_BYTES_MAX) break;
  }
  if (rest.length > 0) yield rest;
}

function readLine(bytes: Buffer, line: number): ExportItem {
  const text = bytes.length > LINE_BYTES_MAX ? undefined : decode(bytes);
  const value = text === undefined ? undefined : parse(text);
  const malformed = (what: string): ExportItem => {
    const eventId = eventIdOf(value) ?? eventIdIn(bytes);
    const isLike = eventId !== "" || (isRecord(value) && ("event" in value || "checkpoint" in value));
    return {
      ...{ kind: "malformed", line, eventId, isForeign: line === 1 && !isLike },
      detail: `line ${line} ${what}`,
    };
  };
  if (bytes.length > LINE_BYTES_MAX) return malformed("is too long");
  if (text === undefined) return malformed("is not UTF-8");
  if (value === undefined) return malformed("is not JSON");
  if (text !== recanonicalize(value)) return malformed("is not in canonical form");
  if (isCheckpointLine(value)) return { kind: "checkpoint", note: value.checkpoint, line };
  if (!isChainEntry(value)) return malformed("is neither a chain entry nor a checkpoint");
  return { kind: "entry", entry: value, eventJson: eventTextOf(text, value), line };
}

/** The id of the event in a value that should be a chain entry, whatever else is wrong with it. */
export function eventIdOf(value: unknown): string | undefined {
  if (!isRecord(value) || !isRecord(value.event)) return undefined;
  const id = Identifier.safeParse(value.event.event_id);
  return id.success ? id.data : undefined;
}

/** The id in a line that cannot be parsed. No member that follows it in canonical order can hold its like, so it is the last one. */
function eventIdIn(bytes: Buffer): string {
  const ids = bytes.toString("latin1").matchAll(/"event_id":"([A-Za-z0-9][A-Za-z0-9._:-]{0,127})"/g);
  return [...ids].at(-1)?.[1] ?? "";
}

/** In canonical form the event comes first, and what follows it has a length that the other three fields tell. */
function eventTextOf(line: string, entry: ChainEntry): string {
  const { hash, index, prev_hash } = entry;
  const tail = `,"hash":"${hash}","index":${index},"prev_hash":"${prev_hash}"}`;
  return line.slice('{"event":'.length, -tail.length);
}

/**
 * Whether a value has the shape of a chain entry. Of the event only its id and tenant are looked at: its other fields are
 * evidence, not syntax, and an event of a later schema must still verify.
 */
export function isChainEntry(value: unknown): value is ChainEntry {
  if (!isRecord(value) || Object.keys(value).length !== 4 || !isRecord(value.event)) return false;
  const { index, prev_hash, hash, event } = value;
  const indexed = typeof index === "number" && Number.isSafeInteger(index) && index >= 0;
  const named = typeof event.event_id === "string" && typeof event.tenant === "string";
  return indexed && named && isHashText(prev_hash) && isHashText(hash);
}

function isCheckpointLine(value: unknown): value is { checkpoint: string } {
  return isRecord(value) && Object.keys(value).length === 1 && typeof value.checkpoint === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function decode(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** The canonical text of a value, or undefined when it has none. */
export function recanonicalize(value: JsonValue): string | undefined {
  try {
    return canonicalize(value);
  } catch {
    return undefined;
  }
}
