// A JSON-RPC message of MCP as Postern reads it: exactly one of three kinds, with the id's own bytes kept so that it is echoed as written.
import type { JsonObject, JsonValue } from "@postern/contracts";
import type { Span } from "./scan.ts";

/** The id as it was written: `text` is its JSON text, to be echoed; `span` is where it stands in the message's bytes. */
export interface MessageId {
  readonly value: string | number;
  readonly text: string;
  readonly span: Span;
}

export interface RequestMessage {
  readonly kind: "request";
  readonly id: MessageId;
  readonly method: string;
  readonly params: JsonObject | undefined;
}

export interface NotificationMessage {
  readonly kind: "notification";
  readonly id: undefined;
  readonly method: string;
  readonly params: JsonObject | undefined;
}

/** An answer: of a client to a server's request, or of a server to a client's. `error` is present in a failure only. */
export interface ResponseMessage {
  readonly kind: "response";
  /** Absent only in a server's answer to a message whose id it could not read. */
  readonly id: MessageId | undefined;
  readonly result: JsonValue | undefined;
  readonly error: JsonObject | undefined;
}

export type JsonRpcMessage = RequestMessage | NotificationMessage | ResponseMessage;

export interface ToolCall {
  readonly name: string;
  readonly arguments: JsonObject;
}

/** Name and arguments of a `tools/call`, in request or in notification form; undefined for every other message. */
export function toolCallOf(message: JsonRpcMessage): ToolCall | undefined {
  if (message.kind === "response" || message.method !== "tools/call" || message.params === undefined)
    return undefined;
  const name = member(message.params, "name");
  const given = member(message.params, "arguments");
  if (typeof name !== "string") return undefined;
  return { name, arguments: isJsonObject(given) ? given : {} };
}

/** The `_meta` object of a request or notification. */
export function metaOf(message: JsonRpcMessage): JsonObject | undefined {
  if (message.kind === "response" || message.params === undefined) return undefined;
  const meta = member(message.params, "_meta");
  return isJsonObject(meta) ? meta : undefined;
}

/** The token under which progress of this request is to be reported. */
export function progressTokenOf(message: JsonRpcMessage): string | number | undefined {
  const meta = metaOf(message);
  const token = meta && member(meta, "progressToken");
  return typeof token === "string" || typeof token === "number" ? token : undefined;
}

/** A member by its own name only: a key such as "constructor" or "__proto__" never reads what every object inherits. */
export function member(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
