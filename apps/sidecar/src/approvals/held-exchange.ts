// The answer to a call that is held. Once it has begun as a stream, because the caller had to be kept waiting, whatever comes later goes into that
// stream; as long as it has not, it is answered like any other.
import { encodeSseEvent } from "@postern/mcp";
import type { Exchange } from "../exchange.ts";

export interface HeldExchange extends Exchange {
  /** Begins the stream, unless it has begun. */
  open(): void;
  /** A JSON-RPC message before the answer; dropped where there is no stream. */
  tell(message: string): void;
  /** A sign of life without meaning. */
  beat(): void;
}

const STREAM = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache",
  // Some proxies would keep the signs of life for themselves.
  "x-accel-buffering": "no",
};

export function createHeldExchange(exchange: Exchange): HeldExchange {
  let isOpen = false;
  let hasBegun = false;
  const send = (text: string) => void exchange.write(Buffer.from(text));
  const event = (data: string) => encodeSseEvent({ type: "message", data });
  return {
    ...exchange,
    open() {
      if (!isOpen) exchange.begin(200, STREAM);
      isOpen = true;
    },
    tell: (message) => isOpen && send(event(message)),
    beat: () => isOpen && send(": waiting for approval\n\n"),
    whole(status, headers, body) {
      hasBegun = true;
      if (!isOpen) return exchange.whole(status, headers, body);
      const text = typeof body === "string" ? body : Buffer.from(body).toString();
      if (text !== "") send(event(text));
      exchange.end();
    },
    begin(status, headers) {
      hasBegun = true;
      if (!isOpen) exchange.begin(status, headers);
    },
    begun: () => hasBegun,
  };
}
