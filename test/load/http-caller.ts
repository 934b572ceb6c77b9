// One kept-alive connection that makes one call after the other. It is written on a bare socket, because a client that costs as much as the
// server under test would measure itself.
import { connect } from "node:net";
import { type Answer, createAnswerReader } from "./answer-reader.ts";

export interface HttpCaller {
  /** Sends a whole request and resolves with the answer. Rejects when the connection ends, or the answer has no length. */
  call(request: string): Promise<Answer>;
  /** Sends a whole request and resolves with the head of the answer; its body may come later, or never. */
  begin(request: string): Promise<string>;
  close(): void;
}

export async function openHttpCaller({ hostname, port }: URL): Promise<HttpCaller> {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const reader = createAnswerReader();
  let waiting: PromiseWithResolvers<Answer> | undefined;
  let beginning: PromiseWithResolvers<string> | undefined;
  const fail = (error: unknown) => {
    waiting?.reject(error);
    beginning?.reject(error);
  };
  socket.on("data", (chunk) => {
    try {
      const answer = reader.push(chunk);
      const head = answer?.head ?? reader.head();
      if (head !== undefined) beginning?.resolve(head);
      if (answer !== undefined) waiting?.resolve(answer);
    } catch (caught) {
      fail(caught);
    }
  });
  socket.on("close", () => fail(new Error("the connection was closed before the answer was complete")));
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve).once("error", reject);
  });
  socket.on("error", fail);
  return {
    call(request) {
      waiting = Promise.withResolvers();
      socket.write(request);
      return waiting.promise;
    },
    begin(request) {
      beginning = Promise.withResolvers();
      socket.write(request);
      return beginning.promise;
    },
    close: () => void socket.destroy(),
  };
}

type Headers = Readonly<Record<string, string>>;

/** Makes the text of requests to one address; what stays the same is put together once. */
export function requestsTo(
  { pathname, host }: URL,
  headers: Headers,
): (method: "POST" | "GET" | "DELETE", extra: Headers, body: string) => string {
  const fixed = lines({ host, ...headers });
  return (method, extra, body) => {
    const framing =
      method === "POST"
        ? `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`
        : "";
    return `${method} ${pathname} HTTP/1.1\r\n${fixed}${lines(extra)}${framing}\r\n${body}`;
  };
}

function lines(headers: Headers): string {
  let text = "";
  for (const name in headers) text += `${name}: ${headers[name]}\r\n`;
  return text;
}
