// `npm start`: control plane, sidecar and a real tool server behind it, provisioned so that the first call works. State is kept from start to
// start; everything that was started ends with this process, and when one part dies the rest is ended too.
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { isAbsolute, join, resolve } from "node:path";
import { Fault, toFault } from "../../packages/fault/src/index.ts";
import { takeDataFolder } from "./data-folder.ts";
import { readKept, writeKept, writePrivate } from "./kept-file.ts";
import { provision } from "./provision.ts";
import { type Service, startService } from "./service.ts";
import { type Connection, HEADER_FILE, welcomeText } from "./welcome.ts";

const root = join(import.meta.dirname, "..", "..");
const READY_MS = 60_000;

/** What is meant for this file; every other variable goes to both programs. */
const {
  POSTERN_DATA_DIR,
  POSTERN_PORT,
  POSTERN_SIDECAR_PORT,
  POSTERN_NODE_26: _,
  ...inherited
} = process.env;
const own = { POSTERN_DATA_DIR, POSTERN_PORT, POSTERN_SIDECAR_PORT };
const services: Service[] = [];
const told = Promise.withResolvers<string>();
// Asking twice, as a terminal and npm do together, is asking once.
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => told.resolve(signal));

async function main(): Promise<number> {
  let folder: { release(): void } | undefined;
  try {
    const dataDir = absolute(own.POSTERN_DATA_DIR || join(root, ".postern", "data"));
    folder = takeDataFolder(dataDir);
    const connection = await start(dataDir);
    if (connection === undefined) return 0;
    process.stdout.write(
      process.argv.includes("--json") ? `${JSON.stringify(connection)}\n` : welcomeText(connection),
    );
    await Promise.race([told.promise, ...services.map(ended)]);
    return 0;
  } catch (caught) {
    const { message, kind, detail } = toFault(caught);
    process.stderr.write(`${message}\n${kind === "internal" ? `${detail}\n` : ""}`);
    return 1;
  } finally {
    // The sidecar goes first, so that it can still hand over its records.
    for (const service of services.reverse()) await service.stop();
    folder?.release();
  }
}

/** Undefined when the end was asked for before everything was up. */
async function start(dataDir: string): Promise<Connection | undefined> {
  const secrets = keptSecrets(dataDir);
  const adminToken = process.env.POSTERN_ADMIN_TOKEN || secrets.admin_token;

  const adminUrl = await run("control plane", "control-plane", dataDir, {
    POSTERN_DATA_DIR: join(dataDir, "control-plane"),
    POSTERN_PORT: own.POSTERN_PORT || "8080",
    POSTERN_ADMIN_TOKEN: adminToken,
  });
  if (adminUrl === undefined) return undefined;
  const provided = await provision({ adminUrl, adminToken, dataDir });

  const sidecarUrl = await run("sidecar", "sidecar", dataDir, {
    POSTERN_DATA_DIR: join(dataDir, "sidecar"),
    POSTERN_SIDECAR_PORT: own.POSTERN_SIDECAR_PORT || "8081",
    POSTERN_CONTROL_PLANE_URL: adminUrl,
    POSTERN_SIDECAR_CREDENTIAL: provided.credential,
    POSTERN_TRUST_ROOT: provided.trustRoot,
    ...upstream(),
  });
  if (sidecarUrl === undefined || !(await untilReady(sidecarUrl))) return undefined;
  const connection = {
    mcp_url: `${sidecarUrl}/v1/mcp`,
    tool_call_url: `${sidecarUrl}/v1/tool-call`,
    admin_url: adminUrl,
    admin_token: adminToken,
    capability_token: provided.capabilityToken,
    tenant: provided.tenant,
    data_dir: dataDir,
  };
  writeKept(join(dataDir, "connection.json"), connection);
  writePrivate(join(dataDir, HEADER_FILE), `Authorization: Bearer ${provided.capabilityToken}\n`);
  return connection;
}

/** Starts one of our programs; its address once it listens, undefined when the end was asked for first. */
async function run(
  title: string,
  app: string,
  dataDir: string,
  settings: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const service = startService({
    title,
    program: join(root, "apps", app, "src", "main.ts"),
    // Its address is read from its log.
    env: {
      ...inherited,
      POSTERN_LOG_LEVEL: process.env.POSTERN_LOG_LEVEL === "debug" ? "debug" : "info",
      ...settings,
    },
    logFile: join(dataDir, "logs", `${app}.log`),
  });
  services.push(service);
  return Promise.race([service.listening, told.promise.then(() => undefined)]);
}

/** The tool server: what the environment says, otherwise the public demonstration server over stdio, which opens no port beside the door. */
function upstream(): NodeJS.ProcessEnv {
  const { POSTERN_UPSTREAM_URL, POSTERN_UPSTREAM_COMMAND, POSTERN_UPSTREAMS } = process.env;
  if (POSTERN_UPSTREAM_URL || POSTERN_UPSTREAM_COMMAND || POSTERN_UPSTREAMS) return {};
  const fromSidecar = createRequire(join(root, "apps", "sidecar", "package.json"));
  const server = fromSidecar.resolve("@modelcontextprotocol/server-everything/dist/index.js");
  return { POSTERN_UPSTREAM_COMMAND: JSON.stringify([process.execPath, server, "stdio"]) };
}

/** True once the sidecar takes calls; false when the end was asked for first. */
async function untilReady(sidecarUrl: string): Promise<boolean> {
  const deadline = AbortSignal.timeout(READY_MS);
  const isTold = told.promise.then(() => true);
  for (;;) {
    const answer = await fetch(`${sidecarUrl}/readyz`).catch(() => undefined);
    if (answer?.ok) return true;
    if (deadline.aborted) {
      const why = (await answer?.text()) ?? "it does not answer";
      throw new Fault("unavailable", "start.not_ready", `The sidecar did not become ready in time: ${why}`);
    }
    const pause = new Promise<false>((next) => setTimeout(() => next(false), 50));
    if (await Promise.race([isTold, pause, ...services.map(ended)])) return false;
  }
}

/** Rejects when a part ends that was not to end. */
const ended = ({ ended }: Service): Promise<never> =>
  ended.then((why) => Promise.reject(new Fault("unavailable", "start.ended", why)));

function keptSecrets(dataDir: string): { admin_token: string } {
  const file = join(dataDir, "secrets.json");
  const kept = readKept(file);
  if (typeof kept?.admin_token === "string") return { admin_token: kept.admin_token };
  const fresh = { admin_token: randomBytes(32).toString("base64url") };
  writeKept(file, fresh);
  return fresh;
}

const absolute = (path: string) => (isAbsolute(path) ? path : resolve(root, path));

process.exitCode = await main();
