// Server-Sent Events (WHATWG HTML §9.2) as a relay needs them: each event keeps its own bytes, comments, ids and line ends included, so
// that what is not changed passes exactly as it came. Input arrives in any pieces; what is held back is bounded.
import { Buffer } from "node:buffer";
import { Fault } from "@postern/fault";

export interface SseEvent {
  /**
   * The event's bytes up to and including its blank line, or a comment line between events, which must not wait for the next event.
   * All events' bytes and the rest, joined, are the stream.
   */
  readonly bytes: Uint8Array;
  /** Undefined when there is no data field, as in a comment or a priming id. */
  readonly data: string | undefined;
  /** Event type; "message" when none is named. */
  readonly type: string;
  readonly id: string | undefined;
  readonly retryMs: number | undefined;
}

export interface SseDecoder {
  /** @throws Fault upstream "upstream.protocol" when one event exceeds its bound. */
  push(chunk: Uint8Array): SseEvent[];
  /** Bytes of an event that has not ended; a reader discards them at the end of the stream. */
  rest(): Uint8Array;
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;

export function createSseDecoder({ eventBytesMax }: { eventBytesMax: number }): SseDecoder {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let isLineStart = true;
  let isComment = false;
  let hasFields = false;
  let isAfterCr = false;
  let isFirst = true;

  const take = (bytes: Uint8Array): Uint8Array => {
    if (heldBytes + bytes.length > eventBytesMax) throw tooLarge(eventBytesMax);
    const whole = held.length === 0 ? bytes : Buffer.concat([...held, bytes]);
    held = [];
    heldBytes = 0;
    return whole;
  };

  return {
    push(chunk) {
      const events: SseEvent[] = [];
      let start = 0;
      // A line feed right after a carriage return belongs to the line that has ended, even when a piece ended in between.
      let at = isAfterCr && chunk[0] === LF ? 1 : 0;
      if (chunk.length > 0) isAfterCr = false;
      while (at < chunk.length) {
        if (isLineStart) isComment = chunk[at] === COLON;
        const end = endOfLine(chunk, at);
        if (end === -1) {
          isLineStart = false;
          break;
        }
        const isBlank = isLineStart && end === at;
        at = end + 1;
        if (chunk[end] === CR && chunk[at] === LF) at += 1;
        else if (chunk[end] === CR) isAfterCr = at === chunk.length;
        isLineStart = true;
        hasFields ||= !isBlank && !isComment;
        if (!isBlank && hasFields) continue;
        hasFields = false;
        events.push(parseEvent(take(chunk.subarray(start, at)), isFirst));
        isFirst = false;
        start = at;
      }
      if (start < chunk.length) {
        held.push(chunk.subarray(start));
        heldBytes += chunk.length - start;
        if (heldBytes > eventBytesMax) throw tooLarge(eventBytesMax);
      }
      return events;
    },
    rest: () => take(new Uint8Array(0)),
  };
}

export interface SseFields {
  readonly data: string;
  readonly type?: string;
  readonly id?: string;
  readonly retryMs?: number;
}

/** One event as text. `type` and `id` must be free of line ends. */
export function encodeSseEvent({ data, type, id, retryMs }: SseFields): string {
  const head = `${type === undefined ? "" : `event: ${type}\n`}${id === undefined ? "" : `id: ${id}\n`}${retryMs === undefined ? "" : `retry: ${retryMs}\n`}`;
  return `${head}${dataLines(data)}\n`;
}

/** The same event with other data: every other line keeps its bytes and its place. */
export function replaceSseData(event: SseEvent, data: string): Uint8Array {
  let isWritten = false;
  const lines =
    Buffer.from(event.bytes)
      .toString("latin1")
      .match(/[^\r\n]*(?:\r\n|\r|\n)/g) ?? [];
  const kept = lines.map((line) => {
    if (!/^data(?::|[\r\n])/.test(line.replace(/^\xef\xbb\xbf/, ""))) return Buffer.from(line, "latin1");
    const replacement = isWritten ? "" : dataLines(data);
    isWritten = true;
    return Buffer.from(replacement);
  });
  return Buffer.concat(kept);
}

const dataLines = (data: string) =>
  data
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join("");

function endOfLine(chunk: Uint8Array, from: number): number {
  const lf = chunk.indexOf(LF, from);
  const cr = (lf === -1 ? chunk : chunk.subarray(0, lf)).indexOf(CR, from);
  return cr === -1 ? lf : cr;
}

function parseEvent(bytes: Uint8Array, isFirst: boolean): SseEvent {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  const data: string[] = [];
  let type = "message";
  let id: string | undefined;
  let retryMs: number | undefined;
  // A byte order mark may lead the stream, not an event.
  for (const line of (isFirst ? text.replace(/^\ufeff/, "") : text).split(/\r\n|\r|\n/)) {
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "data") data.push(value);
    else if (field === "event") type = value === "" ? "message" : value;
    else if (field === "id" && !value.includes("\0")) id = value;
    else if (field === "retry" && /^\d{1,9}$/.test(value)) retryMs = Number(value);
  }
  return { bytes, data: data.length === 0 ? undefined : data.join("\n"), type, id, retryMs };
}

const tooLarge = (bytesMax: number) =>
  new Fault("upstream", "upstream.protocol", `The tool server sent an event larger than ${bytesMax} bytes.`);
