// One window: one line under one load. What the load generator is told, what it tells, and the silence of everything else meanwhile.
import type { RunningProcess } from "@postern/testkit";
import { isGuarded, type Line } from "./lines.ts";
import { pause, resume } from "./machine.ts";
import type { Shape } from "./workload.ts";

export interface Load {
  readonly shape: Shape;
  readonly connections: number;
  /** Calls made before anything is counted. */
  readonly warmups: number;
  /** The window ends after this many calls or this time, whichever comes first. */
  readonly requests: number;
  readonly timeMs: number;
  /** Calls start at this rate, whatever the answers do; undefined: each connection makes its next call when it is answered. */
  readonly ratePerS?: number | undefined;
  /** Callers with invalid tokens beside those that are measured, at a rate of their own. */
  readonly flood?: { readonly ratePerS: number; readonly token: string } | undefined;
}

export interface WindowRequest extends Load {
  readonly window: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What every answer has to hold. */
  readonly expected: "result" | "error";
  /** The server whose processor time is counted. */
  readonly pid: number;
}

export interface WindowResult {
  readonly window: number;
  readonly requests: number;
  readonly failed: number;
  /** What the first failed call was answered. */
  readonly failure: string;
  readonly rps: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** From sending a call to the first byte of its answer's body. */
  readonly firstByteP50Ms: number;
  /** Calls of the flood that were answered. */
  readonly flooded: number;
  /** Processor time of the server for one call; NaN (null in JSON) where the system does not tell. */
  readonly cpuUs: number;
  /** The part of it that its main thread took. */
  readonly mainCpuUs: number;
  /** Share of one processor that the server had. */
  readonly busy: number;
  /** Before the window and at its highest within it. */
  readonly rssMib: number;
  readonly rssPeakMib: number;
}

/** Beyond its own time: opening connections and sessions, and calls that are slow to end. */
const GRACE_MS = 120_000;
let windowsTaken = 0;

/** Takes one window, in which only this line's processes run. */
export async function takeWindow(generator: RunningProcess, line: Line, load: Load): Promise<WindowResult> {
  windowsTaken += 1;
  const window = windowsTaken;
  const request: WindowRequest = {
    window,
    ...load,
    url: line.urls[load.shape.door],
    headers: line.headers,
    expected: load.shape.denied && isGuarded(line.name) ? "error" : "result",
    pid: line.pid,
  };
  for (const each of line.own) resume(each);
  generator.write(`${JSON.stringify(request)}\n`);
  const pattern = new RegExp(`^\\{"window":${window},.*\\}$`, "m");
  const [text = ""] = await generator.waitFor(pattern, load.timeMs + GRACE_MS);
  for (const each of line.own) pause(each);
  return JSON.parse(text) as WindowResult;
}
