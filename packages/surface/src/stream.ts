// Replies that are sent while they are made. Each kind knows its media type and how one item becomes text; the body pulls the next item
// only when the reader has taken the one before (back-pressure), and closes the source when the reader leaves.
import type { z } from "zod";

/** Small items of a bulk stream travel together in chunks of about this size. */
const CHUNK_BYTES = 16_384;

/** A stream that is ready to be sent. Its source is first touched when the reader asks for the first byte. */
export interface Streamed<MediaType extends string = string> {
  readonly mediaType: MediaType;
  readonly chunks: AsyncIterable<string | Uint8Array>;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a stream reads as when it is whole, for the OpenAPI document. */
export type StreamShape =
  | { readonly is: "bytes" }
  | { readonly is: "text"; readonly description: string }
  /** One JSON text per line. */
  | { readonly is: "lines"; readonly line: z.ZodType }
  /** A single JSON text. */
  | { readonly is: "json"; readonly schema: z.ZodType };

/** A way of streaming, declared by a row (`reply`) and used by its `run` (`of`). */
export interface StreamKind<MediaType extends string = string, Item = never> {
  readonly mediaType: MediaType;
  readonly shape: StreamShape;
  of(items: AsyncIterable<Item> | Iterable<Item>, headers?: Record<string, string>): Streamed<MediaType>;
}

/** One server-sent event (WHATWG HTML §9.2). `data` may hold several lines; `comment` is what clients ignore. */
export interface ServerSentEvent {
  readonly event?: string;
  readonly id?: string;
  readonly data?: string;
  readonly retryMs?: number;
  readonly comment?: string;
}

/** Server-sent events, each handed over at once. */
export function sse(): StreamKind<"text/event-stream", ServerSentEvent> {
  const shape = { is: "text", description: "Server-sent events (WHATWG HTML, section 9.2)." } as const;
  return kind("text/event-stream", shape, (items) => mapped(items, eventText), {
    "x-accel-buffering": "no",
  });
}

/**
 * One JSON text per line. Items are sent as they are: the source is trusted to match `item`.
 * `print` gives an item's line with its line feed, for those who need one certain spelling.
 */
export function ndjson<S extends z.ZodType>(
  item: S,
  print: (value: z.input<S>) => string = (value) => `${JSON.stringify(value)}\n`,
): StreamKind<"application/x-ndjson", z.input<S>> {
  return kind("application/x-ndjson", { is: "lines", line: item }, (items) => gathered(items, print));
}

/** RFC 4180 rows under a header row. A cell that a spreadsheet would run as a formula is made harmless with a leading apostrophe. */
export function csv(
  columns: readonly string[],
): StreamKind<"text/csv; charset=utf-8", readonly (string | number | boolean)[]> {
  const description = `Rows (RFC 4180) under the header ${columns.join(",")}.`;
  return kind("text/csv; charset=utf-8", { is: "text", description }, async function* (rows) {
    yield csvLine(columns);
    yield* gathered(rows, csvLine);
  });
}

/** Bytes as they come; `shape` says what they spell when they are text. */
export function bytes<const M extends string>(
  mediaType: M,
  shape: StreamShape = { is: "bytes" },
): StreamKind<M, Uint8Array> {
  return kind(mediaType, shape, (items) => mapped(items, (chunk) => chunk));
}

/** The body of a stream. `failed` hears of trouble that breaks it off; the reader then sees a cut connection, never a clean end. */
export function streamBody(
  chunks: Streamed["chunks"],
  failed: (caught: unknown) => void,
): ReadableStream<Uint8Array> {
  const source = chunks[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  // The reader may leave while the next item is on its way; what comes of that item then concerns nobody.
  let isLeft = false;
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const next = await source.next();
          if (isLeft) return;
          if (next.done === true) controller.close();
          else controller.enqueue(typeof next.value === "string" ? encoder.encode(next.value) : next.value);
        } catch (caught) {
          if (isLeft) return;
          failed(caught);
          controller.error(caught);
        }
      },
      async cancel() {
        isLeft = true;
        await source.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

function kind<M extends string, Item>(
  mediaType: M,
  shape: StreamShape,
  encode: (items: AsyncIterable<Item> | Iterable<Item>) => AsyncIterable<string | Uint8Array>,
  ownHeaders: Readonly<Record<string, string>> = {},
): StreamKind<M, Item> {
  return {
    mediaType,
    shape,
    of: (items, headers = {}) => ({
      mediaType,
      chunks: encode(items),
      headers: { ...ownHeaders, ...headers },
    }),
  };
}

async function* mapped<A, B>(items: AsyncIterable<A> | Iterable<A>, map: (item: A) => B): AsyncGenerator<B> {
  for await (const item of items) yield map(item);
}

async function* gathered<A>(
  items: AsyncIterable<A> | Iterable<A>,
  line: (item: A) => string,
): AsyncGenerator<string> {
  let pending = "";
  for await (const item of items) {
    pending += line(item);
    if (pending.length < CHUNK_BYTES) continue;
    yield pending;
    pending = "";
  }
  if (pending !== "") yield pending;
}

function eventText(event: ServerSentEvent): string {
  let text = "";
  if (event.comment !== undefined) text += field("", event.comment);
  if (event.event !== undefined) text += field("event", oneLine(event.event));
  if (event.id !== undefined) text += field("id", oneLine(event.id));
  if (event.retryMs !== undefined) text += field("retry", String(event.retryMs));
  if (event.data !== undefined) text += field("data", event.data);
  return `${text}\n`;
}

function field(name: string, value: string): string {
  return value
    .split(/\r\n|\r|\n/)
    .map((line) => `${name}: ${line}\n`)
    .join("");
}

function oneLine(value: string): string {
  return value.replace(/[\r\n\0]/g, " ");
}

function csvLine(cells: readonly (string | number | boolean)[]): string {
  return `${cells.map(csvCell).join(",")}\r\n`;
}

function csvCell(cell: string | number | boolean): string {
  if (typeof cell !== "string") return String(cell);
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
