// One kept-alive connection that makes one call after the other. It is written on a bare socket, because a client that costs as much as the
// server under test would measure itself; it understands just what the bench's servers send: answers with a length.
import { connect } from "node:net";

export interface HttpCaller {
  /** Sends a whole request and resolves with the answer. Rejects when the connection ends, or the answer has no length. */
  call(request: string): Promise<Answer>;
  close(): void;
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export async function openHttpCaller({ hostname, port }: URL): Promise<HttpCaller> {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  let received = Buffer.alloc(0);
  let waiting: PromiseWithResolvers<Answer> | undefined;
  const fail = (why: string) => waiting?.reject(new Error(why));
  socket.on("data", (chunk) => {
    received = received.byteLength === 0 ? chunk : Buffer.concat([received, chunk]);
    try {
      const read = readAnswer(received);
      if (read === undefined) return;
      received = received.subarray(read.end);
      waiting?.resolve(read.answer);
    } catch (caught) {
      waiting?.reject(caught);
    }
  });
  socket.on("close", () => fail("the connection was closed before the answer was complete"));
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve).once("error", reject);
  });
  socket.on("error", (error) => fail(error.message));
  return {
    call(request) {
      waiting = Promise.withResolvers();
      socket.write(request);
      return waiting.promise;
    },
    close: () => void socket.destroy(),
  };
}

/** The text of a POST, in one piece. */
export function postOf(
  { pathname, host }: URL,
  headers: Readonly<Record<string, string>>,
): (body: string) => string {
  const fixed = Object.entries({ host, "content-type": "application/json", ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
  return (body) =>
    `POST ${pathname} HTTP/1.1\r\n${fixed}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Undefined while bytes are missing. */
function readAnswer(bytes: Buffer): { answer: Answer; end: number } | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  const head = bytes.toString("latin1", 0, headEnd);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer without a length: ${head}`);
  const end = headEnd + 4 + Number(length);
  if (bytes.byteLength < end) return undefined;
  return { answer: { status: Number(head.slice(9, 12)), body: bytes.subarray(headEnd + 4, end) }, end };
}
