// What the bench asks of the machine: a processor for each process, silence from those that are not being measured, and what a process used.
// Where the system offers one of these not (they are Linux's), the bench does without and says so in its machine line.
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, fdatasyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { availableParallelism, cpus, release, setPriority, totalmem, type } from "node:os";
import { join } from "node:path";

export interface Usage {
  /** Processor time so far, over all threads. */
  readonly cpuUs: number;
  readonly rssMib: number;
}

const TICK_US = 10_000;
const canPin = spawnSync("taskset", ["--version"]).status === 0 && availableParallelism() > 1;

/** NaN where there is no /proc. */
export function usageOf(pid: number): Usage {
  if (!existsSync(`/proc/${pid}/stat`)) return { cpuUs: Number.NaN, rssMib: Number.NaN };
  // The name of the program may hold anything, so fields are counted from its closing bracket on: utime and stime are the 14th and 15th.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\)/s, "").trim().split(" ");
  const rssKib = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return {
    cpuUs: (Number(fields[11]) + Number(fields[12])) * TICK_US,
    rssMib: Number(rssKib) / 1024,
  };
}

/** Keeps a process, with all its threads, on one processor. */
export function pin(pid: number, core: 0 | 1): void {
  if (canPin) spawnSync("taskset", ["--all-tasks", "--pid", "--cpu-list", String(core), String(pid)]);
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
