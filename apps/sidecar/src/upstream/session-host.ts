// Offers conversations over channels as Streamable HTTP sessions: `initialize` opens a channel and names its session, every further message
// of that session goes there, DELETE or disuse ends it. Sessions share nothing.

import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { errorResponse, progressTokenOf, RPC_ERROR, readServerMessage } from "@postern/mcp";
import { wholeBody } from "./body.ts";
import type { OpenChannel } from "./channel.ts";
import { type MessageSession, openMessageSession, type SessionLimits } from "./message-session.ts";
import type { Question } from "./pending-request.ts";
import { busyFault, type UpstreamRequest, type UpstreamResponse, upstreamFault } from "./upstream.ts";

export interface SessionHostOptions extends SessionLimits {
  readonly openChannel: OpenChannel;
  /** Sessions at once. */
  readonly sessionsMax: number;
  /** A session without traffic, waiting request or open stream ends after this. */
  readonly idleTtlMs: number;
  readonly onDiagnostic: (text: string) => void;
  /** How the opening of a session ended: whether the tool server came as far as to answer. */
  readonly onOpened: (answered: boolean) => void;
  /** At least 128 random bits; default 192. */
  readonly newSessionId?: (() => string) | undefined;
}

export interface SessionHost {
  /** @throws Fault as `Upstream.forward` does. */
  forward(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse>;
  close(): Promise<void>;
}

interface Entry {
  readonly id: string;
  readonly session: MessageSession;
  readonly idle: NodeJS.Timeout;
}

export function createSessionHost(options: SessionHostOptions): SessionHost {
  const { sessionsMax, idleTtlMs, onOpened } = options;
  const newSessionId = options.newSessionId ?? (() => randomBytes(24).toString("base64url"));
  const entries = new Map<string, Entry>();
  const ending = new Set<Promise<void>>();
  let isClosed = false;

  const open = (opening: UpstreamRequest): Entry => {
    if (isClosed)
      throw upstreamFault("upstream.unavailable", "The tool server is being shut down", { sent: false });
    if (entries.size + ending.size >= sessionsMax)
      throw busyFault("The tool server has as many sessions as it may have.");
    const id = newSessionId();
    const session = openMessageSession({ ...options, opening, isShared: false, onEnd: () => forget(id) });
    const idle = setTimeout(() => (session.isBusy ? idle.refresh() : void end(entry)), idleTtlMs).unref();
    const entry: Entry = { id, session, idle };
    entries.set(id, entry);
    return entry;
  };
  const forget = (id: string) => {
    clearTimeout(entries.get(id)?.idle);
    entries.delete(id);
  };
  const end = (entry: Entry): Promise<void> => {
    forget(entry.id);
    const gone = entry.session.end().finally(() => ending.delete(gone));
    ending.add(gone);
    return gone;
  };

  const initialize = async (question: Question): Promise<UpstreamResponse> => {
    const entry = open(question.request);
    try {
      const answer = await entry.session.ask(question);
      onOpened(true);
      if (!isRefusal(answer))
        return { ...answer, headers: { ...answer.headers, "mcp-session-id": entry.id } };
      void end(entry);
      return answer;
    } catch (caught) {
      if (!question.signal.aborted) onOpened(false);
      void end(entry);
      throw caught;
    }
  };

  return {
    async forward(request, signal) {
      if (signal.aborted) throw upstreamFault("upstream.aborted", "The caller has gone", { sent: false });
      const { message, body } = request;
      const sessionId = request.headers.get("mcp-session-id");
      if (sessionId === undefined) {
        const question = questionOf(request, signal);
        return question?.message.method === "initialize"
          ? initialize(question)
          : problem(400, "an Mcp-Session-Id header is needed: begin with initialize", request);
      }
      const entry = entries.get(sessionId);
      if (entry === undefined) return problem(404, "the session does not exist", request);
      entry.idle.refresh();
      if (request.method === "DELETE") {
        void end(entry);
        return empty(204);
      }
      if (request.method === "GET") {
        return (
          entry.session.listen(signal) ?? problem(409, "the session has an open stream already", request)
        );
      }
      if (message === undefined || body === undefined) return problem(400, "a message is needed", request);
      const question = questionOf(request, signal);
      if (question === undefined) {
        await entry.session.tell({ ...request, message, body });
        return empty(202);
      }
      if (question.message.method === "initialize")
        return problem(400, "the session is initialized already", request);
      if (entry.session.isWaitingFor(question.message))
        return problem(400, "the id or progress token belongs to a request that has no answer yet", request);
      return entry.session.ask(question);
    },
    async close() {
      isClosed = true;
      await Promise.all([...[...entries.values()].map(end), ...ending]);
    },
  };
}

/** Undefined for what is no request. */
export function questionOf(request: UpstreamRequest, signal: AbortSignal): Question | undefined {
  const { message, body } = request;
  if (message?.kind !== "request" || body === undefined) return undefined;
  return { message, body, progressToken: progressTokenOf(message), request, signal };
}

/** An answer of the adapter's own: nothing was given to the tool server. */
export function problem(status: number, message: string, request: UpstreamRequest): UpstreamResponse {
  const body = errorResponse(request.message?.id?.text, { code: RPC_ERROR.invalid_request, message });
  const headers = { "content-type": "application/json" };
  return { status, headers, body: wholeBody(Buffer.from(body)), neverSent: true };
}

/** Whether the tool server refused to open a session. */
function isRefusal({ body }: UpstreamResponse): boolean {
  const read = body.whole && readServerMessage(body.whole, { bytesMax: body.whole.byteLength });
  return read?.ok === true && read.message.kind === "response" && read.message.error !== undefined;
}

const empty = (status: number): UpstreamResponse => ({
  status,
  headers: {},
  body: wholeBody(Buffer.alloc(0)),
});
