// What is measured by itself, and whose call it is.
import { randomId } from "@postern/fault";

export interface Stage {
  /** What the sidecar does there, such as "policy". */
  readonly stage: string;
  readonly title: string;
  /** Gives an `OwnTime` where its time is not simply how long it took. */
  readonly run: () => unknown;
  /** Default 1. */
  readonly callsPerRun?: number;
}

export interface OwnTime {
  readonly tookMs: number;
}

export interface StageParts {
  readonly stages: readonly Stage[];
  close(): Promise<void>;
}

export const TENANT = "acme";
export const SALT = "0123456789abcdef".repeat(2);
export const HOLDER = {
  upstream: "default",
  sessionId: "",
  remoteAddress: "127.0.0.1",
  requestId: randomId(),
} as const;
