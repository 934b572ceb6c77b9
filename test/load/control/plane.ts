// What the control plane's figures are taken from: a real Postgres that syncs its commits, replicas as processes of their own on processor 1,
// and everything that asks them on processor 0.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type AdminClient, createAdminClient } from "@postern/client";
import {
  type RunningProcess,
  repositoryRoot,
  startProcess,
  type TestScope,
  temporaryDirectory,
  throwawayPostgres,
} from "@postern/testkit";
import { onProcessor } from "../machine.ts";

export const TENANT = "bench";

export interface Replica {
  readonly url: URL;
  readonly process: RunningProcess;
  /** From the moment the process was started until it said that it listens, and until it said that it is ready. */
  readonly listeningMs: number;
  readonly readyMs: number;
}

export interface Plane {
  readonly databaseUrl: string;
  readonly token: string;
  readonly replica: Replica;
  readonly admin: AdminClient;
  startReplica(): Promise<Replica>;
}

/** @throws Error where Postgres cannot be had. */
export async function startPlane(scope: TestScope): Promise<Plane> {
  const skip = (why?: string) => {
    throw new Error(why);
  };
  const address = await throwawayPostgres({ after: scope.after, skip }, { fsync: true });
  if (address === undefined) throw new Error("there is no Postgres to measure with");
  const token = randomBytes(24).toString("base64url");
  const env = {
    ...{ PATH: process.env.PATH, HOME: process.env.HOME, OPA_BIN: process.env.OPA_BIN },
    POSTERN_DATA_DIR: temporaryDirectory(scope),
    POSTERN_MODE: "production",
    POSTERN_PORT: "0",
    POSTERN_ADMIN_TOKEN: token,
    POSTERN_DATABASE_URL: address.url,
    POSTERN_MASTER_KEY: randomBytes(32).toString("base64"),
    POSTERN_LOG_LEVEL: "warn",
  };
  const startReplica = () => start(scope, { ...env, POSTERN_LOG_LEVEL: "info" });
  const replica = await startReplica();
  const admin = createAdminClient({ url: replica.url.href, token, timeoutMs: 120_000 });
  await admin.createTenant(TENANT);
  return { databaseUrl: address.url, token, replica, admin, startReplica };
}

async function start(scope: TestScope, env: NodeJS.ProcessEnv): Promise<Replica> {
  const startedMs = performance.now();
  const main = join(repositoryRoot, "apps", "control-plane", "src", "main.ts");
  const running = await startProcess(scope, {
    ...onProcessor(1, process.execPath, [main]),
    env,
    ready: /^\{.*"msg":"listening".*\}$/m,
    timeoutMs: 60_000,
  });
  const listeningMs = performance.now() - startedMs;
  const { url } = JSON.parse(running.match[0] ?? "{}") as { url: string };
  while ((await fetch(new URL("/readyz", url))).status !== 200)
    await new Promise((resolve) => setTimeout(resolve, 5));
  return { url: new URL(url), process: running, listeningMs, readyMs: performance.now() - startedMs };
}
