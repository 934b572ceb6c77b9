// A tool server as the pipeline sees it: something that takes one already judged HTTP message and streams the answer back. Nothing is ever
// sent twice: what was written may have run.

import { Fault } from "@postern/fault";
import type { JsonRpcMessage } from "@postern/mcp";

export interface Upstream {
  readonly name: string;
  /**
   * Forwards one client message and resolves as soon as the answer begins. The signal ends the exchange at any time, also while the body is
   * read; aborting a client's stream is how its disconnect reaches the tool server.
   * @throws Fault upstream "upstream.unavailable" | "upstream.timeout" | "upstream.protocol", limited "upstream.busy"; ask `mayHaveRun` of it.
   */
  forward(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse>;
  /** Whether the tool server could be reached now. Never calls a tool. */
  probe(): Promise<{ readonly ok: boolean; readonly detail?: string }>;
  /** Ends every exchange and process. */
  close(): Promise<void>;
}

export interface UpstreamRequest {
  readonly method: "POST" | "GET" | "DELETE";
  /** Lower-case names. Adapters send only those of `requestHeaders`, whatever stands here. */
  readonly headers: Readonly<Record<string, string>>;
  /** The very bytes that were judged; present exactly with POST. */
  readonly body?: Uint8Array;
  /** What `body` says; present exactly with POST. */
  readonly message?: JsonRpcMessage;
}

export interface UpstreamResponse {
  readonly status: number;
  /** Lower-case names; only those that may go to the client. No content-length: whoever writes the body knows it. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: UpstreamBody;
  /** The adapter answers by itself: not a byte of the message was given to a tool server. */
  readonly neverSent?: true;
}

/** The answer's bytes, read once. Reading slowly slows the tool server down; leaving the loop early ends the exchange. */
export interface UpstreamBody extends AsyncIterable<Uint8Array> {
  /** All of it, when it was complete already as the answer began: write it in one piece instead of iterating. */
  readonly whole: Uint8Array | undefined;
  /** Ends the exchange when the body is not wanted. Harmless at any time, any number of times. */
  cancel(): void;
}

const neverSent = new WeakSet<Fault>();

export type UpstreamCode =
  | "upstream.unavailable"
  | "upstream.timeout"
  | "upstream.protocol"
  | "upstream.aborted";

/** Trouble with the tool server. `sent`: whether a byte of the request may have reached it. */
export function upstreamFault(
  code: UpstreamCode,
  message: string,
  { sent, cause, detail }: { sent: boolean; cause?: unknown; detail?: string },
): Fault {
  const text = sent ? `${message}; the call may have run.` : `${message}.`;
  const options = { ...(cause !== undefined && { cause }), ...(detail !== undefined && { detail }) };
  return markSent(new Fault("upstream", code, text, options), sent);
}

/** More at once than this upstream may be given; nothing was sent. */
export function busyFault(message: string): Fault {
  return markSent(new Fault("limited", "upstream.busy", message), false);
}

/**
 * Whether the tool server may have acted on a request whose `forward` or body failed with `caught`. False only when it is certain that no
 * byte was written.
 */
export function mayHaveRun(caught: unknown): boolean {
  return !(caught instanceof Fault && neverSent.has(caught));
}

function markSent(fault: Fault, sent: boolean): Fault {
  if (!sent) neverSent.add(fault);
  return fault;
}
