// The lines of the proxy bench: every server a process of its own, the sidecars real ones with a real control plane behind them.
import { fileURLToPath } from "node:url";
import { type RunningProcess, startProcess, type TestScope, temporaryDirectory } from "@postern/testkit";
import { provisionTenant, startControlPlane, startSidecar, TENANT } from "../e2e/stack.ts";
import { giveWay, pause, pin, resume } from "./machine.ts";
import { CAVEATS, INTENT_PROMPT, policyOfSixtyRules } from "./workload.ts";

export type LineName = "direct" | "bare" | "on" | "disk" | "intent";

export interface Line {
  readonly name: LineName;
  readonly title: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The server that is measured. */
  readonly pid: number;
  /** Processes that stand still while another line is measured. */
  readonly own: readonly number[];
}

export interface Lines {
  readonly lines: readonly Line[];
  readonly generator: RunningProcess;
  /** Lets the sidecars end by themselves, as a profile is written only then. */
  end(): Promise<void>;
}

const GENERATOR = fileURLToPath(new URL("./generator.ts", import.meta.url));

/**
 * Proxies on processor 1, everything else on processor 0. Nothing of a line runs yet but what all share. With `profileDir`, each thread of
 * the sidecars leaves a CPU profile there when it ends.
 */
export async function startLines(scope: TestScope, profileDir: string | undefined): Promise<Lines> {
  const [upstream, generator, controlPlane] = await Promise.all([
    startOwn(scope, new URL("./upstream-server.ts", import.meta.url)),
    startProcess(scope, { command: process.execPath, args: [GENERATOR] }),
    startControlPlane(scope),
  ]);
  const { admin } = controlPlane;
  const bare = await startOwn(scope, new URL("./passthrough-server.ts", import.meta.url), upstream.url);
  await provisionTenant(admin, policyOfSixtyRules());
  const { token } = await admin.mint({
    subject: "agent-of-the-bench",
    tenant: TENANT,
    ttl_seconds: 86_400,
    caveats: CAVEATS,
  });
  const sidecarWith = async (durability: "os" | "disk") =>
    startSidecar(scope, {
      controlPlaneUrl: controlPlane.url,
      enrolment: await admin.addSidecar({ tenant: TENANT, name: `bench-${durability}` }),
      dataDir: temporaryDirectory(scope),
      env: {
        POSTERN_UPSTREAM_URL: upstream.url,
        POSTERN_SPOOL_DURABILITY: durability,
        POSTERN_SPOOL_BYTES_MAX: String(64 * 2 ** 30),
        // While it stands still it hears nothing, and that is no reason to deny.
        POSTERN_STALENESS_MS: "3600000",
        ...(profileDir !== undefined && { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDir}` }),
      },
    });
  const os = await sidecarWith("os");
  const disk = await sidecarWith("disk");

  const background = controlPlane.process.pid;
  giveWay(background);
  for (const pid of [upstream.pid, generator.pid, background]) pin(pid, 0);
  for (const pid of [bare.pid, os.process.pid, disk.process.pid]) pin(pid, 1);
  for (const pid of [bare.pid, os.process.pid, disk.process.pid, background]) pause(pid);

  const authorization = `Bearer ${token}`;
  const guarded = (sidecar: typeof os) => ({
    url: sidecar.toolCallUrl,
    headers: { authorization },
    pid: sidecar.process.pid,
    own: [sidecar.process.pid, background],
  });
  const prompted = { authorization, "x-intent-prompt": INTENT_PROMPT };
  const lines: Line[] = [
    { name: "direct", title: "direct to the tool server", ...upstream, headers: {}, own: [] },
    { name: "bare", title: "bare passthrough", ...bare, headers: {}, own: [bare.pid] },
    { name: "on", title: "sidecar, everything on", ...guarded(os) },
    { name: "disk", title: "the same, durability disk", ...guarded(disk) },
    { name: "intent", title: "the same, intent cached", ...guarded(os), headers: prompted },
  ];
  return {
    lines,
    generator,
    async end() {
      for (const pid of [os.process.pid, disk.process.pid, background]) resume(pid);
      await Promise.all([os.process.stop(), disk.process.stop()]);
    },
  };
}

async function startOwn(
  scope: TestScope,
  file: URL,
  ...args: string[]
): Promise<{ url: string; pid: number }> {
  const { match, pid } = await startProcess(scope, {
    command: process.execPath,
    args: [fileURLToPath(file), ...args],
    ready: /^\{.*"msg":"listening".*\}$/m,
  });
  const { url } = JSON.parse(match[0] ?? "{}") as { url: string };
  return { url, pid };
}
