// Whether memory stays flat: a sidecar of its own takes call after call, and is asked now and then what it holds once all garbage is gone.
import type { Line } from "./lines.ts";
import { pause, pin, resume, rssMibOf } from "./machine.ts";
import type { Lines } from "./start-lines.ts";
import { takeWindow } from "./window.ts";
import { PLAIN } from "./workload.ts";

export interface MemorySample {
  /** Calls made so far. */
  readonly calls: number;
  readonly failed: number;
  readonly rssMib: number;
  /** Live objects, and what lies outside the heap: both after a full collection. */
  readonly heapMib: number;
  readonly externalMib: number;
}

const SAMPLES = 10;
const PROBE = new URL("./memory-probe.ts", import.meta.url);

export async function watchMemory(
  { background, generator, sidecars }: Lines,
  calls: number,
  onProgress: (text: string) => void,
): Promise<readonly MemorySample[]> {
  resume(background);
  const { headers, process: running, urls } = await sidecars.start("memory", {}, PROBE);
  const { pid } = running;
  pin(pid, 1);
  const line: Line = { name: "on", urls, headers, pid, own: [pid, background] };
  const samples: MemorySample[] = [];
  let made = 0;
  let failed = 0;
  for (let n = 1; n <= SAMPLES; n += 1) {
    const requests = Math.ceil(calls / SAMPLES);
    const load = { shape: PLAIN, connections: 64, warmups: 0, requests, timeMs: 3_600_000 };
    const window = await takeWindow(generator, line, load);
    made += window.requests;
    failed += window.failed;
    const rssMib = rssMibOf(pid);
    running.signal("SIGCONT");
    running.signal("SIGUSR2");
    const [, heap, external] = await running.waitFor(
      new RegExp(`^bench memory ${n} heap ([\\d.]+) external ([\\d.]+)$`, "m"),
    );
    pause(pid);
    samples.push({ calls: made, failed, rssMib, heapMib: Number(heap), externalMib: Number(external) });
    onProgress(`memory: ${made} calls, RSS ${rssMib.toFixed(0)} MiB, live heap ${heap} MiB`);
  }
  return samples;
}
