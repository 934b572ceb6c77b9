// From starting a sidecar's process to the moment when it is ready to judge, and what it takes up when nobody calls. The first start has
// everything to fetch; the others find the state of the one before.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort, repositoryRoot, startProcess, type TestScope } from "@postern/testkit";
import { onProcessor, pause, resume, rssMibOf } from "./machine.ts";
import type { Launch } from "./sidecar-lines.ts";
import type { Lines } from "./start-lines.ts";

export interface Start {
  readonly isFirst: boolean;
  /** From the start of the process to the first 200 of /readyz. */
  readonly readyMs: number;
  /** Five seconds later. */
  readonly rssMib: number;
}

const STARTS = 6;
const IDLE_MS = 5_000;
const LOOK_EVERY_MS = 2;
const READY_MS_MAX = 30_000;
const SIDECAR = join(repositoryRoot, "apps", "sidecar", "src", "main.ts");

export async function measureStart(
  scope: TestScope,
  { background, sidecars }: Pick<Lines, "background" | "sidecars">,
): Promise<readonly Start[]> {
  resume(background);
  const launch = await sidecars.launch("start");
  const starts: Start[] = [];
  for (let n = 0; n < STARTS; n += 1) {
    starts.push({ isFirst: n === 0, ...(await startOnce(scope, launch)) });
  }
  pause(background);
  return starts;
}

async function startOnce(
  scope: TestScope,
  { controlPlaneUrl, dataDir, enrolment, env }: Launch,
): Promise<Omit<Start, "isFirst">> {
  const port = await freePort();
  const startedMs = performance.now();
  const running = await startProcess(scope, {
    ...onProcessor(1, process.execPath, [SIDECAR]),
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      POSTERN_SIDECAR_PORT: String(port),
      POSTERN_CONTROL_PLANE_URL: controlPlaneUrl,
      POSTERN_SIDECAR_CREDENTIAL: enrolment.credential,
      POSTERN_TRUST_ROOT: enrolment.trust_root,
      POSTERN_DATA_DIR: dataDir,
      ...env,
    },
  });
  while (!(await isReady(port))) {
    if (performance.now() - startedMs > READY_MS_MAX)
      throw new Error(`a sidecar did not become ready:\n${running.stdout()}\n${running.stderr()}`);
    await delay(LOOK_EVERY_MS);
  }
  const readyMs = performance.now() - startedMs;
  await delay(IDLE_MS);
  const rssMib = rssMibOf(running.pid);
  await running.stop();
  return { readyMs, rssMib };
}

async function isReady(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
  await answer?.arrayBuffer();
  return answer?.status === 200;
}
