// Calls for agents that do not speak MCP: an MCP session of our own with the tool server, opened when it is first needed, its calls sent
// under ids of our own, and whatever the tool server streams collapsed to the one answer.
import { Buffer } from "node:buffer";
import {
  createSseDecoder,
  errorResponse,
  isJsonObject,
  LEGACY_VERSIONS,
  member,
  type RequestMessage,
  RPC_ERROR,
  readMessage,
  readServerMessage,
  resultResponse,
  spliceId,
} from "@postern/mcp";
import { wholeBody } from "./body.ts";
import {
  mayHaveRun,
  type Upstream,
  type UpstreamRequest,
  type UpstreamResponse,
  upstreamFault,
} from "./upstream.ts";

export interface CallClient {
  /**
   * Sends one judged `tools/call`, once, and gives the tool server's JSON-RPC response, whole and under the caller's own id.
   * @throws Fault as `Upstream.forward` does; "upstream.protocol" also when the stream ends without an answer, "upstream.unavailable"
   * also when the tool server has ended our session (404): the next call opens a new one.
   */
  callOnce(
    message: RequestMessage,
    body: Uint8Array,
    signal: AbortSignal,
    caller?: Caller,
  ): Promise<UpstreamResponse>;
  /** Ends the session. */
  close(): Promise<void>;
}

/** What a call carries of its caller besides its message. */
export type Caller = Pick<UpstreamRequest, "principal" | "subjectToken" | "overrides">;

export interface CallClientOptions {
  readonly upstream: Upstream;
  /** Our name and version as told to the tool server. */
  readonly clientInfo: { readonly name: string; readonly version: string };
  /** Largest answer, and largest event of a stream; default 16 MiB. */
  readonly answerBytesMax?: number;
  /** For opening a session; default 30,000. */
  readonly openTimeoutMs?: number;
}

type HeaderMap = ReadonlyMap<string, string>;

const MIB = 1_048_576;
const ACCEPT: HeaderMap = new Map([["accept", "application/json, text/event-stream"]]);
const JSON_TYPE = { "content-type": "application/json" };
const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}';

export function createCallClient(options: CallClientOptions): CallClient {
  const { upstream, clientInfo, answerBytesMax = 16 * MIB, openTimeoutMs = 30_000 } = options;
  /** Headers of every message of the session: ACCEPT alone with a server that keeps none. */
  let opened: Promise<HeaderMap> | undefined;
  let lastId = 0;

  const postOwn = (text: string, headers: HeaderMap, caller: Caller) => {
    const body = Buffer.from(text);
    const read = readMessage(body, { bytesMax: body.byteLength });
    if (!read.ok) throw new TypeError(read.detail);
    const { message } = read;
    const signal = AbortSignal.timeout(openTimeoutMs);
    return upstream.forward({ ...caller, method: "POST", headers, body, message }, signal);
  };

  /** Reads the answer to our request `id`, refusing on the way what the tool server asks of us: we offer it nothing. */
  const readAnswer = async (response: UpstreamResponse, id: number, session: HeaderMap, caller: Caller) => {
    try {
      for await (const bytes of messagesOf(response, answerBytesMax)) {
        const read = readServerMessage(bytes, { bytesMax: answerBytesMax });
        const message = read.ok ? read.message : undefined;
        if (message?.kind === "request") (await postOwn(answerTo(message), session, caller)).body.cancel();
        if (message?.kind !== "response" || (message.id !== undefined && message.id.value !== id)) continue;
        return { bytes, message };
      }
    } finally {
      response.body.cancel();
    }
    const detail = `HTTP ${response.status}`;
    throw upstreamFault("upstream.protocol", "The tool server did not answer the call", {
      sent: true,
      detail,
    });
  };

  const open = async (caller: Caller): Promise<HeaderMap> => {
    const params = { protocolVersion: LEGACY_VERSIONS[0], capabilities: {}, clientInfo };
    const response = await postOwn(
      JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params }),
      ACCEPT,
      caller,
    );
    const { message } = await readAnswer(response, 0, ACCEPT, caller);
    const version = isJsonObject(message.result) ? member(message.result, "protocolVersion") : undefined;
    // Whoever refuses to initialize keeps no sessions, and may take a call all the same.
    if (typeof version !== "string") return ACCEPT;
    const id = response.headers["mcp-session-id"];
    const session = new Map([...ACCEPT, ["mcp-protocol-version", version]]);
    if (id !== undefined) session.set("mcp-session-id", id);
    (await postOwn(INITIALIZED, session, caller)).body.cancel();
    return session;
  };
  /** One session for all; when opening it fails, the next call tries anew. */
  const session = (caller: Caller): Promise<HeaderMap> => {
    if (opened !== undefined) return opened;
    const opening = open(caller).catch((cause) => {
      forget(opening);
      throw mayHaveRun(cause) ? noSession(cause) : cause;
    });
    opened = opening;
    return opening;
  };
  const forget = (stale: Promise<HeaderMap>) => {
    if (opened === stale) opened = undefined;
  };

  const call = async (
    message: RequestMessage,
    body: Uint8Array,
    signal: AbortSignal,
    caller: Caller,
    isReopened: boolean,
  ): Promise<UpstreamResponse> => {
    const used = session(caller);
    const headers = await unlessAborted(used, signal);
    lastId += 1;
    const id = { value: lastId, text: String(lastId), span: message.id.span };
    const named = { body: spliceId(body, message.id, id.text), message: { ...message, id } };
    const response = await upstream.forward({ ...caller, ...named, method: "POST", headers }, signal);
    const isGone = response.status === 404 && headers.has("mcp-session-id");
    if (isGone || response.status === 400) forget(used);
    if (isGone) {
      response.body.cancel();
      // Our own adapter knows that it gave the message to nobody, so it is sent for the first time in the new session.
      if (response.neverSent && !isReopened) return call(message, body, signal, caller, true);
      // That the session is gone is what a tool server says, not proof that it did nothing: sent again, the call could run twice.
      const sent = response.neverSent !== true;
      throw upstreamFault("upstream.unavailable", "The tool server has ended the session", { sent });
    }
    const answer = await readAnswer(response, id.value, headers, caller);
    const own =
      answer.message.id === undefined
        ? answer.bytes
        : spliceId(answer.bytes, answer.message.id, message.id.text);
    return { status: response.status, headers: JSON_TYPE, body: wholeBody(own) };
  };

  return {
    callOnce: (message, body, signal, caller = {}) => call(message, body, signal, caller, false),
    async close() {
      const headers = await opened?.catch(() => undefined);
      opened = undefined;
      if (!headers?.has("mcp-session-id")) return;
      const signal = AbortSignal.timeout(openTimeoutMs);
      const ended = await upstream.forward({ method: "DELETE", headers }, signal).catch(() => undefined);
      ended?.body.cancel();
    },
  };
}

function answerTo({ method, id }: RequestMessage): string {
  if (method === "ping") return resultResponse(id.text, {});
  return errorResponse(id.text, {
    code: RPC_ERROR.method_not_found,
    message: "This client answers no requests.",
  });
}

const noSession = (cause: unknown) =>
  upstreamFault("upstream.unavailable", "The tool server did not open a session", { sent: false, cause });

/** Rejects as soon as the signal fires; what is shared goes on for the others. */
function unlessAborted<T>(shared: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(upstreamFault("upstream.aborted", "The caller has gone", { sent: false }));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    shared.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** The JSON texts of an answer, whichever way it is framed. */
async function* messagesOf(response: UpstreamResponse, bytesMax: number): AsyncGenerator<Uint8Array> {
  if (/^text\/event-stream\b/i.test(response.headers["content-type"] ?? "")) {
    const decoder = createSseDecoder({ eventBytesMax: bytesMax });
    for await (const chunk of response.body) {
      for (const { data } of decoder.push(chunk))
        if (data !== undefined && data !== "") yield Buffer.from(data);
    }
    return;
  }
  const { whole } = response.body;
  if (whole !== undefined && whole.byteLength <= bytesMax) {
    yield whole;
    return;
  }
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of response.body) {
    sizeBytes += piece.byteLength;
    if (sizeBytes > bytesMax) {
      throw upstreamFault("upstream.protocol", `The tool server's answer is larger than ${bytesMax} bytes`, {
        sent: true,
      });
    }
    pieces.push(piece);
  }
  yield Buffer.concat(pieces);
}
