// One process for all clients of the stateless era (MCP 2026-07-28), which has no sessions: each request gets an id of ours, which is its
// progress token and subscription id as well, and everything that comes back under it gets the client's own again. No byte of arguments is
// touched. A process that crashes is started again for the next request, ever later; what may have run is not repeated.
import { Buffer } from "node:buffer";
import { type Clock, systemClock } from "@postern/fault";
import { spliceId } from "@postern/mcp";
import type { OpenChannel } from "./channel.ts";
import { findSpan, replaceSpan } from "./json-span.ts";
import {
  type MessageSession,
  openMessageSession,
  type Restore,
  type SessionLimits,
  SUBSCRIPTION_META_KEY,
} from "./message-session.ts";
import type { Question } from "./pending-request.ts";
import type { StartPacer } from "./start-pacer.ts";
import { opensStream, type UpstreamResponse, upstreamFault } from "./upstream.ts";

export interface SharedProcess {
  /** @throws Fault as `Upstream.forward` does. */
  ask(question: Question): Promise<UpstreamResponse>;
  close(): Promise<void>;
}

export interface SharedProcessOptions extends SessionLimits {
  readonly openChannel: OpenChannel;
  readonly onDiagnostic: (text: string) => void;
  readonly pacer: StartPacer;
  /** Disuse after which the process is ended. */
  readonly idleTtlMs: number;
  readonly clock?: Clock;
}

/** A process that lived this long did not fail at its start. */
const HELD_MS = 10_000;

interface Running {
  readonly session: MessageSession;
  readonly idle: NodeJS.Timeout;
  /** Ends it for good, as we want it. */
  readonly stop: () => Promise<void>;
}

export function createSharedProcess(options: SharedProcessOptions): SharedProcess {
  const { pacer, idleTtlMs, clock = systemClock } = options;
  const ending = new Set<Promise<void>>();
  let running: Running | undefined;
  let lastId = 0;
  let isClosed = false;

  const start = ({ request }: Question): Running => {
    const waitMs = Math.ceil(pacer.waitMs());
    if (isClosed) throw notStarted("The tool server is being shut down");
    if (waitMs > 0)
      throw notStarted(`The tool server's process has ended by itself and may start again in ${waitMs} ms`);
    const startedMs = clock.monotonicMs();
    let isWanted = true;
    const onEnd = () => {
      clearTimeout(idle);
      if (!isWanted) return;
      running = undefined;
      if (clock.monotonicMs() - startedMs >= HELD_MS) pacer.held();
      pacer.failed();
    };
    const session = openMessageSession({ ...options, opening: request, isShared: true, onEnd });
    const stop = () => {
      isWanted = false;
      running = undefined;
      clearTimeout(idle);
      const gone = session.end().finally(() => ending.delete(gone));
      ending.add(gone);
      return gone;
    };
    const idle = setTimeout(() => void (session.isBusy ? idle.refresh() : stop()), idleTtlMs).unref();
    return { session, idle, stop };
  };

  return {
    async ask(question) {
      running ??= start(question);
      running.idle.refresh();
      lastId += 1;
      return running.session.ask(renamed(question, lastId), restorerOf(question, lastId));
    },
    async close() {
      isClosed = true;
      await Promise.all([running?.stop(), ...ending]);
    },
  };
}

/** The question under an id of ours. */
function renamed(question: Question, id: number): Question {
  const { message, body, progressToken } = question;
  const text = String(id);
  const named = spliceId(body, message.id, text);
  const token =
    progressToken === undefined ? undefined : findSpan(named, ["params", "_meta", "progressToken"]);
  return {
    ...question,
    message: { ...message, id: { ...message.id, value: id, text } },
    body: token === undefined ? named : replaceSpan(named, token, text),
    progressToken: token === undefined ? undefined : id,
  };
}

/** Puts the client's own id, progress token and subscription id back. */
function restorerOf({ message, body, request }: Question, id: number): Restore {
  const ownId = message.id.text;
  const token = findSpan(body, ["params", "_meta", "progressToken"]);
  const ownToken = token && Buffer.from(body.subarray(token.start, token.end)).toString();
  const subscribed = (line: Uint8Array, meta: readonly string[]) =>
    opensStream(request) ? replaced(line, [...meta, SUBSCRIPTION_META_KEY], String(id), ownId) : line;
  return (line, said) => {
    if (said.kind === "response") {
      return subscribed(said.id === undefined ? line : spliceId(line, said.id, ownId), ["result", "_meta"]);
    }
    if (said.method !== "notifications/progress") return subscribed(line, ["params", "_meta"]);
    return ownToken === undefined ? line : replaced(line, ["params", "progressToken"], String(id), ownToken);
  };
}

function replaced(line: Uint8Array, path: readonly string[], from: string, to: string): Uint8Array {
  const span = findSpan(line, path);
  const isOurs = span !== undefined && Buffer.from(line.subarray(span.start, span.end)).toString() === from;
  return isOurs ? replaceSpan(line, span, to) : line;
}

const notStarted = (why: string) => upstreamFault("upstream.unavailable", why, { sent: false });
