// From a bare clone to a running program, with nothing beforehand but Node 20 or later and its npm. Brings pnpm, the
// packages, Node 24 and, where it is needed, opa; keeps what it fetched outside the tree; a warm start fetches nothing.
// Everything it says goes to stderr, so that stdout belongs to the program. It imports nothing but Node's own modules.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
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
import { homedir, constants as osConstants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PNPM_VERSION = "12.21.0";
const NODE_MAJOR = 24;
const NEXT_NODE_VERSION = "26.10.0";
const OPA_VERSION = "1.21.3";

const root = join(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), "..", "..");
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "postern");

/** What each command runs, and what it needs besides the packages. */
const COMMANDS = {
  start: { program: "deploy/local/start.ts", needs: ["opa"] },
  test: { program: "deploy/local/test.ts", needs: ["opa", "redis", "node26"] },
  check: { program: "deploy/local/check.ts", needs: [] },
  bench: { program: "test/load/bench.ts", needs: ["opa"] },
  postern: { program: "apps/ctl/src/main.ts", needs: [] },
};

const children = new Set();
let endedBy;

for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(name, () => {
    endedBy ??= name;
    // A terminal sends its SIGINT to the children itself.
    if (name === "SIGINT" && process.stdin.isTTY) return;
    for (const child of children) child.kill(name);
  });
}

await main(process.argv.slice(2)).catch((error) => {
  say(error.message);
  process.exitCode = endedBy === undefined ? 1 : 128 + osConstants.signals[endedBy];
});

async function main([name, ...args]) {
  const command = Object.hasOwn(COMMANDS, name ?? "") ? COMMANDS[name] : undefined;
  if (command === undefined)
    throw new Error(`usage: bootstrap.mjs ${Object.keys(COMMANDS).join("|")} [arguments]`);
  // Only the policy commands of the command line compile anything.
  const needsOpa = command.needs.includes("opa") || (name === "postern" && args[0] === "policy");
  const [node, opa, node26] = await Promise.all([
    installPackages().then(findNode),
    needsOpa ? findOpa() : undefined,
    command.needs.includes("node26") ? optional("Node 26", findNextNode) : undefined,
    command.needs.includes("redis") ? optional("Redis", installRedis) : undefined,
  ]);
  if (!existsSync(join(root, command.program))) throw new Error(`${command.program} does not exist`);
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  if (opa !== undefined) env.OPA_BIN = opa;
  if (node26 !== undefined) env.POSTERN_NODE_26 = node26;
  // npm runs scripts in the package's folder; files named to the command line are meant from where the user stands.
  const cwd = name === "postern" ? process.env.INIT_CWD || process.cwd() : process.cwd();
  const { code, signal } = await run(node, [join(root, command.program), ...args], {
    env,
    cwd,
    stdio: "inherit",
  });
  process.exitCode = code ?? 128 + osConstants.signals[signal];
}

/** pnpm install, unless the lock file and the workspace are those of the last install. */
async function installPackages() {
  const stampFile = join(root, "node_modules", ".postern-stamp");
  const stamp = createHash("sha256")
    .update(readFileSync(join(root, "pnpm-lock.yaml")))
    .update(readFileSync(join(root, "pnpm-workspace.yaml")))
    .update(`${process.platform}-${process.arch}`)
    .digest("hex");
  const isInstalled = () => readIfThere(stampFile) === stamp;
  if (isInstalled()) return;
  const pnpm = await findPnpm();
  await exclusively(createHash("sha256").update(root).digest("hex").slice(0, 16), async () => {
    if (isInstalled()) return;
    const args = ["install", "--frozen-lockfile", "--prefer-offline", "--config.confirm-modules-purge=false"];
    await step("packages installed", pnpm, args, { cwd: root });
    writeFileSync(stampFile, stamp);
  });
}

function findPnpm() {
  return inCache(join("pnpm", PNPM_VERSION), join("node_modules", ".bin", "pnpm"), (folder) =>
    step(`pnpm ${PNPM_VERSION} fetched`, "npm", npmInstall(folder, `pnpm@${PNPM_VERSION}`)),
  );
}

function findNode() {
  const own = join(root, "node_modules", ".bin", "node");
  if (existsSync(own)) return own;
  if (process.versions.node.startsWith(`${NODE_MAJOR}.`)) return process.execPath;
  throw new Error(
    `Node ${NODE_MAJOR} is missing: the npm package 'node' brought no binary for ${process.platform}-${process.arch}. ` +
      `Remove node_modules and try again with install scripts allowed, or run this with a Node ${NODE_MAJOR} of your own.`,
  );
}

/** The Node of the next release line, to run the unit tests on. */
function findNextNode() {
  const prefix = process.platform === "darwin" && process.arch === "arm64" ? "node-bin" : "node";
  const name = `${prefix}-${process.platform}-${process.arch}`;
  return inCache(join("node", NEXT_NODE_VERSION), join("node_modules", name, "bin", "node"), (folder) =>
    step(`Node ${NEXT_NODE_VERSION} fetched`, "npm", npmInstall(folder, `${name}@${NEXT_NODE_VERSION}`)),
  );
}

/** opa from OPA_BIN, PATH or the cache; otherwise built from source with the machine's Go. */
async function findOpa() {
  if (process.env.OPA_BIN) {
    if (isFreshOpa(process.env.OPA_BIN)) return process.env.OPA_BIN;
    throw new Error(`OPA_BIN is not an opa of version ${OPA_VERSION} or later: ${process.env.OPA_BIN}`);
  }
  const onPath = findOnPath("opa");
  if (onPath !== undefined && isFreshOpa(onPath)) return onPath;
  const go = findOnPath("go");
  return inCache(join("opa", OPA_VERSION), "opa", async (folder) => {
    if (go === undefined)
      throw new Error(
        `opa ${OPA_VERSION} or later is missing, and so is Go to build it. Install either: Open Policy Agent's own ` +
          "release binary on PATH (or named by OPA_BIN), or Go 1.26 or later.",
      );
    say(`building opa ${OPA_VERSION} from source; this takes some minutes, once`);
    const env = { ...process.env, GOBIN: folder, CGO_ENABLED: "0" };
    const args = ["install", "-trimpath", `github.com/open-policy-agent/opa@v${OPA_VERSION}`];
    await step(`opa ${OPA_VERSION} built`, go, args, { env, cwd: folder });
  });
}

/** Asking opa takes longer than everything else of a warm start, so its answer is kept with the file's size and time. */
function isFreshOpa(path) {
  const memo = join(cache, "opa", "known.json");
  const { size, mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {};
  const key = JSON.stringify([path, size, mtimeMs, OPA_VERSION]);
  if (size !== undefined && readIfThere(memo) === key) return true;
  const { stdout } = spawnSync(path, ["version"], { encoding: "utf8" });
  const version = /^Version: (\d+)\.(\d+)\.(\d+)/m
    .exec(stdout ?? "")
    ?.slice(1)
    .map(Number);
  const wanted = OPA_VERSION.split(".").map(Number);
  const differing = version?.findIndex((part, index) => part !== wanted[index]) ?? 0;
  const isFresh = version !== undefined && (differing === -1 || version[differing] > wanted[differing]);
  if (!isFresh) say(`${path} is not an opa of version ${OPA_VERSION} or later`);
  else writeAtomically(memo, key);
  return isFresh;
}

/** On Debian as root, Debian's own package; it is not started. Elsewhere the tests that want it are skipped. */
async function installRedis() {
  if (findOnPath("redis-server") !== undefined) return;
  const apt = findOnPath("apt-get");
  if (apt === undefined || process.getuid?.() !== 0)
    throw new Error("redis-server is not on PATH, and only root on Debian may install it");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  await step("package lists updated", apt, ["update", "-q"], { env });
  await step("redis-server installed", apt, ["install", "-qy", "--no-install-recommends", "redis-server"], {
    env,
  });
}

async function optional(what, get) {
  try {
    return await get();
  } catch (error) {
    say(`${what} could not be had, what needs it is skipped: ${error.message}`);
    return undefined;
  }
}

/** The path of `file` in a folder of the cache; `fill` makes the folder's content elsewhere, and one rename publishes it. */
async function inCache(folder, file, fill) {
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
    rmSync(draft, { recursive: true, force: true });
    // Somebody else may have been quicker.
    if (!existsSync(join(final, file))) throw error;
  }
  return join(final, file);
}

/** Runs `act` while no other process does so under the same name. A lock whose owner has died is taken over. */
async function exclusively(name, act) {
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

/** Runs one step of the preparation and tells how long it took; its own words are shown only when it fails. */
async function step(title, command, args, options) {
  const startedMs = performance.now();
  let output = "";
  const { code } = await run(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] }, (text) => {
    output += text;
  });
  if (endedBy !== undefined) throw new Error(`ended by ${endedBy}`);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} failed (${code}):\n${output}`);
  say(`${title} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
}

function run(command, args, options, hear = () => {}) {
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

function npmInstall(folder, what) {
  return [
    "install",
    "--prefix",
    folder,
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    "--loglevel=error",
    what,
  ];
}

function findOnPath(name) {
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

function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

function writeAtomically(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.${process.pid}`, text);
  renameSync(`${file}.${process.pid}`, file);
}

function say(text) {
  process.stderr.write(`postern: ${text}\n`);
}
