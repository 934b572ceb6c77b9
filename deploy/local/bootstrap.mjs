// From a bare clone to a running program, with nothing beforehand but Node 20 or later and its npm. Brings pnpm, the
// packages, Node 24 and, where it is needed, opa; keeps what it fetched outside the tree; a warm start fetches nothing.
// Everything it says goes to stderr, so that stdout belongs to the program. It imports nothing but Node's own modules and its own parts.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants as osConstants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { planOpa } from "./opa.mjs";
import {
  endChildren,
  endChildrenWithUs,
  endingSignal,
  exclusively,
  findOnPath,
  inCache,
  readIfThere,
  run,
  say,
  step,
} from "./steps.mjs";

const PNPM_VERSION = "12.21.0";
const NODE_MAJOR = 24;
const NEXT_NODE_VERSION = "26.10.0";
const MISUSE = 2;

const here = import.meta.dirname ?? dirname(new URL(import.meta.url).pathname);
const root = join(here, "..", "..");

/** What each command runs, and what it needs besides the packages. Flags are checked here where they are few: it costs nothing yet. */
const COMMANDS = {
  start: { program: "deploy/local/start.ts", needs: ["opa"], flags: ["--json"], help: "start-help.txt" },
  test: { program: "deploy/local/test.ts", needs: ["opa", "redis", "node26"] },
  check: { program: "deploy/local/check.ts", needs: [] },
  bench: { program: "test/load/bench.ts", needs: ["opa"] },
  conformance: { program: "test/conformance/conformance.ts", needs: ["opa"] },
  bundle: { program: "deploy/bundle/bundle.ts", needs: [] },
  postern: { program: "apps/ctl/src/main.ts", needs: [] },
};

endChildrenWithUs();
await main(process.argv.slice(2)).catch((error) => {
  // What else was under way has no purpose any more, and shall not talk after this.
  endChildren("SIGTERM");
  say(error.message);
  const signal = endingSignal();
  process.exitCode = signal === undefined ? 1 : 128 + osConstants.signals[signal];
});

async function main([name, ...args]) {
  const command = Object.hasOwn(COMMANDS, name ?? "") ? COMMANDS[name] : undefined;
  if (command === undefined)
    return refuse(`usage: bootstrap.mjs ${Object.keys(COMMANDS).join("|")} [arguments]`);
  if (command.help !== undefined && args.some((arg) => arg === "--help" || arg === "-h")) {
    process.stdout.write(readFileSync(join(here, command.help), "utf8"));
    return;
  }
  const unknown = command.flags === undefined ? undefined : args.find((arg) => !command.flags.includes(arg));
  if (unknown !== undefined) return refuse(`npm ${name} takes no "${unknown}"; try npm ${name} -- --help`);
  // Only the policy commands of the command line compile anything.
  const needsOpa = command.needs.includes("opa") || (name === "postern" && isPolicyCommand(args));
  const bringOpa = needsOpa ? planOpa() : undefined;
  const [node, opa, node26] = await Promise.all([
    installPackages().then(findNode),
    bringOpa?.(),
    command.needs.includes("node26") ? optional("Node 26", findNextNode) : undefined,
    command.needs.includes("redis") ? optional("Redis", installRedis) : undefined,
  ]);
  if (!existsSync(join(root, command.program))) throw new Error(`${command.program} does not exist`);
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  if (opa !== undefined) env.OPA_BIN = opa;
  if (node26 !== undefined) env.POSTERN_NODE_26 = node26;
  // npm runs scripts in the package's folder; files named to the command line are meant from where the user stands.
  const cwd = name === "postern" ? process.env.INIT_CWD || process.cwd() : process.cwd();
  const guard = join(here, "end-with-parent.ts");
  const { code, signal } = await run(node, ["--import", guard, join(root, command.program), ...args], {
    env,
    cwd,
    // The channel carries nothing: it closes when this process is gone, however it went.
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  process.exitCode = code ?? 128 + osConstants.signals[signal];
}

function refuse(why) {
  say(why);
  process.exitCode = MISUSE;
}

function isPolicyCommand(args) {
  return args[0] === "policy" && !args.includes("--help") && !args.includes("-h");
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
