// Replicas of the control plane as processes of their own over one real Postgres, and a look into that database beside them.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import {
  defer,
  type RunningProcess,
  repositoryRoot,
  startProcess,
  temporaryDirectory,
  throwawayPostgres,
} from "@postern/testkit";
import postgres from "postgres";

export interface Answer {
  /** 0 = no answer came. */
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads answers as freely as a client without types would.
  readonly json: any;
}

export interface Replica {
  readonly url: string;
  readonly process: RunningProcess;
  /** As the superadmin. */
  ask(method: string, path: string, body?: object): Promise<Answer>;
}

export interface Replicas {
  start(): Promise<Replica>;
  readonly sql: postgres.Sql;
}

/** undefined, and a skipped test, where there is no Postgres. */
export async function createReplicas(
  t: Parameters<typeof throwawayPostgres>[0],
): Promise<Replicas | undefined> {
  const address = await throwawayPostgres(t);
  if (address === undefined) return undefined;
  const sql = postgres(address.url, { max: 2, onnotice: () => {} });
  defer(t, () => sql.end({ timeout: 1 }));
  const token = randomBytes(24).toString("base64url");
  const env = {
    ...{ PATH: process.env.PATH, HOME: process.env.HOME, OPA_BIN: process.env.OPA_BIN },
    POSTERN_DATA_DIR: temporaryDirectory(t),
    POSTERN_PORT: "0",
    POSTERN_ADMIN_TOKEN: token,
    POSTERN_DATABASE_URL: address.url,
    POSTERN_MASTER_KEY: randomBytes(32).toString("base64"),
  };
  return {
    sql,
    async start() {
      const running = await startProcess(t, {
        ...{ command: process.execPath, args: [join(repositoryRoot, "apps/control-plane/src/main.ts")], env },
        ...{ ready: /^\{.*"msg":"listening".*\}$/m, timeoutMs: 60_000 },
      });
      const { url } = JSON.parse(running.match[0] ?? "{}") as { url: string };
      return { url, process: running, ask: (method, path, body) => ask(url, token, { method, path, body }) };
    },
  };
}

async function ask(
  url: string,
  token: string,
  { method, path, body }: { method: string; path: string; body?: object | undefined },
): Promise<Answer> {
  try {
    const response = await fetch(new URL(path, url), {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    return { status: response.status, json: text.startsWith("{") ? JSON.parse(text) : undefined };
  } catch {
    return { status: 0, json: undefined };
  }
}
