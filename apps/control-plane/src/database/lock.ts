// A lock file that names its holder: host, process id and the instant at which that process started, so that a reused id is told from
// the real holder. It is never taken from a live process; what cannot be judged (another host) is refused with a way out.
import { execFileSync } from "node:child_process";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { Fault } from "@postern/fault";
import { z } from "zod";

const Holder = z.object({
  host: z.string(),
  pid: z.int().min(1),
  /** Start of the process as the system tells it; "" where it cannot be asked. */
  started: z.string(),
});
type Holder = z.infer<typeof Holder>;

export interface DirectoryLock {
  /** Gives the lock back. Further calls do nothing. */
  release(): void;
}

/**
 * Takes the lock file `path`.
 * @throws Fault conflict "database.locked" when it is held, or when its holder cannot be judged.
 */
export function lockDirectory(path: string): DirectoryLock {
  const own: Holder = { host: hostname(), pid: process.pid, started: startOf(process.pid) ?? "" };
  if (!create(path, own)) replaceStale(path, own);
  let held = true;
  return {
    release: () => {
      if (held) rmSync(path, { force: true });
      held = false;
    },
  };
}

// Only one process at a time may judge and replace a stale lock; a guard left behind by a crash in this instant is not guessed about.
function replaceStale(path: string, own: Holder): void {
  const guard = `${path}.replacing`;
  if (!create(guard, own))
    throw locked(path, `another process is taking it over (if none is, delete ${guard})`);
  try {
    const holder = read(path);
    if (holder !== undefined) {
      const reason = whyLive(holder, own);
      if (reason !== undefined) throw locked(path, reason);
      rmSync(path, { force: true });
    }
    if (!create(path, own)) throw locked(path, "another process took it first");
  } finally {
    rmSync(guard, { force: true });
  }
}

function whyLive(holder: Holder, own: Holder): string | undefined {
  if (holder.host !== own.host) {
    return `it is held by process ${holder.pid} on host ${holder.host} (if that is gone, delete the file)`;
  }
  const started = startOf(holder.pid);
  if (started === undefined) return undefined;
  const same = holder.started === "" || started === "" || started === holder.started;
  return same ? `process ${holder.pid} is using it` : undefined;
}

/** Start of a process: undefined = there is none (or it has ended and waits for its parent), "" = the system does not tell. */
function startOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (caught) {
    // EPERM means that it lives and belongs to somebody else.
    if (!(caught instanceof Error && "code" in caught && caught.code === "EPERM")) return undefined;
  }
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return startByPs(pid);
  }
  // What follows the command's closing parenthesis starts with field 3, the state; field 22 is the start (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : (fields[19] ?? "");
}

function startByPs(pid: number): string {
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch {
    return "";
  }
}

// The file appears with its content or not at all: a link is made exclusively, like O_EXCL, but to a file that is already written.
function create(path: string, holder: Holder): boolean {
  const draft = `${path}.${holder.pid}`;
  writeFileSync(draft, JSON.stringify(holder), { mode: 0o600 });
  try {
    linkSync(draft, path);
    return true;
  } catch (caught) {
    if (caught instanceof Error && "code" in caught && caught.code === "EEXIST") return false;
    throw caught;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** undefined = the lock was given back in the meantime. */
function read(path: string): Holder | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  const holder = Holder.safeParse(parsed(text));
  if (holder.success) return holder.data;
  throw locked(path, "its content cannot be read (if no process uses the folder, delete the file)");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function locked(path: string, reason: string): Fault {
  return new Fault("conflict", "database.locked", `The data folder is locked by ${path}: ${reason}.`);
}
