// Reads HTTP/1.1 answers off a socket: those with a length and those in chunks, which is all that the bench's servers send. Of a long body
// only the end is kept, so that ten megabytes cost the load generator little.

export interface Answer {
  readonly status: number;
  /** Status line and headers as sent. */
  readonly head: string;
  /** The body, or the end of it when it is long. */
  readonly body: Buffer;
  readonly bodyBytes: number;
  /** When its first byte was here, on the clock of `performance.now()`. */
  readonly firstByteMs: number;
}

export interface AnswerReader {
  /** The answer, once a chunk completes it. Throws when it has no length. */
  push(chunk: Buffer): Answer | undefined;
  /** Head of the answer under way, as soon as it is whole. */
  head(): string | undefined;
}

const KEPT_BYTES = 65_536;

/** How a body is framed: reads what it can of `bytes` and tells how far it came. */
interface Framing {
  take(bytes: Buffer, onData: (data: Buffer) => void): number;
  isOver(): boolean;
}

export function createAnswerReader(): AnswerReader {
  let unread: Buffer = Buffer.alloc(0);
  let head: string | undefined;
  let framing: Framing | undefined;
  let kept: Buffer[] = [];
  let bodyBytes = 0;
  let firstByteMs = 0;
  const keep = (data: Buffer) => {
    if (bodyBytes === 0) firstByteMs = performance.now();
    bodyBytes += data.byteLength;
    kept.push(data);
    if (kept.length > 64) kept = [lastOf(kept)];
  };
  const readHead = () => {
    const end = unread.indexOf("\r\n\r\n");
    if (end === -1) return;
    head = unread.toString("latin1", 0, end);
    framing = framingOf(head);
    unread = unread.subarray(end + 4);
    bodyBytes = 0;
    firstByteMs = performance.now();
  };

  return {
    push(chunk) {
      unread = unread.byteLength === 0 ? chunk : Buffer.concat([unread, chunk]);
      if (framing === undefined) readHead();
      if (framing === undefined || head === undefined) return undefined;
      unread = unread.subarray(framing.take(unread, keep));
      if (!framing.isOver()) return undefined;
      const body = kept.length === 1 && kept[0] !== undefined ? kept[0] : lastOf(kept);
      const answer = { status: Number(head.slice(9, 12)), head, body, bodyBytes, firstByteMs };
      [head, framing, kept] = [undefined, undefined, []];
      return answer;
    },
    head: () => head,
  };
}

function lastOf(pieces: readonly Buffer[]): Buffer {
  const all = Buffer.concat(pieces);
  return all.byteLength > KEPT_BYTES ? Buffer.from(all.subarray(-KEPT_BYTES)) : all;
}

function framingOf(head: string): Framing {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return withLength(Number(length));
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return inChunks();
  if (/^HTTP\/1\.1 (?:204|304)/.test(head)) return withLength(0);
  throw new Error(`an answer without a length: ${head}`);
}

function withLength(bytesTotal: number): Framing {
  let left = bytesTotal;
  return {
    take(bytes, onData) {
      const taken = Math.min(left, bytes.byteLength);
      if (taken > 0) onData(bytes.subarray(0, taken));
      left -= taken;
      return taken;
    },
    isOver: () => left === 0,
  };
}

/** RFC 9112 §7.1, without trailers. */
function inChunks(): Framing {
  let left = 0;
  let isOver = false;
  return {
    take(bytes, onData) {
      let at = 0;
      while (!isOver) {
        if (left > 2) {
          const taken = Math.min(left - 2, bytes.byteLength - at);
          if (taken === 0) break;
          onData(bytes.subarray(at, at + taken));
          at += taken;
          left -= taken;
        } else if (left > 0) {
          // The line end after a chunk's data.
          const taken = Math.min(left, bytes.byteLength - at);
          if (taken === 0) break;
          at += taken;
          left -= taken;
        } else {
          const lineEnd = bytes.indexOf("\r\n", at);
          if (lineEnd === -1) break;
          const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
          if (size === 0 && bytes.byteLength < lineEnd + 4) break;
          isOver = size === 0;
          left = size + 2;
          at = lineEnd + (isOver ? 4 : 2);
        }
      }
      return at;
    },
    isOver: () => isOver,
  };
}
