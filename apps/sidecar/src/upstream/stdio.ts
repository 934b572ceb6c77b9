// A tool server that speaks MCP over stdio, offered as Streamable HTTP: `initialize` starts a process and names its session, every further
// message of that session goes to that process, DELETE or disuse ends it. Sessions share nothing.

import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { errorResponse, RPC_ERROR, readServerMessage } from "@postern/mcp";
import { wholeBody } from "./body.ts";
import type { Question } from "./pending-request.ts";
import { type StdioSession, startStdioSession } from "./stdio-session.ts";
import {
  busyFault,
  type Upstream,
  type UpstreamRequest,
  type UpstreamResponse,
  upstreamFault,
} from "./upstream.ts";

export interface StdioUpstreamOptions {
  readonly name: string;
  /** Program and arguments; never read by a shell. */
  readonly command: readonly [string, ...string[]];
  /** The child's whole environment; PATH is needed when the program is given without a path. */
  readonly environment: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** Processes at once; default 64. */
  readonly sessionsMax?: number;
  /** A session without traffic, waiting request or open stream ends after this; default 600,000. */
  readonly idleTtlMs?: number;
  /** Until the process begins to answer; default 120,000. */
  readonly answerTimeoutMs?: number;
  /** Largest message from the process; default 16 MiB. */
  readonly lineBytesMax?: number;
  /** Patience at each step of ending a process; default 2,000. */
  readonly graceMs?: number;
  /** Standard error, and what is wrong on standard output; default: discarded. */
  readonly onDiagnostic?: (text: string) => void;
  /** At least 128 random bits; default 192. */
  readonly newSessionId?: () => string;
}

const MIB = 1_048_576;

interface Entry {
  readonly id: string;
  readonly session: StdioSession;
  readonly idle: NodeJS.Timeout;
}

export function createStdioUpstream(options: StdioUpstreamOptions): Upstream {
  const { name, command, environment, sessionsMax = 64, idleTtlMs = 600_000 } = options;
  const newSessionId = options.newSessionId ?? (() => randomBytes(24).toString("base64url"));
  const [program, ...args] = command;
  const entries = new Map<string, Entry>();
  const ending = new Set<Promise<void>>();
  let isClosed = false;

  const open = (): Entry => {
    if (isClosed)
      throw upstreamFault("upstream.unavailable", "The tool server is being shut down", { sent: false });
    if (entries.size + ending.size >= sessionsMax)
      throw busyFault("The tool server has as many sessions as it may have.");
    const id = newSessionId();
    const session = startStdioSession({
      command: program,
      args,
      environment,
      ...(options.directory !== undefined && { directory: options.directory }),
      lineBytesMax: options.lineBytesMax ?? 16 * MIB,
      backlogBytesMax: 2 * (options.lineBytesMax ?? 16 * MIB),
      answerTimeoutMs: options.answerTimeoutMs ?? 120_000,
      graceMs: options.graceMs ?? 2_000,
      onDiagnostic: options.onDiagnostic ?? (() => {}),
      onEnd: () => forget(id),
    });
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
    const entry = open();
    try {
      const answer = await entry.session.ask(question);
      if (!isRefusal(answer))
        return { ...answer, headers: { ...answer.headers, "mcp-session-id": entry.id } };
      void end(entry);
      return answer;
    } catch (caught) {
      void end(entry);
      throw caught;
    }
  };

  return {
    name,
    async forward(request, signal) {
      if (signal.aborted) throw upstreamFault("upstream.aborted", "The caller has gone", { sent: false });
      const { message, body } = request;
      const sessionId = request.headers["mcp-session-id"];
      if (sessionId === undefined) {
        if (message?.kind === "request" && message.method === "initialize" && body !== undefined) {
          return initialize({ message, body, takesStream: takesStream(request), signal });
        }
        return problem(400, "an Mcp-Session-Id header is needed: begin with initialize", request);
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
      if (message.kind !== "request") {
        entry.session.tell(message, body);
        return empty(202);
      }
      if (message.method === "initialize") return problem(400, "the session is initialized already", request);
      if (entry.session.isWaitingFor(message)) {
        return problem(400, "the id or progress token belongs to a request that has no answer yet", request);
      }
      return entry.session.ask({ message, body, takesStream: takesStream(request), signal });
    },
    async probe() {
      if (isClosed) return { ok: false, detail: "closed" };
      const found = await findProgram(program, environment.PATH ?? "");
      return found ? { ok: true } : { ok: false, detail: `${program} is not an executable file` };
    },
    async close() {
      isClosed = true;
      await Promise.all([...[...entries.values()].map(end), ...ending]);
    },
  };
}

const takesStream = ({ headers }: UpstreamRequest) => (headers.accept ?? "").includes("text/event-stream");

/** Whether the tool server refused to open a session. */
function isRefusal({ body }: UpstreamResponse): boolean {
  const read = body.whole && readServerMessage(body.whole, { bytesMax: body.whole.byteLength });
  return read?.ok === true && read.message.kind === "response" && read.message.error !== undefined;
}

function problem(status: number, message: string, request: UpstreamRequest): UpstreamResponse {
  const body = errorResponse(request.message?.id?.text, { code: RPC_ERROR.invalid_request, message });
  const headers = { "content-type": "application/json" };
  return { status, headers, body: wholeBody(Buffer.from(body)), neverSent: true };
}

const empty = (status: number): UpstreamResponse => ({
  status,
  headers: {},
  body: wholeBody(Buffer.alloc(0)),
});

async function findProgram(program: string, path: string): Promise<boolean> {
  const candidates = program.includes("/")
    ? [program]
    : path.split(delimiter).map((folder) => join(folder, program));
  const found = await Promise.allSettled(candidates.map((candidate) => access(candidate, constants.X_OK)));
  return found.some(({ status }) => status === "fulfilled");
}
