// A tool server as the pipeline sees it: something that takes one already judged HTTP message and streams the answer back. Nothing is ever
// sent twice: what was written may have run.

import { Fault } from "@postern/fault";
import type { JsonRpcMessage } from "@postern/mcp";

export interface Upstream {
  readonly name: string;
  /**
   * Forwards one client message and resolves as soon as the answer begins. The signal ends the exchange at any time, also while the body is
   * read; aborting a client's stream is how its disconnect reaches the tool server.
   * @throws Fault upstream "upstream.unavailable" | "upstream.timeout" | "upstream.protocol" | "upstream.aborted", limited "upstream.busy" |
   * "upstream.circuit_open"; ask `mayHaveRun` of it.
   */
  forward(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse>;
  /** Calls under way, and whether the tool server is left alone; absent where nobody counts. */
  load?(): { readonly calls: number; readonly isLeftAlone: boolean };
  /** Resolves when no call is under way; absent where nobody counts. */
  idle?(): Promise<void>;
  /** Whether the tool server could be reached now. Never calls a tool. */
  probe(): Promise<{ readonly ok: boolean; readonly detail?: string }>;
  /** Ends every exchange and process. */
  close(): Promise<void>;
}

export interface UpstreamRequest {
  readonly method: "POST" | "GET" | "DELETE";
  /** The client's headers, lower-case names. Adapters send only those that may travel, whatever stands here. */
  readonly headers: ReadonlyMap<string, string>;
  /** Headers of the sidecar's own (lower-case names), such as `traceparent`, in place of the client's of the same name; "" = none. */
  readonly overrides?: Readonly<Record<string, string>> | undefined;
  /** Whose calls are counted together; absent for what the sidecar asks by itself. */
  readonly principal?: string | undefined;
  /** The OAuth access token that the caller came with, to be exchanged for one of the tool server's. It is never sent there itself. */
  readonly subjectToken?: string | undefined;
  /** The very bytes that were judged; present exactly with POST. */
  readonly body?: Uint8Array | undefined;
  /** What `body` says; present exactly with POST. */
  readonly message?: JsonRpcMessage | undefined;
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
  /**
   * Calls back once the exchange with the tool server is over, at once if it is, whether or not anybody reads. `failure`: why it broke off;
   * undefined when it came to its end or was not wanted any more. One callback at most.
   */
  onOver(callback: (failure: Error | undefined) => void): void;
}

/** Whether the answer is a stream that ends when either side has enough of it, and not with an answer. */
export const opensStream = ({ method, message }: Pick<UpstreamRequest, "method" | "message">): boolean =>
  method === "GET" || (message?.kind === "request" && message.method === "subscriptions/listen");

const neverSent = new WeakSet<Fault>();
const outages = new WeakSet<Fault>();

export type UpstreamCode =
  | "upstream.unavailable"
  | "upstream.timeout"
  | "upstream.protocol"
  | "upstream.aborted";

export interface UpstreamTrouble {
  /** Whether a byte of the request may have reached the tool server. */
  readonly sent: boolean;
  /** It says that the tool server itself is in trouble, whatever the message was. */
  readonly isOutage?: boolean;
  readonly cause?: unknown;
  /** For the log only. */
  readonly detail?: string;
}

/** Trouble with the tool server. */
export function upstreamFault(
  code: UpstreamCode,
  message: string,
  { sent, isOutage = false, cause, detail }: UpstreamTrouble,
): Fault {
  const text = sent ? `${message}; the call may have run.` : `${message}.`;
  const options = { ...(cause !== undefined && { cause }), ...(detail !== undefined && { detail }) };
  const fault = markSent(new Fault("upstream", code, text, options), sent);
  if (isOutage) outages.add(fault);
  return fault;
}

/** More at once than this upstream may be given; nothing was sent. */
export function busyFault(message: string): Fault {
  return markSent(new Fault("limited", "upstream.busy", message), false);
}

/** The tool server is left alone for a while; nothing was sent. */
export function circuitFault(message: string): Fault {
  return markSent(new Fault("limited", "upstream.circuit_open", message), false);
}

/**
 * Whether the tool server may have acted on a request whose `forward` or body failed with `caught`. False only when it is certain that no
 * byte was written.
 */
export function mayHaveRun(caught: unknown): boolean {
  return !(caught instanceof Fault && neverSent.has(caught));
}

/** Whether `caught` says that the tool server is down or hangs, which no caller's message by itself can bring about. */
export function isOutage(caught: unknown): boolean {
  return caught instanceof Fault && outages.has(caught);
}

function markSent(fault: Fault, sent: boolean): Fault {
  if (!sent) neverSent.add(fault);
  return fault;
}
