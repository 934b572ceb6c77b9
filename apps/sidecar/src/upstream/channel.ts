// A two-way line of JSON-RPC messages to a tool server, as a process's pipes or an event stream with its POSTs are one: what all transports
// that are not one answer per request have in common.
import type { Fault } from "@postern/fault";
import type { UpstreamRequest } from "./upstream.ts";

export interface Channel {
  /**
   * Sends one message. Where that takes time, the promise settles once the tool server has taken it. `request`: whose message it is; absent
   * for the sidecar's own.
   * @throws Fault as `Upstream.forward` does, at once or in the promise.
   */
  send(json: Uint8Array, request?: UpstreamRequest): Promise<void> | undefined;
  /** Stops and resumes reading what the tool server says. */
  pause(): void;
  resume(): void;
  /** Resolves when it has ended. */
  end(): Promise<void>;
}

export interface ChannelEvents {
  /** One message: JSON on one line. */
  readonly onMessage: (line: Uint8Array) => void;
  /** Called once, after the last message; `fault` is what those hear who still wait. */
  readonly onEnd: (fault: Fault) => void;
}

/** `request` is the one that opens the session. @throws Fault when it cannot be opened at all. */
export type OpenChannel = (events: ChannelEvents, request: UpstreamRequest) => Channel;
