// What the sidecar costs: the same calls through every line, interleaved, so that a machine which slows down slows all of them. Only ratios
// within one repetition are compared; their median over the repetitions is what is told.
import { tmpdir } from "node:os";
import type { TestScope } from "@postern/testkit";
import type { Case, Special } from "./cases.ts";
import { type IdleStreams, measureIdleStreams } from "./idle-streams.ts";
import { type Line, type LineName, TITLES } from "./lines.ts";
import { describeMachine, type Machine, pin } from "./machine.ts";
import { type MemorySample, watchMemory } from "./memory.ts";
import { type Lines, startLines } from "./start-lines.ts";
import { measureStart, type Start } from "./start-up.ts";
import { type Load, takeWindow, type WindowResult } from "./window.ts";
import { PLAIN } from "./workload.ts";

export interface ProxyPlan {
  readonly cases: readonly Case[];
  readonly specials: readonly Special[];
  readonly repetitions: number;
  /** Calls before everything, for each line, so that its code is compiled. */
  readonly warmups: number;
  /** Most calls, and longest time, of one window. */
  readonly requests: number;
  readonly timeMs: number;
  /** Calls of the memory workload. */
  readonly memoryCalls: number;
  /** Where the proxies leave their CPU profiles; undefined = they make none. */
  readonly profileDir: string | undefined;
}

export interface Measured extends WindowResult {
  readonly workload: string;
  readonly title: string;
  readonly line: LineName;
  readonly connections: number;
  readonly repetition: number;
}

export interface ProxyRun {
  readonly machine: Machine;
  /** In the order in which they were taken. */
  readonly windows: readonly Measured[];
  readonly start?: readonly Start[];
  readonly idleStreams?: readonly IdleStreams[];
  readonly memory?: readonly MemorySample[];
}

/** What is no part of a quick run is repeated this often at most: it is there to be looked at, and a run has to end. */
const SIDE_REPETITIONS_MAX = 3;

export interface Listening {
  readonly onProgress: (text: string) => void;
  /** Hears each window as soon as it is taken. */
  readonly onWindow: (window: Measured) => void;
}

export async function runProxy(scope: TestScope, plan: ProxyPlan, listening: Listening): Promise<ProxyRun> {
  const { onProgress } = listening;
  const machine = describeMachine(tmpdir());
  pin(process.pid, 0);
  onProgress("starting the product");
  const started = await startLines(scope, namesIn(plan), plan.profileDir);
  for (const line of started.lines) {
    onProgress(`warming up: ${TITLES[line.name]}`);
    const load = { shape: PLAIN, connections: 64, warmups: plan.warmups, requests: 1, timeMs: 2_500 };
    await takeWindow(started.generator, line, load);
  }
  const windows = await takeAll(started, plan, listening);
  const specials = await measureSpecials(scope, started, plan, onProgress);
  if (plan.profileDir !== undefined) await started.end();
  return { machine, windows, ...specials };
}

/** In the order of the titles, whatever the order in which they are named. */
function namesIn({ cases }: ProxyPlan): readonly LineName[] {
  const named = new Set<string>(cases.flatMap(({ lines }) => lines));
  return Object.keys(TITLES).filter((name): name is LineName => named.has(name));
}

async function takeAll(
  { generator, lines, token }: Lines,
  plan: ProxyPlan,
  { onProgress, onWindow }: Listening,
): Promise<readonly Measured[]> {
  const windows: Measured[] = [];
  for (let repetition = 1; repetition <= plan.repetitions; repetition += 1) {
    for (const each of plan.cases) {
      const { connections, isQuick = false, title, workload } = each;
      if (repetition > SIDE_REPETITIONS_MAX && !isQuick) continue;
      onProgress(
        `repetition ${repetition} of ${plan.repetitions}: ${workload}, ${title}, connections: ${connections}`,
      );
      const taking = lines.filter(({ name }) => each.lines.includes(name));
      for (const line of turned(taking, repetition)) {
        const result = await takeWindow(generator, line, loadOf(each, plan, token));
        const measured = { workload, title, line: line.name, connections, repetition, ...result };
        windows.push(measured);
        onWindow(measured);
      }
    }
  }
  return windows;
}

function loadOf(each: Case, { requests, timeMs }: ProxyPlan, token: string): Load {
  const { connections, floodPerS = 0, ratePerS, shape, timeFactor = 1 } = each;
  return {
    shape,
    connections,
    warmups: Math.ceil(Math.min(requests / 10, connections * 4)),
    requests,
    timeMs: timeMs * timeFactor,
    ratePerS,
    flood: floodPerS > 0 ? { ratePerS: floodPerS, token } : undefined,
  };
}

/** Each repetition begins with another line, so that none is always the one after the slowest. */
function turned(lines: readonly Line[], by: number): readonly Line[] {
  const at = lines.length === 0 ? 0 : by % lines.length;
  return [...lines.slice(at), ...lines.slice(0, at)];
}

async function measureSpecials(
  scope: TestScope,
  started: Lines,
  { memoryCalls, specials }: ProxyPlan,
  onProgress: (text: string) => void,
): Promise<Pick<ProxyRun, "start" | "idleStreams" | "memory">> {
  const measured: {
    start?: readonly Start[];
    idleStreams?: readonly IdleStreams[];
    memory?: readonly MemorySample[];
  } = {};
  for (const special of specials) {
    onProgress(special);
    if (special === "start") measured.start = await measureStart(scope, started);
    else if (special === "idle-streams") measured.idleStreams = await measureIdleStreams(scope, started);
    else measured.memory = await watchMemory(started, memoryCalls, onProgress);
  }
  return measured;
}
