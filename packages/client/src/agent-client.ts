// One tool call through the guarded door. A refusal is a value that says which check refused and why; only a broken exchange is a Fault.
import { type Check, ERROR_CODE, type JsonObject, type JsonValue } from "@postern/contracts";
import { Fault, type NewId, randomId } from "@postern/fault";
import { z } from "zod";
import { readEvents } from "./event-stream.ts";
import { type Answer, type ConnectionOptions, createExchange } from "./exchange.ts";
import { malformed, refusal } from "./failure.ts";

export interface AgentClientOptions extends Omit<ConnectionOptions, "url"> {
  /** Address that takes the calls: `https://sidecar/v1/tool-call`, or the MCP address `…/v1/mcp`. */
  readonly url: string;
  /** Capability token. */
  readonly token: string;
  /** Makes the id of a request that was given none. */
  readonly newId?: NewId;
}

export interface CallOptions {
  /** What the user asked for, in the user's words; judged by the intent check. */
  readonly intentPrompt?: string;
  /** Id of the JSON-RPC request, also sent as `X-Request-Id`; a fresh one without it. */
  readonly requestId?: string;
  readonly signal?: AbortSignal;
}

/** Why Postern refused: `data` of its JSON-RPC error. */
export interface Denial {
  readonly check: Check | (string & {});
  /** JSON-RPC error code, -32010 … -32019. */
  readonly code: number;
  /** Stable reason code, such as "capability.tool". */
  readonly reason: string;
  /** The sentence for people. */
  readonly detail: string;
  /** Everything that speaks against the call, the decisive reason first. */
  readonly reasons: readonly { readonly code: string; readonly detail: string }[];
  readonly requestId: string | undefined;
  readonly eventId: string | undefined;
  /** The approval to wait for, when a person must decide. */
  readonly pendingId: string | undefined;
}

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: JsonValue | undefined;
}

/** `denial` is undefined when the error is the tool server's own. */
export type ToolCallAnswer =
  | { readonly ok: true; readonly result: JsonObject }
  | { readonly ok: false; readonly denial: Denial | undefined; readonly error: RpcError };

export interface AgentClient {
  /**
   * Calls a tool and waits for its result. Raises Fault invalid "client.url" | "client.token" | "client.request_id",
   * unavailable "client.timeout" | "client.cancelled" | "client.unreachable", upstream "client.malformed" | "client.too_large",
   * and "client.refused" when something that is not Postern answers.
   */
  toolCall(tool: string, args?: JsonObject, options?: CallOptions): Promise<ToolCallAnswer>;
}

const JsonObjectSchema = z.record(z.string(), z.json());
const Reply = z.object({
  jsonrpc: z.literal("2.0"),
  id: z.union([z.string(), z.number(), z.null()]).optional(),
  result: JsonObjectSchema.optional(),
  error: z.object({ code: z.int(), message: z.string(), data: z.json().optional() }).optional(),
});
type Reply = z.infer<typeof Reply>;

const DenialData = z.object({
  check: z.string(),
  reason: z.string(),
  detail: z.string().default(""),
  // What a later version says in another shape must not make a denial look like the tool server's own error.
  reasons: z.array(z.object({ code: z.string(), detail: z.string() })).catch([]),
  request_id: z.string().optional(),
  event_id: z.string().optional(),
  pending_id: z.string().optional(),
});
const DENIAL_CODES: readonly number[] = Object.values(ERROR_CODE);

/** A client for one token. */
export function createAgentClient(options: AgentClientOptions): AgentClient {
  const exchange = createExchange({ timeoutMs: 60_000, ...options }, options.token);
  const { newId = randomId } = options;
  return {
    async toolCall(tool, args = {}, { intentPrompt, requestId, signal } = {}) {
      const id = checkedId(requestId ?? newId());
      const headers = {
        accept: "application/json, text/event-stream",
        ...(requestId === undefined ? {} : { "x-request-id": requestId }),
        ...(intentPrompt === undefined ? {} : { "x-intent-prompt": headerText(intentPrompt) }),
      };
      const body = { jsonrpc: "2.0", id, method: "tools/call", params: { name: tool, arguments: args } };
      return readReply(await exchange.answer("POST", "", { body, headers, signal }), id);
    },
  };
}

/** Text as a header can carry it: plain when it can be, else in the base64 form of MCP 2026-07-28 (basic/transports). */
function headerText(text: string): string {
  const isPlain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !text.startsWith("=?");
  return isPlain ? text : `=?base64?${Buffer.from(text).toString("base64")}?=`;
}

function checkedId(id: string): string {
  if (/^[\x21-\x7e]{1,128}$/.test(id)) return id;
  throw new Fault(
    "invalid",
    "client.request_id",
    "A request id must be 1 to 128 printable ASCII characters.",
  );
}

async function readReply(answer: Answer, id: string): Promise<ToolCallAnswer> {
  const reply = await findReply(answer, id);
  if (reply?.error !== undefined) return { ok: false, denial: denialOf(reply.error), error: reply.error };
  if (answer.status !== 200) throw refusal(answer.status, answer.bytes);
  if (reply?.result === undefined) throw malformed("no JSON-RPC result and no error");
  return { ok: true, result: reply.result };
}

/** The reply to our request: the body, or among the messages of an event stream. */
async function findReply({ contentType, bytes }: Answer, id: string): Promise<Reply | undefined> {
  if (/^application\/json\b/.test(contentType)) return asReply(Buffer.from(bytes).toString());
  if (!/^text\/event-stream\b/.test(contentType)) return undefined;
  for await (const { data } of readEvents(once(bytes), bytes.byteLength)) {
    const reply = asReply(data);
    if (reply?.id === id) return reply;
  }
  return undefined;
}

async function* once<T>(item: T): AsyncGenerator<T, void> {
  yield item;
}

function asReply(text: string): Reply | undefined {
  try {
    return Reply.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function denialOf({ code, message, data }: RpcError): Denial | undefined {
  const parsed = DENIAL_CODES.includes(code) ? DenialData.safeParse(data).data : undefined;
  if (parsed === undefined) return undefined;
  const { check, reason, detail, reasons, request_id, event_id, pending_id } = parsed;
  return {
    check,
    code,
    reason,
    detail: detail === "" ? message : detail,
    reasons,
    requestId: request_id,
    eventId: event_id,
    pendingId: pending_id,
  };
}
