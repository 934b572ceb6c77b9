// A tool server that speaks MCP over stdio, offered as Streamable HTTP. Where the protocol has sessions, each has a process of its own and
// shares nothing; requests of the stateless era share one process.

import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { type Clock, type Fault, systemClock } from "@postern/fault";
import { eraOfHeaders } from "@postern/mcp";
import type { OpenChannel } from "./channel.ts";
import { type ChildEnd, startChild } from "./child.ts";
import { createSessionHost, problem, questionOf } from "./session-host.ts";
import { createSharedProcess } from "./shared-process.ts";
import { createStartPacer } from "./start-pacer.ts";
import { type Upstream, type UpstreamRequest, upstreamFault } from "./upstream.ts";

export interface StdioUpstreamOptions {
  readonly name: string;
  /** Program and arguments; never read by a shell. */
  readonly command: readonly [string, ...string[]];
  /** The child's whole environment; PATH is needed when the program is given without a path. */
  readonly environment: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** Processes with a session at once; default 64. The one process of all stateless requests comes on top. */
  readonly sessionsMax?: number;
  /** A process without traffic, waiting request or open stream ends after this; default 600,000. */
  readonly idleTtlMs?: number;
  /** Until the process begins to answer; default 120,000. */
  readonly answerTimeoutMs?: number;
  /** Until the end of an answer that is a stream; default 3,600,000. */
  readonly streamTimeoutMs?: number;
  /** Largest message from the process; default 16 MiB. */
  readonly lineBytesMax?: number;
  /** Requests that may wait at one process; default 2,048. */
  readonly waitingMax?: number;
  /** Patience at each step of ending a process; default 2,000. */
  readonly graceMs?: number;
  /** Standard error, and what is wrong on standard output; default: discarded. */
  readonly onDiagnostic?: (text: string) => void;
  /** At least 128 random bits; default 192. */
  readonly newSessionId?: () => string;
  readonly clock?: Clock;
}

const MIB = 1_048_576;

export function createStdioUpstream(options: StdioUpstreamOptions): Upstream {
  const { name, command, environment, lineBytesMax = 16 * MIB, clock = systemClock } = options;
  const onDiagnostic = options.onDiagnostic ?? (() => {});
  const [program, ...args] = command;
  const pacer = createStartPacer({ clock });
  let isClosed = false;

  const startProcess: OpenChannel = ({ onMessage, onEnd }) => {
    const child = startChild({
      command: program,
      args,
      environment,
      ...(options.directory !== undefined && { directory: options.directory }),
      lineBytesMax,
      backlogBytesMax: 2 * lineBytesMax,
      graceMs: options.graceMs ?? 2_000,
      onDiagnostic,
      onLine: onMessage,
      onEnd: (end) => onEnd(goneFault(end)),
    });
    return { ...child, send: (json) => void child.send(json), end: child.stop };
  };
  const limits = {
    openChannel: startProcess,
    onDiagnostic,
    idleTtlMs: options.idleTtlMs ?? 600_000,
    answerTimeoutMs: options.answerTimeoutMs ?? 120_000,
    streamTimeoutMs: options.streamTimeoutMs ?? 3_600_000,
    messageBytesMax: lineBytesMax,
    waitingMax: options.waitingMax ?? 2_048,
  };
  const shared = createSharedProcess({ ...limits, clock, pacer: createStartPacer({ clock }) });
  const host = createSessionHost({
    ...limits,
    openChannel(events, request) {
      const waitMs = Math.ceil(pacer.waitMs());
      if (waitMs === 0) return startProcess(events, request);
      const why = `The tool server's processes end before they answer; the next may start in ${waitMs} ms`;
      throw upstreamFault("upstream.unavailable", why, { sent: false });
    },
    sessionsMax: options.sessionsMax ?? 64,
    onOpened: (answered) => (answered ? pacer.held() : pacer.failed()),
    newSessionId: options.newSessionId,
  });

  return {
    name,
    async forward(request, signal) {
      if (!isStateless(request)) return host.forward(request, signal);
      if (signal.aborted) throw upstreamFault("upstream.aborted", "The caller has gone", { sent: false });
      const question = questionOf(request, signal);
      // A notification names ids of its own client, which mean something else, or another client's, in a process that is shared.
      if (question === undefined) return problem(400, "without a session, only requests are taken", request);
      return shared.ask(question);
    },
    async probe() {
      if (isClosed) return { ok: false, detail: "closed" };
      const found = await findProgram(program, environment.PATH ?? "");
      return found ? { ok: true } : { ok: false, detail: `${program} is not an executable file` };
    },
    async close() {
      isClosed = true;
      await Promise.all([host.close(), shared.close()]);
    },
  };
}

const isStateless = ({ method, headers }: UpstreamRequest) =>
  method === "POST" && !headers.has("mcp-session-id") && eraOfHeaders(headers) === "modern";

/** A crash on a call is told as such, and is no sign that the tool server is down: others have processes of their own. */
function goneFault({ started, detail }: ChildEnd): Fault {
  const message = started
    ? "The tool server's process has ended"
    : "The tool server's process could not be started";
  return upstreamFault("upstream.unavailable", message, { sent: started, isOutage: !started, detail });
}

async function findProgram(program: string, path: string): Promise<boolean> {
  const candidates = program.includes("/")
    ? [program]
    : path.split(delimiter).map((folder) => join(folder, program));
  const found = await Promise.allSettled(candidates.map((candidate) => access(candidate, constants.X_OK)));
  return found.some(({ status }) => status === "fulfilled");
}
