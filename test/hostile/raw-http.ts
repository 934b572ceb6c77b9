// HTTP/1.1 as bytes on a socket: what is sent goes out exactly as written, and what comes back is read by a parser that takes nothing it does
// not know, so that an answer which is not well-formed fails the test that got it.
import assert from "node:assert/strict";
import { connect } from "node:net";

export interface Answer {
  readonly status: number;
  /** Lower-case names; a repeated header is joined with ", ". */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

export interface RequestParts {
  readonly target?: string;
  readonly method?: string;
  /** Whole header lines, in order, after Host. */
  readonly head?: readonly string[];
  readonly body?: string | Uint8Array;
}

/** A request that is as it should be, but for what `parts` say. Ends its connection, so that all answers are read to the end. */
export function request({ target = "/v1/mcp", method = "POST", head = [], body = "" }: RequestParts): Buffer {
  const bytes = Buffer.from(body);
  const lines = [
    `${method} ${target} HTTP/1.1`,
    "Host: localhost",
    ...(bytes.byteLength > 0 ? [`Content-Length: ${bytes.byteLength}`] : []),
    ...head,
    "Connection: close",
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), bytes]);
}

/** Everything that comes back until the other side ends the connection. */
export function sendBytes(port: number, bytes: Uint8Array | string, timeoutMs = 20_000): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    const timer = setTimeout(() => {
      socket.destroy();
      const got = Buffer.concat(pieces).toString("latin1", 0, 400);
      reject(new Error(`the connection was still open after ${timeoutMs} ms; got: ${got}`));
    }, timeoutMs);
    socket.on("data", (piece: Buffer) => pieces.push(piece));
    // A reset after the answer is how a server refuses what it will not read.
    socket.on("error", () => {});
    socket.once("close", () => {
      clearTimeout(timer);
      resolve(Buffer.concat(pieces));
    });
  });
}

/** Sends bytes and reads every answer up to the end of the connection. */
export async function exchange(port: number, bytes: Uint8Array | string): Promise<Answer[]> {
  return readAnswers(await sendBytes(port, bytes));
}

/** The one answer to a request that may have one. */
export async function ask(port: number, parts: RequestParts): Promise<Answer> {
  const answers = await exchange(port, request(parts));
  assert.equal(answers.length, 1, "one answer to one request");
  return answers[0] ?? assert.fail();
}

/** Throws an AssertionError at the first byte that is not part of a well-formed answer. Interim answers (1xx) are among them. */
export function readAnswers(bytes: Buffer): Answer[] {
  const answers: Answer[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const headEnd = bytes.indexOf("\r\n\r\n", at);
    assert.notEqual(headEnd, -1, `an answer without an end of its head: ${show(bytes, at)}`);
    const [first = "", ...lines] = bytes.toString("latin1", at, headEnd).split("\r\n");
    const status = Number(/^HTTP\/1\.1 ([1-5]\d\d) [\x20-\x7e]*$/.exec(first)?.[1]);
    assert.ok(status >= 100, `no status line: ${first}`);
    const headers = readHead(lines);
    const { body, end } = readBody(bytes, headEnd + 4, status, headers);
    answers.push({ status, headers, body });
    at = end;
  }
  return answers;
}

function readHead(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const [, name = "", value = ""] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x20-\x7e]*)$/.exec(line) ?? [];
    assert.notEqual(name, "", `no header line: ${JSON.stringify(line)}`);
    const key = name.toLowerCase();
    const earlier = headers.get(key);
    headers.set(key, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return headers;
}

function readBody(
  bytes: Buffer,
  from: number,
  status: number,
  headers: ReadonlyMap<string, string>,
): { body: Buffer; end: number } {
  if (status < 200 || status === 204 || status === 304) return { body: Buffer.alloc(0), end: from };
  const length = headers.get("content-length");
  const coding = headers.get("transfer-encoding");
  assert.ok(length === undefined || coding === undefined, "an answer has one framing");
  if (coding !== undefined) {
    assert.equal(coding, "chunked");
    return readChunks(bytes, from);
  }
  if (length === undefined) return { body: bytes.subarray(from), end: bytes.byteLength };
  assert.match(length, /^\d+$/);
  const end = from + Number(length);
  assert.ok(end <= bytes.byteLength, "an answer is as long as it says");
  return { body: bytes.subarray(from, end), end };
}

function readChunks(bytes: Buffer, from: number): { body: Buffer; end: number } {
  const pieces: Buffer[] = [];
  for (let at = from; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const line = bytes.toString("latin1", at, lineEnd);
    assert.match(line, /^[0-9a-fA-F]+$/, `no chunk size at ${show(bytes, at)}`);
    const start = lineEnd + 2;
    const end = start + Number.parseInt(line, 16);
    assert.equal(bytes.toString("latin1", end, end + 2), "\r\n", "a chunk ends where it says");
    pieces.push(bytes.subarray(start, end));
    at = end + 2;
    if (end === start) return { body: Buffer.concat(pieces), end: at };
  }
}

const show = (bytes: Buffer, at: number) => JSON.stringify(bytes.toString("latin1", at, at + 80));

/** Sends bytes and cuts the connection once `isEnough` says so of what came back, which is asked first when nothing has. */
export function leave(
  port: number,
  bytes: Uint8Array | string,
  isEnough: (got: string) => boolean | Promise<boolean>,
): Promise<string> {
  return new Promise((resolve) => {
    let got = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, () => void look()));
    const look = async () => {
      if (await isEnough(got)) socket.resetAndDestroy();
    };
    socket.on("data", (piece: Buffer) => {
      got += piece.toString("latin1");
      void look();
    });
    socket.on("error", () => {});
    socket.once("close", () => resolve(got));
  });
}
