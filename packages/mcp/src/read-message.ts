// The one reading of a message (promise P1): whatever two parsers could read differently is refused, so that the upstream, given the same
// bytes, sees exactly the value that was judged. Batches are refused too: no revision since 2025-06-18 has them.
import type { JsonObject } from "@postern/contracts";
import { isJsonObject, type JsonRpcMessage, type MessageId, member } from "./message.ts";
import { readJson } from "./read-json.ts";
import { type Refusal, refuse } from "./refusal.ts";
import { findLookalike } from "./reserved-keys.ts";
import type { Span } from "./scan.ts";

export interface ReadLimits {
  /** Largest message, in bytes. */
  readonly bytesMax: number;
  /** Deepest nesting; default 64. */
  readonly depthMax?: number;
  /** Members and elements over the whole message; default 100,000. */
  readonly valuesMax?: number;
}

export type ReadResult = { readonly ok: true; readonly message: JsonRpcMessage } | Refusal;

export const DEPTH_MAX = 64;
const SERVER_DEPTH_MAX = 1_000;
const VALUES_MAX = 100_000;
const ID_CHARS_MAX = 256;
const METHOD_CHARS_MAX = 128;
const NAME_CHARS_MAX = 256;

/** Reads a client's message strictly. */
export function readMessage(bytes: Uint8Array, limits: ReadLimits): ReadResult {
  const { bytesMax, depthMax = DEPTH_MAX, valuesMax = VALUES_MAX } = limits;
  const json = readJson(bytes, { bytesMax, depthMax, valuesMax, strict: true });
  if (!json.ok) return json;
  const { value, buffer, id } = json;
  if (Array.isArray(value)) {
    return refuse("invalid_request", "batches are not accepted: send one message per request");
  }
  if (!isJsonObject(value)) return refuse("invalid_request", "the message is not an object");
  const lookalike = findLookalike(value);
  if (lookalike !== undefined) {
    return refuse("invalid_request", `the key ${lookalike} can be taken for another one`);
  }
  return classify(value, id && { buffer, span: id });
}

/**
 * Reads what an upstream sent, as any client would: valid JSON-RPC of one message, without the rules against ambiguity, which protect the
 * judge and not the client.
 */
export function readServerMessage(bytes: Uint8Array, limits: ReadLimits): ReadResult {
  const { bytesMax, depthMax = SERVER_DEPTH_MAX, valuesMax = Number.MAX_SAFE_INTEGER } = limits;
  const json = readJson(bytes, { bytesMax, depthMax, valuesMax, strict: false });
  if (!json.ok) return json;
  const { value, buffer } = json;
  if (!isJsonObject(value)) return refuse("invalid_request", "the message is not an object");
  const source = json.id && { buffer, span: json.id };
  const result = member(value, "result");
  const error = member(value, "error");
  if (member(value, "method") !== undefined || (result === undefined && !isJsonObject(error))) {
    return classify(value, source);
  }
  const id = idOf(value, source);
  return {
    ok: true,
    message: {
      kind: "response",
      id: id && "value" in id ? id : undefined,
      result,
      error: isJsonObject(error) ? error : undefined,
    },
  };
}

interface IdSource {
  readonly buffer: Buffer;
  readonly span: Span;
}

/** JSON-RPC 2.0 §4 and §5, with the bounds of MCP: `params` is an object, an id is a string or an integer and never null. */
function classify(value: JsonObject, source: IdSource | undefined): ReadResult {
  if (member(value, "jsonrpc") !== "2.0") return refuse("invalid_request", 'jsonrpc must be "2.0"');
  const id = idOf(value, source);
  if (id !== undefined && !("value" in id)) return id;
  const idText = id?.text;
  const isAnswer = Object.hasOwn(value, "result") || Object.hasOwn(value, "error");
  if (!Object.hasOwn(value, "method")) return classifyAnswer(value, id);
  if (isAnswer) return refuse("invalid_request", "a message is a request or an answer, not both", { idText });
  const method = member(value, "method");
  if (typeof method !== "string" || !isPlainText(method, METHOD_CHARS_MAX)) {
    return refuse("invalid_request", `method must be 1 to ${METHOD_CHARS_MAX} printable characters`, {
      idText,
    });
  }
  const params = member(value, "params");
  if (params !== undefined && !isJsonObject(params))
    return refuse("invalid_params", "params must be an object", { idText });
  const problem = paramsProblem(method, params);
  if (problem !== undefined) return refuse("invalid_params", problem, { idText });
  if (id === undefined) return { ok: true, message: { kind: "notification", id, method, params } };
  return { ok: true, message: { kind: "request", id, method, params } };
}

function classifyAnswer(value: JsonObject, id: MessageId | undefined): ReadResult {
  const result = member(value, "result");
  const error = member(value, "error");
  if ((result === undefined) === (error === undefined)) {
    return refuse("invalid_request", "the message has neither a method nor exactly one of result and error", {
      idText: id?.text,
    });
  }
  if (id === undefined) return refuse("invalid_request", "an answer needs the id it answers");
  if (error !== undefined && !isJsonObject(error))
    return refuse("invalid_request", "error must be an object", { idText: id.text });
  return { ok: true, message: { kind: "response", id, result, error } };
}

/** Undefined when there is no id at all. An id written as 1.0, 1e0 or beyond 2^53 is echoed differently by different servers. */
function idOf(value: JsonObject, source: IdSource | undefined): MessageId | Refusal | undefined {
  if (!Object.hasOwn(value, "id")) return undefined;
  const id = member(value, "id");
  const text = source?.buffer.toString("utf8", source.span.start, source.span.end);
  const isPlain =
    typeof id === "string" ? id.length <= ID_CHARS_MAX : Number.isSafeInteger(id) && String(id) === text;
  if (
    source === undefined ||
    text === undefined ||
    !isPlain ||
    (typeof id !== "string" && typeof id !== "number")
  ) {
    return refuse(
      "invalid_request",
      `id must be a string of at most ${ID_CHARS_MAX} characters or a plain integer`,
    );
  }
  return { value: id, text, span: source.span };
}

/** What a decision is taken from has its type checked here, so that nothing is judged on a guess. */
function paramsProblem(method: string, params: JsonObject | undefined): string | undefined {
  if (params !== undefined) {
    const meta = member(params, "_meta");
    if (meta !== undefined && !isJsonObject(meta)) return "params._meta must be an object";
  }
  if (method !== "tools/call") return undefined;
  const name = params && member(params, "name");
  if (typeof name !== "string" || !isPlainText(name, NAME_CHARS_MAX)) {
    return `params.name must be 1 to ${NAME_CHARS_MAX} printable characters`;
  }
  const given = params && member(params, "arguments");
  return given === undefined || isJsonObject(given) ? undefined : "params.arguments must be an object";
}

const isPlainText = (text: string, charsMax: number) =>
  text.length > 0 && text.length <= charsMax && !/\p{Cc}/u.test(text);
