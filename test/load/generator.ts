// The load generator, a process of its own: takes one window after the other as lines of JSON on stdin and answers each on stdout. The loop
// is closed: each connection has one call under way, and makes the next as soon as it is answered.
import { createInterface } from "node:readline";
import { type HttpCaller, openHttpCaller, postOf } from "./http-caller.ts";
import { usageOf } from "./machine.ts";
import { callBody } from "./workload.ts";

/** One line under one number of connections. */
export interface WindowRequest {
  readonly window: number;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The server whose processor time is counted. */
  readonly pid: number;
  readonly connections: number;
  /** Calls made before anything is counted. */
  readonly warmups: number;
  /** The window ends after this many calls or this time, whichever comes first. */
  readonly requests: number;
  readonly timeMs: number;
}

export interface WindowResult {
  readonly window: number;
  readonly requests: number;
  readonly failed: number;
  /** What the first failed call was answered. */
  readonly failure: string;
  readonly rps: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the server; NaN (null in JSON) where the system does not tell. */
  readonly cpuUs: number;
  /** Share of one processor that the server had. */
  readonly busy: number;
  readonly rssMib: number;
}

interface Tally {
  readonly latenciesMs: number[];
  failed: number;
  failure: string;
}

let calls = 0;

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await measure(JSON.parse(line) as WindowRequest)));
}

async function measure(request: WindowRequest): Promise<WindowResult> {
  const url = new URL(request.url);
  const post = postOf(url, request.headers);
  const callers = await Promise.all(Array.from({ length: request.connections }, () => openHttpCaller(url)));
  await run(callers, post, request.warmups, request.timeMs);
  const before = usageOf(request.pid);
  const startedMs = performance.now();
  const { latenciesMs, failed, failure } = await run(callers, post, request.requests, request.timeMs);
  const elapsedMs = performance.now() - startedMs;
  const after = usageOf(request.pid);
  for (const caller of callers) caller.close();
  const made = latenciesMs.length;
  const sorted = Float64Array.from(latenciesMs).sort();
  const cpuUs = (after.cpuUs - before.cpuUs) / made;
  return {
    window: request.window,
    requests: made,
    failed,
    failure,
    rps: made / (elapsedMs / 1000),
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    cpuUs,
    busy: (cpuUs * made) / (elapsedMs * 1000),
    rssMib: after.rssMib,
  };
}

async function run(
  callers: readonly HttpCaller[],
  post: (body: string) => string,
  requests: number,
  timeMs: number,
): Promise<Tally> {
  const tally: Tally = { latenciesMs: [], failed: 0, failure: "" };
  const endMs = performance.now() + timeMs;
  let left = requests;
  const loop = async (caller: HttpCaller) => {
    while (left > 0 && performance.now() < endMs) {
      left -= 1;
      calls += 1;
      const sentMs = performance.now();
      const { status, body } = await caller.call(post(callBody(calls)));
      tally.latenciesMs.push(performance.now() - sentMs);
      if (status === 200 && body.includes('"result"')) continue;
      tally.failed += 1;
      tally.failure ||= `HTTP ${status} ${body}`;
    }
  };
  await Promise.all(callers.map(loop));
  return tally;
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
