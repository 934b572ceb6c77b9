// How fast a change is heard: many simulated sidecars hold their streams open, something changes, and each one's moment of hearing counts.
// A bare server that writes the same event to as many streams is the baseline.

import { fileURLToPath } from "node:url";
import { readStateCursor, type StateNoun } from "@postern/contracts";
import { startProcess, type TestScope } from "@postern/testkit";
import { onProcessor, rssMibOf, usageOf } from "../machine.ts";
import { quantile } from "./calls.ts";
import { type Ear, openEar } from "./ear.ts";
import { type Plane, TENANT } from "./plane.ts";

const BARE = fileURLToPath(new URL("./bare-stream-server.ts", import.meta.url));
/** The control plane allows as many streams for one credential. */
const STREAMS_PER_SIDECAR = 4;
const HEARD_WITHIN_MS = 30_000;

export interface FanOutResult {
  readonly title: string;
  readonly streams: number;
  readonly rounds: number;
  /** From when the change was asked for until a stream heard of it, over all streams and rounds. */
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
}

export interface FanOut {
  readonly results: readonly FanOutResult[];
  /** Share of a processor that the replica needs for heartbeats alone, and its memory with all streams open. */
  readonly idle_cpu: number;
  readonly rss_mib: number;
}

export async function measureFanOut(
  scope: TestScope,
  plane: Plane,
  { streams, rounds }: { streams: number; rounds: number },
): Promise<FanOut> {
  const { admin, replica, token } = plane;
  const credentials = await enrol(plane, Math.ceil(streams / STREAMS_PER_SIDECAR));
  const ears = await Promise.all(
    Array.from({ length: streams }, (_, n) =>
      openEar(replica.url, "/v1/sidecar/sync", credentials[n % credentials.length] ?? ""),
    ),
  );
  const results: FanOutResult[] = [await measureBare(scope, { streams, rounds })];
  const hear = (noun: StateNoun, title: string, change: (round: number) => Promise<unknown>) =>
    measureRounds(title, ears, rounds, {
      change,
      cursorOf: (event) => readStateCursor(event)?.[noun] ?? 0,
    });
  results.push(
    await hear("revocations", "a revocation", (round) =>
      admin.revoke(`gone-${streams}-${round}`, { tenant: TENANT }),
    ),
  );
  results.push(
    await hear("halts", "a kill switch", (round) =>
      post(replica.url, token, "/v1/admin/kill-switch", {
        ...{ scope: "agent", value: `agent-${streams}-${round}`, reason: "bench", tenant: TENANT },
      }),
    ),
  );
  const before = usageOf(replica.process.pid);
  const startedMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const usedUs = usageOf(replica.process.pid).cpuUs - before.cpuUs;
  const idle_cpu = usedUs / 1_000 / (performance.now() - startedMs);
  const rss_mib = rssMibOf(replica.process.pid);
  for (const ear of ears) ear.close();
  return { results, idle_cpu, rss_mib };
}

/** A promotion: compiled before it is committed, so what counts is from the answer on as well. */
export async function measurePromotion(
  plane: Plane,
  { streams, rounds }: { streams: number; rounds: number },
): Promise<FanOutResult> {
  const { admin, replica } = plane;
  const credentials = await enrol(plane, Math.ceil(streams / STREAMS_PER_SIDECAR));
  const ears = await Promise.all(
    Array.from({ length: streams }, (_, n) =>
      openEar(replica.url, "/v1/sidecar/sync", credentials[n % credentials.length] ?? ""),
    ),
  );
  const drafts: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const rego_source = `package intentgate.policy\n\ndecision := {"allow": input.tool == "read_${streams}_${round}"}\n`;
    drafts.push((await admin.createDraft({ name: `bench ${round}`, rego_source, tenant: TENANT })).id);
  }
  const result = await measureRounds("a promotion, compiling included", ears, rounds, {
    change: (round) => admin.promote(drafts[round] ?? "", { tenant: TENANT }),
    cursorOf: (event) => readStateCursor(event)?.policy ?? 0,
  });
  for (const ear of ears) ear.close();
  return result;
}

async function measureBare(
  scope: TestScope,
  { streams, rounds }: { streams: number; rounds: number },
): Promise<FanOutResult> {
  const bare = await startProcess(scope, {
    ...onProcessor(1, process.execPath, [BARE]),
    ready: /^\{.*"msg":"listening".*\}$/m,
  });
  const url = new URL((JSON.parse(bare.match[0] ?? "{}") as { url: string }).url);
  const ears = await Promise.all(Array.from({ length: streams }, () => openEar(url, "/", "")));
  const result = await measureRounds("a bare server that writes as much to each stream", ears, rounds, {
    change: (round) => fetch(new URL("/tell", url), { method: "POST", body: String(round + 1) }),
    cursorOf: Number,
  });
  for (const ear of ears) ear.close();
  await bare.stop();
  return result;
}

async function measureRounds(
  title: string,
  ears: readonly Ear[],
  rounds: number,
  { change, cursorOf }: { change: (round: number) => Promise<unknown>; cursorOf: (id: string) => number },
): Promise<FanOutResult> {
  const heardMs: number[] = [];
  await Promise.all(ears.map((ear) => ear.until((id) => id !== "", HEARD_WITHIN_MS)));
  for (let round = 0; round < rounds; round += 1) {
    const startMs = performance.now();
    const hearing = ears.map(async (ear) => {
      const before = cursorOf(ear.last());
      heardMs.push((await ear.until((id) => cursorOf(id) > before, HEARD_WITHIN_MS)) - startMs);
    });
    await change(round);
    await Promise.all(hearing);
  }
  return {
    ...{ title, streams: ears.length, rounds },
    p50_ms: quantile(heardMs, 0.5),
    p99_ms: quantile(heardMs, 0.99),
    max_ms: Math.max(...heardMs),
  };
}

async function enrol({ admin }: Plane, count: number): Promise<readonly string[]> {
  const credentials: string[] = [];
  const add = async () => {
    while (credentials.length < count)
      credentials.push((await admin.addSidecar({ tenant: TENANT })).credential);
  };
  await Promise.all(Array.from({ length: 8 }, add));
  return credentials;
}

async function post(url: URL, token: string, path: string, body: object): Promise<void> {
  const answer = await fetch(new URL(path, url), {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  await answer.body?.cancel();
}
