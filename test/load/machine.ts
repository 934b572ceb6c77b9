// What the bench asks of the machine: a processor for each process, silence from those that are not being measured, and what a process used.
// Where the system offers one of these not (they are Linux's), the bench does without and says so in its machine line.
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  openSync,
  readdirSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { availableParallelism, cpus, release, setPriority, totalmem, type } from "node:os";
import { join } from "node:path";

export interface Usage {
  /** Processor time so far, over all threads, and of the main one. */
  readonly cpuUs: number;
  readonly mainCpuUs: number;
}

const canPin = spawnSync("taskset", ["--version"]).status === 0 && availableParallelism() > 1;
const SAMPLE_MS = 20;

/** NaN where the system does not tell. */
export function usageOf(pid: number): Usage {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return { cpuUs: Number.NaN, mainCpuUs: Number.NaN };
  // Nanoseconds on a processor, thread by thread; a thread may end while they are read.
  const spentUs = (task: string) => Number(readIfThere(`${tasks}/${task}/schedstat`).split(" ")[0]) / 1_000;
  const cpuUs = readdirSync(tasks).reduce((sum, task) => sum + spentUs(task), 0);
  return cpuUs > 0
    ? { cpuUs, mainCpuUs: spentUs(String(pid)) }
    : { cpuUs: Number.NaN, mainCpuUs: Number.NaN };
}

export function rssMibOf(pid: number): number {
  const rssKib = /VmRSS:\s*(\d+)/.exec(readIfThere(`/proc/${pid}/status`))?.[1];
  return Number(rssKib ?? Number.NaN) / 1024;
}

/** Looks again and again; `stop` gives the highest that was seen. */
export function watchRss(pid: number): { stop(): number } {
  let peakMib = rssMibOf(pid);
  const look = () => {
    peakMib = Math.max(peakMib, rssMibOf(pid));
  };
  const timer = setInterval(look, SAMPLE_MS);
  return {
    stop() {
      clearInterval(timer);
      look();
      return peakMib;
    },
  };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Keeps a process, with all its threads, on one processor. */
export function pin(pid: number, core: 0 | 1): void {
  if (canPin) spawnSync("taskset", ["--all-tasks", "--pid", "--cpu-list", String(core), String(pid)]);
}

/** The command that runs a program on one processor from its first moment on. */
export function onProcessor(
  core: 0 | 1,
  command: string,
  args: readonly string[],
): { readonly command: string; readonly args: readonly string[] } {
  return canPin
    ? { command: "taskset", args: ["--cpu-list", String(core), command, ...args] }
    : { command, args };
}

/** A process that gets what others leave. */
export function giveWay(pid: number): void {
  setPriority(pid, 10);
}

export function pause(pid: number): void {
  process.kill(pid, "SIGSTOP");
}

export function resume(pid: number): void {
  process.kill(pid, "SIGCONT");
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly system: string;
  readonly node: string;
  /** Whether proxy and load generator had a processor each. */
  readonly pinned: boolean;
  /** Median of writing and syncing 1 KB in the folder of the spools. */
  readonly fdatasyncMs: number;
}

export function describeMachine(folder: string): Machine {
  return {
    cpu: cpus()[0]?.model ?? "",
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    pinned: canPin,
    fdatasyncMs: fdatasyncMs(folder),
  };
}

function fdatasyncMs(folder: string): number {
  const file = openSync(join(folder, "sync-probe"), "w");
  const tookMs = Array.from({ length: 51 }, () => {
    const startedMs = performance.now();
    writeSync(file, Buffer.alloc(1024));
    fdatasyncSync(file);
    return performance.now() - startedMs;
  });
  closeSync(file);
  return tookMs.sort((a, b) => a - b)[25] ?? Number.NaN;
}
