// The caller's side of a test: what it asks, what it got, and when it leaves.
import type { Exchange } from "./exchange.ts";

/** A caller: what it got, and when it leaves. */
export interface MemoryExchange extends Exchange {
  readonly gone: AbortSignal;
  status: number;
  headers: Readonly<Record<string, string>>;
  text: string;
  state: "waiting" | "begun" | "ended" | "broken";
  /** How often an answer was begun; anything but 1 is a fault. */
  answers: number;
  leave(): void;
  json(): {
    id?: unknown;
    result?: unknown;
    error?: { code: number; message: string; data: Record<string, unknown> };
  };
}

/** `leaveAfter`: the caller goes away once it has got this many pieces. */
export function createMemoryExchange({ leaveAfter = Number.POSITIVE_INFINITY } = {}): MemoryExchange {
  const going = new AbortController();
  let pieces = 0;
  const exchange: MemoryExchange = {
    gone: going.signal,
    status: 0,
    headers: {},
    text: "",
    state: "waiting",
    answers: 0,
    leave: () => going.abort(),
    json: () => JSON.parse(exchange.text),
    begun: () => exchange.state !== "waiting",
    whole(status, headers, body) {
      exchange.begin(status, headers);
      exchange.text = Buffer.from(body).toString();
      exchange.state = "ended";
    },
    begin(status, headers) {
      Object.assign(exchange, { status, headers, state: "begun" });
      exchange.answers += 1;
    },
    async write(bytes) {
      if (going.signal.aborted) return false;
      exchange.text += Buffer.from(bytes).toString();
      pieces += 1;
      if (pieces >= leaveAfter) going.abort();
      return !going.signal.aborted;
    },
    end() {
      exchange.state = "ended";
    },
    breakOff() {
      exchange.state = "broken";
    },
  };
  return exchange;
}

/** `id: null` makes it a notification. */
export const toolCall = (name: string, args: Record<string, unknown> = {}, id: unknown = 1) => ({
  jsonrpc: "2.0",
  ...(id !== null && { id }),
  method: "tools/call",
  params: { name, arguments: args },
});
