// Changes an id inside a message without touching any other byte: a message that is passed on under another id stays, in all that was
// judged, the very bytes that were judged.
import { Buffer } from "node:buffer";
import type { MessageId } from "./message.ts";

/** The same message with `idText` (JSON text) in place of its id. */
export function spliceId(body: Uint8Array, id: MessageId, idText: string): Uint8Array {
  return Buffer.concat([body.subarray(0, id.span.start), Buffer.from(idText), body.subarray(id.span.end)]);
}
