// What a tool server says while nobody listens waits here for the next GET stream, within bounds: the oldest goes first, and a request that
// goes unheard is answered, so that the tool server does not wait for ever.

import { Buffer } from "node:buffer";
import type { JsonRpcMessage } from "@postern/mcp";
import { errorResponse, RPC_ERROR } from "@postern/mcp";

const MESSAGES_MAX = 256;
const BYTES_MAX = 1_048_576;

export interface Outbox {
  /** Keeps a message. Gives the answers to send for requests that had to make room. */
  put(message: JsonRpcMessage, line: Uint8Array): Uint8Array[];
  /** Everything kept, oldest first; the box is empty afterwards. */
  take(): Uint8Array[];
}

export function createOutbox(): Outbox {
  let kept: { readonly message: JsonRpcMessage; readonly line: Uint8Array }[] = [];
  let keptBytes = 0;
  return {
    put(message, line) {
      kept.push({ message, line });
      keptBytes += line.byteLength;
      const refusals: Uint8Array[] = [];
      while (kept.length > MESSAGES_MAX || keptBytes > BYTES_MAX) {
        const oldest = kept.shift();
        if (oldest === undefined) break;
        keptBytes -= oldest.line.byteLength;
        if (oldest.message.kind === "request") refusals.push(refusal(oldest.message.id.text));
      }
      return refusals;
    },
    take() {
      const lines = kept.map(({ line }) => line);
      kept = [];
      keptBytes = 0;
      return lines;
    },
  };
}

const refusal = (idText: string) =>
  Buffer.from(errorResponse(idText, { code: RPC_ERROR.internal, message: "The client does not listen." }));
