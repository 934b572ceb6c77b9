// One long-running program of a local start: its log goes to a file, its address is read from the log line that says that it listens, and it never
// outlives its starter.
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { Fault } from "../../packages/fault/src/index.ts";

export interface Service {
  /** Its address, once it listens. Rejects when it ends first. */
  readonly listening: Promise<string>;
  /** Resolves with what to tell when it has ended. */
  readonly ended: Promise<string>;
  /** Asks it to end and waits; ends it by force when it takes too long. */
  stop(): Promise<void>;
}

export interface ServiceOptions {
  readonly title: string;
  /** File that Node runs. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
}

const GRACE_MS = 25_000;
const LAST_LINES = 5;

export function startService({ title, program, env, logFile }: ServiceOptions): Service {
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 });
  const log = createWriteStream(logFile, { flags: "a", mode: 0o600 });
  const guard = join(import.meta.dirname, "end-with-parent.ts");
  // In a process group of its own, so that a terminal's Ctrl-C reaches the starter alone, which ends its programs in the right order.
  const child = spawn(process.execPath, ["--import", guard, program], {
    env,
    detached: true,
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const listening = Promise.withResolvers<string>();
  const last: string[] = [];
  const { stderr } = child;
  if (stderr === null) throw new TypeError("standard error is a pipe");
  createInterface({ input: stderr }).on("line", (line) => {
    log.write(`${line}\n`);
    last.push(line);
    if (last.length > LAST_LINES) last.shift();
    const address = addressIn(line);
    if (address !== undefined) listening.resolve(address);
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`The ${title} cannot be started: ${error.message}`));
    child.once("close", (code, signal) => {
      log.end();
      resolve(
        `The ${title} has ended (${code ?? signal}). Its log is ${logFile}; its last lines:\n${last.join("\n")}`,
      );
    });
  });
  void ended.then((why) => listening.reject(new Fault("unavailable", "start.ended", why)));
  listening.promise.catch(() => {});
  return {
    listening: listening.promise,
    ended,
    async stop() {
      child.kill("SIGTERM");
      const force = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
      await ended;
      clearTimeout(force);
    },
  };
}

function addressIn(line: string): string | undefined {
  if (!line.includes('"listening"')) return undefined;
  try {
    const { msg, url } = JSON.parse(line);
    return msg === "listening" && typeof url === "string" ? url : undefined;
  } catch {
    return undefined;
  }
}
