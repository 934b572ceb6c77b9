// A simulated sidecar: one stream of events on a bare socket, of which only the ids are read, so that thousands of them fit on one processor.
import { connect } from "node:net";

export interface Ear {
  /** Id of the latest event; "" before the first one. */
  last(): string;
  /** Resolves with the moment (monotonic milliseconds) at which an event of such an id had come. */
  until(is: (id: string) => boolean, withinMs: number): Promise<number>;
  close(): void;
}

export async function openEar(url: URL, path: string, credential: string): Promise<Ear> {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
  let last = "";
  let rest = "";
  let waiting: ((id: string, atMs: number) => void) | undefined;
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    const text = rest + chunk;
    const end = text.lastIndexOf("\n");
    rest = text.slice(end + 1);
    const start = text.lastIndexOf("\nid: ", end);
    if (end < 0 || start < 0) return;
    last = text.slice(start + 5, text.indexOf("\n", start + 1)).trimEnd();
    waiting?.(last, performance.now());
  });
  socket.on("error", () => {});
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve).once("error", reject);
  });
  const authorization = credential === "" ? "" : `authorization: Bearer ${credential}\r\n`;
  socket.write(
    `GET ${path} HTTP/1.1\r\nhost: ${url.host}\r\naccept: text/event-stream\r\n${authorization}\r\n`,
  );
  return {
    last: () => last,
    until(is, withinMs) {
      if (is(last)) return Promise.resolve(performance.now());
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`nothing was heard in ${withinMs} ms`)), withinMs);
        waiting = (id, atMs) => {
          if (!is(id)) return;
          clearTimeout(late);
          waiting = undefined;
          resolve(atMs);
        };
      });
    },
    close: () => void socket.destroy(),
  };
}
