// A receiver of webhooks for tests: a real HTTP server that writes down what it gets and answers as the test says.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { defer, type TestScope } from "@postern/testkit";

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  /** What it answers from now on; default 204. */
  answer: (response: ServerResponse, received: Received) => void;
  /** Resolves once so many messages have arrived. */
  got(count: number): Promise<void>;
}

export async function receiver(t: TestScope): Promise<Receiver> {
  const received: Received[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk: Uint8Array) => void chunks.push(chunk));
    request.on("end", () => {
      const { url: path = "", headers } = request;
      const message = { path, headers, body: Buffer.concat(chunks).toString() };
      received.push(message);
      for (const each of waiting) if (received.length >= each.count) each.resolve();
      self.answer(response, message);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  defer(t, () => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const self: Receiver = {
    ...{ url: `http://127.0.0.1:${port}/hook`, port, received },
    answer: (response) => void response.writeHead(204).end(),
    got: (count) =>
      new Promise((resolve) => {
        if (received.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
  };
  return self;
}

/** Answers with a status and nothing else. */
export const status =
  (code: number, headers: Record<string, string> = {}): Receiver["answer"] =>
  (response) =>
    void response.writeHead(code, headers).end();
