// What the sidecar costs: the same calls through every line, interleaved, so that a machine which slows down slows all of them. Only ratios
// within one repetition are compared; their median over the repetitions is what is told.
import { tmpdir } from "node:os";
import type { TestScope } from "@postern/testkit";
import type { WindowRequest, WindowResult } from "./generator.ts";
import { type Line, type LineName, type Lines, startLines } from "./lines.ts";
import { describeMachine, type Machine, pause, resume } from "./machine.ts";

export interface ProxyPlan {
  readonly repetitions: number;
  /** Calls before everything, for each line, so that its code is compiled. */
  readonly warmups: number;
  /** Most calls, and longest time, of one window. */
  readonly requests: number;
  readonly timeMs: number;
  /** Where the sidecars leave their CPU profiles; undefined = they make none. */
  readonly profileDir: string | undefined;
}

export const CONNECTIONS = [1, 16, 64] as const;
export type Connections = (typeof CONNECTIONS)[number];

export interface Measured extends WindowResult {
  readonly line: LineName;
  readonly connections: Connections;
  readonly repetition: number;
}

export interface ProxyRun {
  readonly machine: Machine;
  readonly titles: Readonly<Record<string, string>>;
  /** In the order in which they were taken. */
  readonly windows: readonly Measured[];
}

/** `onProgress` hears what is being done. */
export async function runProxy(
  scope: TestScope,
  plan: ProxyPlan,
  onProgress: (text: string) => void,
): Promise<ProxyRun> {
  const machine = describeMachine(tmpdir());
  onProgress("starting the product");
  const started = await startLines(scope, plan.profileDir);
  const { lines } = started;
  const windows: Measured[] = [];
  for (const line of lines) {
    onProgress(`warming up: ${line.title}`);
    await measure(started, line, { connections: 64, warmups: plan.warmups, requests: 1, timeMs: 60_000 });
  }
  for (let repetition = 1; repetition <= plan.repetitions; repetition += 1) {
    for (const connections of CONNECTIONS) {
      onProgress(`repetition ${repetition} of ${plan.repetitions}, connections: ${connections}`);
      for (const line of lines) {
        const warmups = Math.ceil(plan.requests / 10);
        const result = await measure(started, line, { ...plan, connections, warmups });
        windows.push({ ...result, line: line.name, connections, repetition });
      }
    }
  }
  if (plan.profileDir !== undefined) await started.end();
  const titles = Object.fromEntries(lines.map(({ name, title }) => [name, title]));
  return { machine, titles, windows };
}

let windowsTaken = 0;

/** One window, in which only this line's processes run. */
async function measure(
  { generator }: Lines,
  { url, headers, pid, own }: Line,
  load: Pick<WindowRequest, "connections" | "warmups" | "requests" | "timeMs">,
): Promise<WindowResult> {
  windowsTaken += 1;
  for (const each of own) resume(each);
  const request: WindowRequest = { window: windowsTaken, url, headers, pid, ...load };
  generator.write(`${JSON.stringify(request)}\n`);
  const [text = ""] = await generator.waitFor(
    new RegExp(`^\\{"window":${windowsTaken},.*\\}$`, "m"),
    120_000,
  );
  for (const each of own) pause(each);
  return JSON.parse(text) as WindowResult;
}
