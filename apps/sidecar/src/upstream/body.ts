// The body of an answer between a producer that pushes and a reader that pulls. What arrives in one turn of the event loop is handed over in
// one piece; a full buffer pauses the producer; a reader that leaves ends it.
import { Buffer } from "node:buffer";
import type { UpstreamBody } from "./upstream.ts";

/** Buffered bytes at which the producer is paused, and the most that one piece holds unless it arrived larger. */
export const HIGH_WATER_BYTES = 65_536;

export interface BodyProducer {
  pause(): void;
  resume(): void;
  /** The reader has left before the end. */
  abort(): void;
}

export interface BodyPipe {
  readonly body: UpstreamBody;
  /** False once the buffer is full; the producer has been paused then. */
  push(chunk: Uint8Array): boolean;
  end(): void;
  fail(fault: Error): void;
  /** Bytes that wait for the reader. */
  bufferedBytes(): number;
  /** All bytes, if the body has ended; for whoever hands the answer over, before anybody reads. */
  takeWhole(): Uint8Array | undefined;
}

export function createBodyPipe(producer: BodyProducer): BodyPipe {
  let queue: Uint8Array[] = [];
  let queuedBytes = 0;
  let state: "open" | "ended" | "failed" | "left" = "open";
  let failure: Error | undefined;
  let isPaused = false;
  let wake: (() => void) | undefined;
  let over: ((failure: Error | undefined) => void) | undefined;

  const unpause = () => {
    if (!isPaused) return;
    isPaused = false;
    producer.resume();
  };
  const settle = (next: "ended" | "failed" | "left") => {
    if (state !== "open") return;
    state = next;
    // Whoever produces may have other readers.
    unpause();
    wake?.();
    over?.(failure);
  };
  const drain = (): Uint8Array => {
    const taken = queue.length === 1 && queue[0] !== undefined ? queue[0] : Buffer.concat(queue);
    queue = [];
    queuedBytes = 0;
    unpause();
    return taken;
  };
  const cancel = () => {
    if (state !== "open") return;
    settle("left");
    queue = [];
    queuedBytes = 0;
    producer.abort();
  };

  async function* read(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        if (queuedBytes > 0) yield drain();
        else if (state !== "open") break;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
      if (failure !== undefined) throw failure;
    } finally {
      cancel();
    }
  }

  return {
    body: {
      whole: undefined,
      cancel,
      onOver(callback) {
        if (state === "open") over = callback;
        else callback(failure);
      },
      [Symbol.asyncIterator]: read,
    },
    push(chunk) {
      if (state !== "open" || chunk.byteLength === 0) return true;
      queue.push(chunk);
      queuedBytes += chunk.byteLength;
      if (queuedBytes >= HIGH_WATER_BYTES && !isPaused) {
        isPaused = true;
        producer.pause();
      }
      wake?.();
      return !isPaused;
    },
    end: () => settle("ended"),
    fail(fault) {
      if (state === "open") failure = fault;
      settle("failed");
    },
    bufferedBytes: () => queuedBytes,
    takeWhole: () => (state === "ended" ? drain() : undefined),
  };
}

/** A body that is complete. */
export function wholeBody(bytes: Uint8Array): UpstreamBody {
  return { whole: bytes, cancel: nothing, onOver: overAlready, [Symbol.asyncIterator]: () => once(bytes) };
}

const nothing = () => {};
const overAlready: UpstreamBody["onOver"] = (callback) => callback(undefined);

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield bytes;
}
