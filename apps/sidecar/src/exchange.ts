// The answering half of one HTTP request, as the pipeline sees it. Nothing is buffered here beyond what the socket takes: a slow reader slows
// its own upstream down and nobody else.
import type { ServerResponse } from "node:http";

export type AnswerHeaders = Readonly<Record<string, string>>;

export interface Exchange {
  /** A complete answer; an empty body sends none. */
  whole(status: number, headers: AnswerHeaders, body: Uint8Array | string): void;
  begin(status: number, headers: AnswerHeaders): void;
  /** Resolves when there is room for more; false when the caller has gone. */
  write(bytes: Uint8Array): Promise<boolean>;
  end(): void;
  /** Whether a part of an answer has been handed over. */
  begun(): boolean;
  /** Ends the connection so that the caller cannot take what it got for the whole. */
  breakOff(): void;
}

/** `requestId`: told in the header X-Request-Id of whatever is answered. */
export function createExchange(response: ServerResponse, requestId?: string): Exchange {
  const own = requestId === undefined ? {} : { "x-request-id": requestId };
  return {
    whole(status, headers, body) {
      const bytes = typeof body === "string" ? Buffer.from(body) : body;
      // RFC 9110 §15: an answer of 204 has no length.
      const length = status === 204 ? {} : { "content-length": bytes.byteLength };
      response.writeHead(status, { ...headers, ...own, ...length });
      response.end(bytes.byteLength === 0 ? undefined : bytes);
    },
    begin(status, headers) {
      response.writeHead(status, { ...headers, ...own });
      response.flushHeaders();
    },
    async write(bytes) {
      if (response.destroyed) return false;
      if (response.write(bytes)) return true;
      return new Promise((resolve) => {
        const done = () => {
          response.off("drain", done).off("close", done);
          resolve(!response.destroyed);
        };
        response.once("drain", done).once("close", done);
      });
    },
    end: () => void response.end(),
    begun: () => response.headersSent,
    breakOff() {
      if (!response.writableEnded) response.destroy();
    },
  };
}
