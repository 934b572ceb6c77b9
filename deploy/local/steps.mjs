// The steps of a bootstrap: child processes that end with it, folders of the cache that are there whole or not at all, one installer at
// a time. It imports nothing but Node's own modules, and says everything on stderr, so that stdout belongs to the program.
import { spawn } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "postern");

const children = new Set();
let endedBy;

/** The signal that asked for the end, if one did. */
export const endingSignal = () => endedBy;

/** Makes signals to this process, and the end of the npm that runs it, ends of its children. */
export function endChildrenWithUs() {
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(name, () => {
      endedBy ??= name;
      // A terminal sends its SIGINT to the children itself.
      if (name === "SIGINT" && process.stdin.isTTY) return;
      endChildren(name);
    });
  }
  if (process.env.npm_lifecycle_event === undefined) return;
  // An npm that is killed tells nobody: its scripts are handed to another parent.
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    endedBy ??= "SIGTERM";
    endChildren("SIGTERM");
  }, 1_000);
  watch.unref();
}

export function endChildren(name) {
  for (const child of children) child.kill(name);
}

/** Runs a program to its end, and lets `hear` have its output if that is piped. */
export function run(command, args, options, hear = () => {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, options);
    children.add(child);
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", hear);
    child.once("error", (error) => {
      children.delete(child);
      reject(error);
    });
    child.once("close", (code, signal) => {
      children.delete(child);
      resolve({ code, signal });
    });
  });
}

/**
 * Runs one step of the preparation and tells how long it took; its own words are shown only when it fails. With `patience`, what is
 * taking so long is told every `everyMs` as well.
 */
export async function step(title, command, args, { patience, ...options } = {}) {
  const startedMs = performance.now();
  const seconds = () => (performance.now() - startedMs) / 1000;
  const teller =
    patience &&
    setInterval(() => say(`${patience.text} (${Math.round(seconds())} s so far)`), patience.everyMs);
  let output = "";
  const { code } = await run(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] }, (text) => {
    output += text;
  }).finally(() => clearInterval(teller));
  if (endedBy !== undefined) throw new Error(`ended by ${endedBy}`);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} failed (${code}):\n${output}`);
  say(`${title} (${seconds().toFixed(1)} s)`);
}

/** The path of `file` in a folder of the cache; `fill` makes the folder's content elsewhere, and one rename publishes it. */
export async function inCache(folder, file, fill) {
  const final = join(cache, folder);
  if (existsSync(join(final, file))) return join(final, file);
  mkdirSync(dirname(final), { recursive: true });
  const draft = mkdtempSync(`${final}.`);
  try {
    await fill(draft);
    if (!existsSync(join(draft, file))) throw new Error(`${file} is missing after the installation`);
    if (!existsSync(join(final, file))) rmSync(final, { recursive: true, force: true });
    renameSync(draft, final);
  } catch (error) {
    // What was ended may take a moment to stop writing.
    rmSync(draft, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    // Somebody else may have been quicker.
    if (!existsSync(join(final, file))) throw error;
  }
  return join(final, file);
}

/** Runs `act` while no other process does so under the same name. A lock whose owner has died is taken over. */
export async function exclusively(name, act) {
  const lock = join(cache, `${name}.lock`);
  mkdirSync(cache, { recursive: true });
  for (let isTold = false; ; isTold = true) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (!isTold) say("waiting for another start that installs the packages");
    const owner = Number(readIfThere(lock));
    if (owner > 0 && !isAlive(owner)) rmSync(lock, { force: true });
    await sleep(200);
    if (endedBy !== undefined) throw new Error(`ended by ${endedBy}`);
  }
  try {
    await act();
  } finally {
    rmSync(lock, { force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

export function findOnPath(name) {
  const candidates = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return statSync(candidate).isFile();
    } catch {
      return false;
    }
  });
}

export function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

export function writeAtomically(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.${process.pid}`, text);
  renameSync(`${file}.${process.pid}`, file);
}

export function say(text) {
  process.stderr.write(`postern: ${text}\n`);
}
