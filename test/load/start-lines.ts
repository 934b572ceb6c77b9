// Starts the servers of the lines. Proxies have processor 1, everything else has processor 0, and a line stands still until it is measured.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  freePort,
  type RunningProcess,
  startProcess,
  type TestScope,
  temporaryDirectory,
} from "@postern/testkit";
import { startControlPlane } from "../e2e/stack.ts";
import { type Line, type LineName, SERVERS } from "./lines.ts";
import { giveWay, pause, pin, resume } from "./machine.ts";
import { createSidecars, isSidecarLine, type SidecarLine, type Sidecars } from "./sidecar-lines.ts";
import type { Door } from "./workload.ts";

export interface Lines {
  readonly lines: readonly Line[];
  readonly generator: RunningProcess;
  /** A sidecar of its own, with everything on, for what is not measured in windows. */
  readonly sidecars: Sidecars;
  readonly upstreamUrl: string;
  /** A token of the sidecars' agent. */
  readonly token: string;
  /** Process of the control plane, which stands still while no sidecar is measured. */
  readonly background: number;
  /** Lets the proxies end by themselves, as a profile is written only then. */
  end(): Promise<void>;
}

const GENERATOR = new URL("./generator.ts", import.meta.url);
export const TOOL_SERVER = new URL("./upstream-server.ts", import.meta.url);
const VARIANTS = {
  "verify-per-call": new URL("./variants/verify-per-call.ts", import.meta.url),
  "object-input": new URL("./variants/object-input.ts", import.meta.url),
  "redis-hop": new URL("./variants/redis-hop.ts", import.meta.url),
} as const;

/** With `profileDir`, each proxy leaves a CPU profile of each of its threads in `<profileDir>/<line>` when it ends. */
export async function startLines(
  scope: TestScope,
  names: readonly LineName[],
  profileDir: string | undefined,
): Promise<Lines> {
  const [upstream, generator, controlPlane] = await Promise.all([
    startServer(scope, TOOL_SERVER, {}),
    startProcess(scope, { command: process.execPath, args: [fileURLToPath(GENERATOR)] }),
    startControlPlane(scope),
  ]);
  const background = controlPlane.process.pid;
  for (const { pid } of [upstream, generator, controlPlane.process]) pin(pid, 0);
  giveWay(background);
  const sidecars = createSidecars(scope, controlPlane, upstream.url);
  const startLine = async (name: LineName): Promise<StartedLine> => {
    const env = profileDir === undefined ? {} : profiling(join(profileDir, name));
    if (name === "direct")
      return { line: { name, urls: everywhere(upstream.url), headers: {}, pid: upstream.pid, own: [] } };
    const started = isSidecarLine(name)
      ? await startSidecarLine(scope, name, sidecars, env)
      : await startServer(scope, SERVERS[name], env, upstream.url);
    const { headers = {}, process: running, urls } = started;
    const { pid } = running;
    pin(pid, 1);
    pause(pid);
    const own = isSidecarLine(name) ? [pid, background] : [pid];
    return { line: { name, urls, headers, pid, own }, running };
  };
  const started = await Promise.all(names.map(startLine));
  const token = await sidecars.token();
  pause(background);
  return {
    lines: started.map(({ line }) => line),
    generator,
    sidecars,
    upstreamUrl: upstream.url,
    token,
    background,
    async end() {
      for (const { running } of started) if (running !== undefined) resume(running.pid);
      resume(background);
      await Promise.all(started.map(({ running }) => running?.stop()));
    },
  };
}

interface StartedLine {
  readonly line: Line;
  /** Absent for the tool server, which all lines share. */
  readonly running?: RunningProcess;
}

interface Started {
  readonly process: RunningProcess;
  readonly urls: Readonly<Record<Door, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A variant is the real sidecar too, with one part exchanged while it is loaded. */
async function startSidecarLine(
  scope: TestScope,
  name: SidecarLine,
  sidecars: Sidecars,
  env: Readonly<Record<string, string>>,
): Promise<Started> {
  if (name === "on" || name === "cached" || name === "disk") return sidecars.start(name, env);
  const extra = name === "redis-hop" ? await startRedis(scope) : {};
  return sidecars.start(name, { ...env, ...extra }, VARIANTS[name]);
}

const everywhere = (url: string): Record<Door, string> => ({ "tool-call": url, legacy: url, modern: url });

const profiling = (folder: string): Record<string, string> => ({
  NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder}`,
});

export async function startServer(
  scope: TestScope,
  file: URL,
  env: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<Started & { readonly url: string; readonly pid: number }> {
  const running = await startProcess(scope, {
    command: process.execPath,
    args: [fileURLToPath(file), ...args],
    env: { ...process.env, ...env },
    ready: /^\{.*"msg":"listening".*\}$/m,
  });
  const { url } = JSON.parse(running.match[0] ?? "{}") as { url: string };
  return { url, urls: everywhere(url), pid: running.pid, process: running };
}

/** @returns what tells the variant where it is. */
async function startRedis(scope: TestScope): Promise<Record<string, string>> {
  if (spawnSync("redis-server", ["--version"]).status !== 0)
    throw new Error("the line redis-hop needs redis-server on PATH");
  const port = String(await freePort());
  const settings = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const { pid } = await startProcess(scope, {
    command: "redis-server",
    args: [...settings, "--dir", temporaryDirectory(scope)],
    ready: /Ready to accept connections/,
  });
  pin(pid, 0);
  return { BENCH_REDIS_PORT: port };
}
