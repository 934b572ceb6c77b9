// At most one process has a spool open. Each contender creates a lock file named after itself and only then looks for others,
// so of two that race at least one sees the other; a lock of a process that is gone is removed, one of a live process never.
// A process is told by its pid, its start time and the machine's boot id, because containers reuse pids all the time.
// Processes in other PID namespaces or on other machines cannot be seen: mount a spool into one container at a time.
import { closeSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "@postern/fault";

const NAME = /^lock\.(\d+)\.(\d+)\.([0-9a-z]+)$/;
/** Written where the machine does not tell (no /proc). */
const UNKNOWN = "0";

export interface SpoolLock {
  release(): void;
}

/** Faults: conflict `audit.spool_locked`; unavailable `audit.spool_failed` when the lock cannot be written. */
export function lockDirectory(directory: string): SpoolLock {
  const own = `lock.${process.pid}.${startOf(process.pid)?.startTime ?? UNKNOWN}.${bootId()}`;
  const path = join(directory, own);
  createLock(path);
  const release = () => rmSync(path, { force: true });
  for (const name of readdirSync(directory)) {
    const [, pid, startTime, boot] = NAME.exec(name) ?? [];
    if (pid === undefined || name === own) continue;
    if (boot === bootId() && isRunning(Number(pid), startTime ?? UNKNOWN)) {
      release();
      throw locked(`process ${pid} has it open (${name})`);
    }
    rmSync(join(directory, name), { force: true });
  }
  return { release };
}

function createLock(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (caught) {
    if (isCode(caught, "EEXIST")) throw locked(`this process has it open already (${path})`);
    throw new Fault("unavailable", "audit.spool_failed", "The spool's lock cannot be written.", {
      cause: caught,
    });
  }
}

/** When in doubt a process is running: a lock is never taken from a live one. */
function isRunning(pid: number, startTime: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (caught) {
    if (isCode(caught, "ESRCH")) return false;
  }
  const found = startOf(pid);
  if (found === undefined) return true;
  return found.startTime === startTime && !found.ended;
}

/** Start time in clock ticks since boot, and whether the process is only waiting to be reaped (proc_pid_stat(5), fields 3 and 22). */
function startOf(pid: number): { startTime: string; ended: boolean } | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  // The command name in parentheses may hold anything, so fields are counted from its end.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, startTime] = [fields?.[0], fields?.[19]];
  return startTime === undefined ? undefined : { startTime, ended: state === "Z" || state === "X" };
}

function bootId(): string {
  return readText("/proc/sys/kernel/random/boot_id")?.replace(/[^0-9a-z]/g, "") ?? UNKNOWN;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function isCode(caught: unknown, code: string): boolean {
  return caught instanceof Error && "code" in caught && caught.code === code;
}

function locked(detail: string): Fault {
  return new Fault("conflict", "audit.spool_locked", "Another process has the spool open.", { detail });
}
