// Where opa comes from: named by OPA_BIN, on PATH, in the cache; otherwise built from source with the machine's Go. Whether any of these
// can work is found out before anything is downloaded.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { cache, findOnPath, inCache, readIfThere, say, step, writeAtomically } from "./steps.mjs";

const OPA_VERSION = "1.21.3";
const FOLDER = join("opa", OPA_VERSION);
/** What opa's go.mod asks for. A Go from 1.21 on fetches a later one by itself, unless it was told not to. */
const GO_MINOR = 26;
const GO_MINOR_FETCHING = 21;
const PATIENCE_MS = 15_000;

/** A function that brings opa and returns its path. Throws at once when there is no way. */
export function planOpa() {
  if (process.env.OPA_BIN) {
    const named = process.env.OPA_BIN;
    if (isFreshOpa(named)) return async () => named;
    throw new Error(`OPA_BIN is not an opa of version ${OPA_VERSION} or later: ${named}`);
  }
  const onPath = findOnPath("opa");
  if (onPath !== undefined && isFreshOpa(onPath)) return async () => onPath;
  if (existsSync(join(cache, FOLDER, "opa"))) return async () => join(cache, FOLDER, "opa");
  const go = findOnPath("go");
  const settings = go === undefined ? undefined : settingsOf(go);
  if (settings === undefined || !canBuild(settings)) {
    const found = settings === undefined ? "Go" : `a Go that can build it (${settings.GOVERSION} cannot)`;
    throw new Error(
      `opa ${OPA_VERSION} or later is missing, and so is ${found}. Install either: Open Policy Agent's own release binary on PATH ` +
        `(or named by OPA_BIN), which takes seconds, or Go 1.${GO_MINOR} or later. Nothing was downloaded yet.`,
    );
  }
  return () => inCache(FOLDER, "opa", (folder) => build(go, settings, folder));
}

async function build(go, settings, folder) {
  say(
    `building opa ${OPA_VERSION} from source, which takes some minutes, once; an opa ${OPA_VERSION} or later on PATH makes it seconds`,
  );
  // Caches that are there already make it quicker and stay; others would leave a gigabyte behind in a home that never asked for it.
  const scratch = join(folder, "go");
  const caches = ["GOMODCACHE", "GOCACHE"].filter((name) => !existsSync(settings[name]));
  const env = { ...process.env, GOBIN: folder, CGO_ENABLED: "0" };
  for (const name of caches) env[name] = join(scratch, name.toLowerCase());
  // Go protects what it downloads against being deleted; what is our own will be.
  const flags = caches.includes("GOMODCACHE") ? ["-trimpath", "-modcacherw"] : ["-trimpath"];
  const args = ["install", ...flags, `github.com/open-policy-agent/opa@v${OPA_VERSION}`];
  const patience = { everyMs: PATIENCE_MS, text: `still building opa ${OPA_VERSION}` };
  await step(`opa ${OPA_VERSION} built`, go, args, { env, cwd: folder, patience });
  rmSync(scratch, { recursive: true, force: true });
}

/** Undefined when it is no Go that tells its settings. */
function settingsOf(go) {
  const names = ["GOVERSION", "GOTOOLCHAIN", "GOMODCACHE", "GOCACHE"];
  const { stdout } = spawnSync(go, ["env", "-json", ...names], { encoding: "utf8" });
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}

function canBuild({ GOVERSION = "", GOTOOLCHAIN = "" }) {
  const minor = Number(/^go1\.(\d+)/.exec(GOVERSION)?.[1] ?? Number.NaN);
  // A development version tells no number, and is new enough.
  if (Number.isNaN(minor) || minor >= GO_MINOR) return true;
  return minor >= GO_MINOR_FETCHING && GOTOOLCHAIN !== "local";
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
