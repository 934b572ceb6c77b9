// One MCP session with a process of its own: takes the lines that the process says apart and gives each to the HTTP exchange it belongs to.
// Answers and progress go to the POST that asked; everything else goes to the session's GET stream.

import { Buffer } from "node:buffer";
import { toFault } from "@postern/fault";
import {
  type JsonRpcMessage,
  member,
  progressTokenOf,
  type RequestMessage,
  readServerMessage,
} from "@postern/mcp";
import { type BodyPipe, createBodyPipe } from "./body.ts";
import { type Child, type ChildEnd, type ChildOptions, startChild } from "./child.ts";
import { createOutbox } from "./outbox.ts";
import {
  createPendingRequest,
  type PendingRequest,
  type Question,
  STREAM_HEADERS,
  sseEvent,
} from "./pending-request.ts";
import { type UpstreamResponse, upstreamFault } from "./upstream.ts";

export interface StdioSessionOptions extends Omit<ChildOptions, "onLine" | "onEnd"> {
  /** Until the process begins to answer a request. */
  readonly answerTimeoutMs: number;
  /** Called once, when the process has ended. */
  readonly onEnd: (end: ChildEnd) => void;
}

export interface StdioSession {
  /** Sends a request; resolves with the answer, or with a stream as soon as something else comes first. */
  ask(question: Question): Promise<UpstreamResponse>;
  /** Sends a notification, or the answer to a request of the tool server. */
  tell(message: JsonRpcMessage, body: Uint8Array): void;
  /** The stream of what nobody asked for; undefined while another one is open. */
  listen(signal: AbortSignal): UpstreamResponse | undefined;
  /** Whether this id or progress token is in use by a request that waits. */
  isWaitingFor(message: RequestMessage): boolean;
  /** Whether a request waits or the GET stream is open. */
  readonly isBusy: boolean;
  end(): Promise<void>;
}

export function startStdioSession(options: StdioSessionOptions): StdioSession {
  const waiting = new Map<string | number, PendingRequest>();
  const outbox = createOutbox();
  let stream: BodyPipe | undefined;
  let ended: ChildEnd | undefined;
  let pausedPipes = 0;
  const child = startChild({ ...options, onLine, onEnd });
  const flow = {
    pause() {
      pausedPipes += 1;
      child.pause();
    },
    resume() {
      pausedPipes -= 1;
      if (pausedPipes === 0) child.resume();
    },
  };

  function onLine(line: Uint8Array): void {
    const read = readServerMessage(line, { bytesMax: options.lineBytesMax });
    if (!read.ok) {
      options.onDiagnostic(`a line on standard output is no message: ${read.detail}`);
      return;
    }
    const { message } = read;
    if (message.kind === "response") {
      if (message.id !== undefined) waiting.get(message.id.value)?.finish(line);
    } else if (message.method === "notifications/progress") {
      const token = message.params && member(message.params, "progressToken");
      const request = [...waiting.values()].find(
        ({ progressToken }) => token !== undefined && progressToken === token,
      );
      if (request?.takesStream) request.stream(line);
    } else if (stream !== undefined) {
      stream.push(sseEvent(line));
    } else {
      // A client that listens nowhere else still reads the answer it waits for.
      const request =
        message.kind === "request" ? [...waiting.values()].find(({ takesStream }) => takesStream) : undefined;
      if (request !== undefined) request.stream(line);
      else for (const refused of outbox.put(message, line)) child.send(refused);
    }
  }

  function onEnd(end: ChildEnd): void {
    ended = end;
    const fault = goneFault(end);
    for (const request of [...waiting.values()]) request.fail(fault);
    stream?.fail(fault);
    options.onEnd(end);
  }

  function ask(question: Question): Promise<UpstreamResponse> {
    const { message, body } = question;
    const { answerTimeoutMs } = options;
    return new Promise((resolve, reject) => {
      const settled = () => waiting.delete(message.id.value);
      const abandoned = () => cancel(child, message);
      const request = createPendingRequest(question, {
        ...flow,
        answerTimeoutMs,
        resolve,
        reject,
        settled,
        abandoned,
      });
      waiting.set(message.id.value, request);
      try {
        child.send(body);
      } catch (caught) {
        request.fail(toFault(caught));
      }
    });
  }

  return {
    ask: (question) => (ended === undefined ? ask(question) : Promise.reject(goneFault(ended))),
    tell(message, body) {
      child.send(body);
      if (message.kind !== "notification" || message.method !== "notifications/cancelled") return;
      const requestId = message.params && member(message.params, "requestId");
      if (typeof requestId === "string" || typeof requestId === "number") waiting.get(requestId)?.drop();
    },
    listen(signal) {
      if (stream !== undefined) return undefined;
      const leave = () => {
        stream = undefined;
        signal.removeEventListener("abort", onAbort);
      };
      const opened = createBodyPipe({ ...flow, abort: leave });
      const onAbort = () => opened.body.cancel();
      signal.addEventListener("abort", onAbort, { once: true });
      for (const line of outbox.take()) opened.push(sseEvent(line));
      stream = opened;
      return { status: 200, headers: STREAM_HEADERS, body: opened.body };
    },
    isWaitingFor(message) {
      const token = progressTokenOf(message);
      return (
        waiting.has(message.id.value) ||
        (token !== undefined && [...waiting.values()].some((request) => request.progressToken === token))
      );
    },
    get isBusy() {
      return waiting.size > 0 || stream !== undefined;
    },
    end: () => child.stop(),
  };
}

/** The tool server need not go on with what nobody waits for any more. Only `initialize` cannot be cancelled (MCP, Cancellation). */
function cancel(child: Child, message: RequestMessage): void {
  if (message.method === "initialize") return;
  const notice = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${message.id.text}}}`;
  try {
    child.send(Buffer.from(notice));
  } catch {
    // It does not even read; there is nothing left to tell it.
  }
}

function goneFault({ started, detail }: ChildEnd): Error {
  const message = started
    ? "The tool server's process has ended"
    : "The tool server's process could not be started";
  return upstreamFault("upstream.unavailable", message, { sent: started, detail });
}
