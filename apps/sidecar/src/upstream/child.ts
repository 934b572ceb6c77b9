// A tool server's process: started without a shell and with no environment but the one given, spoken to in lines, ended in steps. Its whole
// process group ends with it, so that a wrapper such as npx leaves nothing behind.

import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { createLineSplitter, withoutLineEnds } from "./lines.ts";
import { busyFault, upstreamFault } from "./upstream.ts";

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment, PATH included where the command is to be looked up. */
  readonly environment: Readonly<Record<string, string>>;
  readonly directory?: string;
  readonly lineBytesMax: number;
  /** Bytes that may wait to be read by the child. */
  readonly backlogBytesMax: number;
  /** Patience after its input is closed, and again after SIGTERM, before the next step. */
  readonly graceMs: number;
  readonly onLine: (line: Uint8Array) => void;
  readonly onDiagnostic: (text: string) => void;
  /** Called once, after the last line. */
  readonly onEnd: (end: ChildEnd) => void;
}

export interface ChildEnd {
  /** False when the command could not be started at all. */
  readonly started: boolean;
  /** For the log. */
  readonly detail: string;
}

export interface Child {
  /**
   * Sends one message. @throws Fault limited "upstream.busy" when the child does not keep up; nothing was sent then.
   */
  send(json: Uint8Array): void;
  /** Stops and resumes reading what the child says. */
  pause(): void;
  resume(): void;
  /** Closes its input, then SIGTERM, then SIGKILL; resolves when it has ended. */
  stop(): Promise<void>;
}

const NEWLINE = Buffer.from("\n");
const DIAGNOSTIC_CHARS_MAX = 2_048;

export function startChild(options: ChildOptions): Child {
  const { command, args, environment, directory, graceMs, backlogBytesMax } = options;
  let problem: string | undefined;
  const child = spawn(command, args, {
    env: environment,
    cwd: directory,
    shell: false,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.once("error", (error) => {
    problem ??= error.message;
  });
  // Out of file descriptors, there are no pipes at all, whatever the types say.
  if (!child.stdin || !child.stdout || !child.stderr) {
    throw upstreamFault("upstream.unavailable", "The tool server's process could not be started", {
      sent: false,
    });
  }
  const lines = createLineSplitter(options);
  let timer: NodeJS.Timeout | undefined;

  const kill = (signal: NodeJS.Signals) => {
    if (child.pid !== undefined) killGroup(child.pid, signal);
  };
  const ended = new Promise<void>((resolve) => {
    const end = (detail: string) => {
      clearTimeout(timer);
      options.onEnd({ started: child.pid !== undefined, detail: problem ?? detail });
      resolve();
    };
    child.once("error", (error) => {
      if (child.pid === undefined) end(error.message);
    });
    // "close" comes when all output is read. What is left of the group would hold the pipes open; what left the group may still do so.
    child.once("exit", () => {
      kill("SIGKILL");
      child.stdout.resume();
      clearTimeout(timer);
      timer = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, graceMs);
    });
    child.once("close", (code, signal) => {
      if (child.pid !== undefined) end(`ended with ${signal ?? `code ${code}`}`);
    });
  });
  child.stdout.on("data", (chunk: Buffer) => {
    try {
      for (const line of lines.push(chunk)) options.onLine(line);
    } catch (caught) {
      problem ??= caught instanceof Error ? caught.message : String(caught);
      kill("SIGKILL");
    }
  });
  child.stderr
    .setEncoding("utf8")
    .on("data", (text: string) => options.onDiagnostic(text.slice(0, DIAGNOSTIC_CHARS_MAX)));
  // A broken pipe is told by the child's end.
  child.stdin.on("error", () => {});

  return {
    send(json) {
      if (child.stdin.writableLength + json.byteLength > backlogBytesMax) {
        throw busyFault("The tool server does not read what it is sent.");
      }
      child.stdin.cork();
      child.stdin.write(withoutLineEnds(json));
      child.stdin.write(NEWLINE);
      child.stdin.uncork();
    },
    pause: () => void child.stdout.pause(),
    resume: () => void child.stdout.resume(),
    stop() {
      if (timer === undefined && child.exitCode === null && child.signalCode === null) {
        child.stdin.end();
        child.stdout.resume();
        timer = setTimeout(() => {
          kill("SIGTERM");
          timer = setTimeout(() => kill("SIGKILL"), graceMs);
        }, graceMs);
      }
      return ended;
    },
  };
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The whole group has ended already.
  }
}
