// Child processes of a test: each leads its own process group, and the group is killed when the test ends, so that
// nothing that a test starts outlives it.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { defer, type TestScope } from "./defer.ts";

export interface StartOptions {
  readonly command: string;
  readonly args?: readonly string[];
  /** The whole environment; default: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The process has started once its output (stdout and stderr) matches this; default: as soon as it is spawned. */
  readonly ready?: RegExp;
  /** How long to wait for `ready`; default 30,000. */
  readonly timeoutMs?: number;
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly pid: number;
  /** What `ready` matched, with its groups; [] when there was no `ready`. */
  readonly match: readonly string[];
  readonly exited: Promise<Exit>;
  stdout(): string;
  stderr(): string;
  /** Resolves with the match once stdout or stderr matches. Rejects when the process ends or the time is up. */
  waitFor(pattern: RegExp, timeoutMs?: number): Promise<readonly string[]>;
  write(text: string): void;
  /** Sends a signal to the process alone. */
  signal(name: NodeJS.Signals): void;
  /** Sends SIGTERM (or another signal) and waits for the end. */
  stop(name?: NodeJS.Signals): Promise<Exit>;
}

const alive = new Set<ChildProcess>();
// A test process that is ended before its hooks have run still takes its children along.
process.on("exit", () => {
  for (const child of alive) killGroup(child);
});
process.once("SIGTERM", () => process.exit(143));

/** Starts a process that ends with the test at the latest. Fails the test when it does not become ready. */
export async function startProcess(scope: TestScope, options: StartOptions): Promise<RunningProcess> {
  const { command, args = [], env = process.env, cwd, ready, timeoutMs = 30_000 } = options;
  const child = spawn(command, args, { env, cwd, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const running = observe(child, [command, ...args].join(" "));
  alive.add(child);
  void running.exited.then(() => alive.delete(child));
  defer(scope, async () => {
    killGroup(child);
    await running.exited;
  });
  await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  const match = ready === undefined ? [] : await running.waitFor(ready, timeoutMs);
  return { ...running, pid: child.pid ?? 0, match };
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      assert.ok(address !== null && typeof address === "object");
      server.close(() => resolve(address.port));
    });
  });
}

function observe(child: ChildProcess, title: string): Omit<RunningProcess, "pid" | "match"> {
  const said = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  let ended: Exit | undefined;
  const tell = () => {
    for (const listener of listeners) listener();
  };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
      tell();
    });
  }
  child.stdin?.on("error", () => {});
  const exited = new Promise<Exit>((resolve) => {
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      ended = { code, signal };
      tell();
      resolve(ended);
    };
    child.once("close", end).once("error", () => end(null, null));
  });
  const waitFor = (pattern: RegExp, timeoutMs = 30_000) =>
    new Promise<readonly string[]>((resolve, reject) => {
      const settle = (finish: () => void) => {
        clearTimeout(timer);
        listeners.delete(look);
        finish();
      };
      const fail = (why: string) =>
        settle(() => reject(new Error(`${title} ${why}\n${said.stdout}\n${said.stderr}`)));
      const look = () => {
        const match = pattern.exec(said.stdout) ?? pattern.exec(said.stderr);
        if (match !== null) settle(() => resolve(match));
        else if (ended !== undefined)
          fail(`ended (${ended.code ?? ended.signal}) without printing ${pattern}`);
      };
      const timer = setTimeout(() => fail(`did not print ${pattern} within ${timeoutMs} ms`), timeoutMs);
      listeners.add(look);
      look();
    });
  return {
    exited,
    waitFor,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    write: (text) => child.stdin?.write(text),
    signal: (name) => child.kill(name),
    async stop(name = "SIGTERM") {
      child.kill(name);
      return exited;
    },
  };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The whole group has ended already.
  }
}
