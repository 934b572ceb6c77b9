// A message with other params: a serialisation of exactly the value that was judged (P1).
import type { JsonObject } from "@postern/contracts";
import { readMessage } from "@postern/mcp";
import { grow, type Parsed } from "./stages.ts";

/** Of a request or a notification. */
export function rewriteMessage<S extends Parsed>(stage: S, params: JsonObject): S {
  const { message } = stage;
  const id = message?.id === undefined ? "" : `"id":${message.id.text},`;
  const text = `{"jsonrpc":"2.0",${id}"method":${JSON.stringify(stage.method)},"params":${JSON.stringify(params)}}`;
  const body = Buffer.from(text);
  const read = readMessage(body, { bytesMax: body.byteLength });
  if (!read.ok) throw new TypeError(`a changed message cannot be read: ${read.detail}`);
  return grow(stage, { body, message: read.message });
}
