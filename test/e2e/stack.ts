// The real product for a test: control plane, sidecar and a tool server as child processes on free ports, provisioned through the
// public API only. Everything ends with the test.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type AdminClient, createAdminClient, createAgentClient } from "@postern/client";
import {
  type RunningProcess,
  repositoryRoot,
  startProcess,
  type TestScope,
  temporaryDirectory,
} from "@postern/testkit";

export const ADMIN_TOKEN = "an-admin-token-of-a-test";
export const TENANT = "acme";

const READY = /^\{.*"msg":"listening".*\}$/m;

export interface ControlPlane {
  readonly url: string;
  readonly process: RunningProcess;
  readonly dataDir: string;
  readonly admin: AdminClient;
}

const urlIn = (match: readonly string[]): string => (JSON.parse(match[0] ?? "{}") as { url: string }).url;
const app = (name: string) => join(repositoryRoot, "apps", name, "src", "main.ts");

/** Starts the control plane on its embedded database, or on `databaseUrl`. */
export async function startControlPlane(
  t: TestScope,
  options: { dataDir?: string; port?: number; databaseUrl?: string } = {},
): Promise<ControlPlane> {
  const dataDir = options.dataDir ?? temporaryDirectory(t);
  const process_ = await startProcess(t, {
    command: process.execPath,
    args: [app("control-plane")],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      OPA_BIN: process.env.OPA_BIN,
      POSTERN_DATA_DIR: dataDir,
      POSTERN_PORT: String(options.port ?? 0),
      POSTERN_ADMIN_TOKEN: ADMIN_TOKEN,
      POSTERN_DATABASE_URL: options.databaseUrl ?? "",
    },
    ready: READY,
    timeoutMs: 60_000,
  });
  const url = urlIn(process_.match);
  return {
    url,
    process: process_,
    dataDir,
    admin: createAdminClient({ url, token: ADMIN_TOKEN, timeoutMs: 60_000 }),
  };
}

/** Tenant with an active policy. */
export async function provisionTenant(admin: AdminClient, rego: string, tenant = TENANT): Promise<void> {
  await admin.createTenant(tenant);
  const draft = await admin.createDraft({ name: "test", rego_source: rego, tenant });
  await admin.promote(draft.id, { tenant });
}

export interface Enrolment {
  readonly sidecar_id: string;
  readonly credential: string;
  readonly trust_root: string;
}

export interface Sidecar {
  readonly url: string;
  readonly mcpUrl: string;
  readonly toolCallUrl: string;
  readonly process: RunningProcess;
}

/** Starts a sidecar and waits until it is ready to judge. */
export async function startSidecar(
  t: TestScope,
  options: { controlPlaneUrl: string; enrolment: Enrolment; dataDir: string; env: Record<string, string> },
): Promise<Sidecar> {
  const started = await startProcess(t, {
    command: process.execPath,
    args: [app("sidecar")],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      POSTERN_SIDECAR_PORT: "0",
      POSTERN_CONTROL_PLANE_URL: options.controlPlaneUrl,
      POSTERN_SIDECAR_CREDENTIAL: options.enrolment.credential,
      POSTERN_TRUST_ROOT: options.enrolment.trust_root,
      POSTERN_DATA_DIR: options.dataDir,
      ...options.env,
    },
    ready: READY,
    timeoutMs: 30_000,
  });
  const url = urlIn(started.match);
  await eventually(async () => assert.equal((await fetch(`${url}/readyz`)).status, 200), 30_000);
  return { url, mcpUrl: `${url}/v1/mcp`, toolCallUrl: `${url}/v1/tool-call`, process: started };
}

interface RecordingServer {
  readonly url: string;
  /** Nonces of the calls that ran, in order, with repetitions. */
  executed(): string[];
}

async function startRecordingServer(t: TestScope): Promise<RecordingServer> {
  const log = join(temporaryDirectory(t), "executed.log");
  const started = await startProcess(t, {
    command: process.execPath,
    args: [join(import.meta.dirname, "recording-server.ts"), log],
    ready: /^\{"url":.*\}$/m,
  });
  const lines = () => (existsSync(log) ? readFileSync(log, "utf8").split("\n").filter(Boolean) : []);
  return {
    url: urlIn(started.match),
    executed: () => lines().map((line) => (JSON.parse(line) as { nonce: string }).nonce),
  };
}

/** A whole stack around a recording server. `token` mints a capability; `call` makes one tool call with it. */
export async function startStack(t: TestScope, rego: string, env: Record<string, string> = {}) {
  const [upstream, controlPlane] = await Promise.all([startRecordingServer(t), startControlPlane(t)]);
  const { admin } = controlPlane;
  await provisionTenant(admin, rego);
  const enrolment = await admin.addSidecar({ tenant: TENANT, name: "e2e" });
  const sidecarDir = temporaryDirectory(t);
  const launch = () =>
    startSidecar(t, {
      controlPlaneUrl: controlPlane.url,
      enrolment,
      dataDir: sidecarDir,
      env: { POSTERN_UPSTREAM_URL: upstream.url, POSTERN_AUDIT_ARG_VALUES: "full", ...env },
    });
  const sidecar = await launch();
  const mint = async (request: Partial<Parameters<AdminClient["mint"]>[0]> = {}) =>
    admin.mint({ subject: "agent-x", tenant: TENANT, ttl_seconds: 3600, ...request });
  const agent = (token: string, at: Sidecar = sidecar) => createAgentClient({ url: at.toolCallUrl, token });
  return { upstream, controlPlane, admin, sidecar, sidecarDir, enrolment, launch, mint, agent };
}

/** Asks again until it holds; the last failure is the test's when time is up. */
export async function eventually<T>(ask: () => Promise<T>, timeoutMs = 15_000): Promise<T> {
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await ask();
    } catch (caught) {
      if (Date.now() > deadlineMs) throw caught;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Every tool-call event of the tenant, oldest first. */
export async function toolCallEvents(admin: AdminClient, tenant = TENANT) {
  const events = [];
  for (let cursor: string | undefined; ; ) {
    const page = await admin.audit({ tenant, limit: 1000, cursor });
    events.push(...page.items.filter(({ event }) => event === "intentgate.tool_call"));
    cursor = page.next_cursor;
    if (cursor === undefined) return events.sort((a, b) => a.ts.localeCompare(b.ts));
  }
}
