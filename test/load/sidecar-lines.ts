// The bench's sidecars: real ones, each registered under a name of its own. "Everything on": a capability with three caveats, an intent
// prompt that is known after its first use, a policy of sixty rules, budget out of leases, pinned tools, every call in the spool.
import { setTimeout as delay } from "node:timers/promises";
import { type RunningProcess, type TestScope, temporaryDirectory } from "@postern/testkit";
import { type ControlPlane, eventually, provisionTenant, startSidecar, TENANT } from "../e2e/stack.ts";
import { isGuarded, type LineName } from "./lines.ts";
import {
  CAVEATS,
  type Door,
  INTENT_PROMPT,
  LIST,
  LIST_HEADERS,
  policyOfRulesThatRepeat,
  policyOfSixtyRules,
  TOOLS,
} from "./workload.ts";

export type SidecarLine = Exclude<LineName, "direct" | "bare" | "off" | "hono-fetch">;

export interface BenchSidecar {
  readonly process: RunningProcess;
  readonly url: string;
  readonly urls: Readonly<Record<Door, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Sidecars {
  /** `preload`: a module that the process loads before all others. */
  start(name: string, env?: Readonly<Record<string, string>>, preload?: URL): Promise<BenchSidecar>;
  /** What a sidecar of this name is started with. */
  launch(name: string): Promise<Launch>;
  /** Token of the tenant whose policy reads the arguments. */
  token(): Promise<string>;
}

export type Launch = Parameters<typeof startSidecar>[1];

export const isSidecarLine = (name: LineName): name is SidecarLine => isGuarded(name);

const PINNED_WITHIN_MS = 500;
const REPEATING_TENANT = "repeating";

const SETTINGS: Readonly<Record<string, string>> = {
  POSTERN_SPOOL_BYTES_MAX: String(64 * 2 ** 30),
  // While it stands still it hears nothing, and that is no reason to deny.
  POSTERN_STALENESS_MS: "3600000",
  // One agent of the bench stands for many.
  POSTERN_SESSIONS_PER_TOKEN_MAX: "5000",
  POSTERN_STREAMS_PER_TOKEN_MAX: "5000",
};

export function createSidecars(scope: TestScope, controlPlane: ControlPlane, upstreamUrl: string): Sidecars {
  const { admin } = controlPlane;
  const tokens = new Map<string, Promise<string>>();

  const open = async (tenant: string): Promise<string> => {
    await provisionTenant(
      admin,
      tenant === TENANT ? policyOfSixtyRules() : policyOfRulesThatRepeat(),
      tenant,
    );
    const minted = await admin.mint({
      subject: "agent-of-the-bench",
      tenant,
      ttl_seconds: 86_400,
      caveats: CAVEATS,
    });
    return minted.token;
  };
  const tokenOf = (tenant: string): Promise<string> => {
    const known = tokens.get(tenant) ?? open(tenant);
    tokens.set(tenant, known);
    return known;
  };

  const tenantOf = (name: string) => (name === "cached" ? REPEATING_TENANT : TENANT);
  const launch = async (name: string): Promise<Launch> => {
    const tenant = tenantOf(name);
    await tokenOf(tenant);
    return {
      controlPlaneUrl: controlPlane.url,
      enrolment: await admin.addSidecar({ tenant, name: `bench-${name}` }),
      dataDir: temporaryDirectory(scope),
      env: {
        POSTERN_UPSTREAM_URL: upstreamUrl,
        POSTERN_SPOOL_DURABILITY: name === "disk" ? "disk" : "os",
        ...SETTINGS,
      },
    };
  };

  return {
    async start(name, env = {}, preload) {
      const { env: settings, ...options } = await launch(name);
      const nodeOptions = [env.NODE_OPTIONS, preload && `--import=${preload.href}`].filter(Boolean).join(" ");
      const whole = { ...settings, ...env, NODE_OPTIONS: nodeOptions };
      const sidecar = await startSidecar(scope, { ...options, env: whole });
      const { mcpUrl, process, toolCallUrl, url } = sidecar;
      const token = await tokenOf(tenantOf(name));
      const headers = { authorization: `Bearer ${token}`, "x-intent-prompt": INTENT_PROMPT };
      await eventually(() => listTools(mcpUrl, headers));
      await delay(PINNED_WITHIN_MS);
      return { process, url, urls: { "tool-call": toolCallUrl, legacy: mcpUrl, modern: mcpUrl }, headers };
    },
    launch,
    token: () => tokenOf(TENANT),
  };
}

/** As a client would, before it calls one: what a tool server offers is pinned when it is first listed, and soon known everywhere. */
async function listTools(url: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers, ...LIST_HEADERS },
    body: LIST,
  });
  const text = await answer.text();
  if (answer.status !== 200 || !text.includes(TOOLS[0] ?? ""))
    throw new Error(`no tools were listed: ${text}`);
}
