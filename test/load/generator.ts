// The load generator, a process of its own: takes one window after the other as lines of JSON on stdin and answers each on stdout.
import { createInterface } from "node:readline";
import type { Answer } from "./answer-reader.ts";
import { type HttpCaller, openHttpCaller, requestsTo } from "./http-caller.ts";
import { type Load, runAtRate, runClosedLoop, type Tally } from "./load-loop.ts";
import { rssMibOf, usageOf, watchRss } from "./machine.ts";
import type { WindowRequest, WindowResult } from "./window.ts";
import { callBody, eraHeaders, INITIALIZE, INITIALIZED } from "./workload.ts";

type Requests = ReturnType<typeof requestsTo>;

/** One agent: its connection, and the session that it opened if its era has any. */
interface Agent {
  readonly caller: HttpCaller;
  readonly session: Readonly<Record<string, string>>;
}

const FLOOD_CONNECTIONS = 32;
let calls = 0;

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await measure(JSON.parse(line) as WindowRequest)));
}

async function measure(request: WindowRequest): Promise<WindowResult> {
  const url = new URL(request.url);
  const requests = requestsTo(url, request.headers);
  const agents = await Promise.all(
    Array.from({ length: request.connections }, () => openAgent(url, requests, request)),
  );
  const load = loadOf(agents, requests, request);
  const run = (most: number) => {
    const bounded = { ...load, requests: most };
    return request.ratePerS === undefined ? runClosedLoop(bounded) : runAtRate(bounded, request.ratePerS);
  };
  // What the first calls take up is part of what a load takes up.
  const rssMib = rssMibOf(request.pid);
  const rss = watchRss(request.pid);
  await runClosedLoop({ ...load, requests: request.warmups });
  const flood = openFlood(url, request);
  const before = usageOf(request.pid);
  const startedMs = performance.now();
  const tally = await run(request.requests);
  const elapsedMs = performance.now() - startedMs;
  const after = usageOf(request.pid);
  const rssPeakMib = rss.stop();
  const flooded = await flood();
  await Promise.all(agents.map((agent) => closeAgent(agent, requests)));
  const made = tally.latenciesMs.length;
  const cpuUs = (after.cpuUs - before.cpuUs) / made;
  return {
    window: request.window,
    requests: made,
    failed: tally.failed,
    failure: tally.failure,
    rps: made / (elapsedMs / 1000),
    p50Ms: quantile(tally.latenciesMs, 0.5),
    p99Ms: quantile(tally.latenciesMs, 0.99),
    firstByteP50Ms: quantile(tally.firstBytesMs, 0.5),
    flooded,
    cpuUs,
    mainCpuUs: (after.mainCpuUs - before.mainCpuUs) / made,
    busy: (cpuUs * made) / (elapsedMs * 1000),
    rssMib,
    rssPeakMib,
  };
}

function loadOf(
  agents: readonly Agent[],
  requests: Requests,
  { expected, shape, timeMs }: WindowRequest,
): Load {
  // Of a long answer only the end is kept, and this stands at the end of each of the tool server's.
  const wanted = expected === "error" ? '"error"' : '"resultType":"complete"';
  return {
    callers: agents.map(({ caller }) => caller),
    nextRequest(caller) {
      calls += 1;
      const headers = { ...eraHeaders(calls, shape), ...agents[caller]?.session };
      return requests("POST", headers, callBody(calls, shape));
    },
    isRight: ({ status, body }: Answer) => status === 200 && body.includes(wanted),
    requests: 0,
    timeMs,
  };
}

async function openAgent(url: URL, requests: Requests, { shape }: WindowRequest): Promise<Agent> {
  const caller = await openHttpCaller(url);
  if (shape.door !== "legacy") return { caller, session: {} };
  const headers = eraHeaders(0, shape);
  const { head } = await caller.call(requests("POST", headers, INITIALIZE));
  const id = /\r\nmcp-session-id: *(\S+)/i.exec(head)?.[1];
  if (id === undefined) throw new Error(`initialize gave no session: ${head}`);
  const session = { "mcp-session-id": id };
  await caller.call(requests("POST", { ...headers, ...session }, INITIALIZED));
  return { caller, session };
}

async function closeAgent({ caller, session }: Agent, requests: Requests): Promise<void> {
  if ("mcp-session-id" in session) await caller.call(requests("DELETE", session, ""));
  caller.close();
}

/** Calls with tokens whose signature is wrong, no two alike, until the result is called: that tells how many were answered. */
function openFlood(url: URL, { flood, shape }: WindowRequest): () => Promise<number> {
  if (flood === undefined) return async () => 0;
  let isOver = false;
  const run = async (): Promise<Tally> => {
    const callers = await Promise.all(Array.from({ length: FLOOD_CONNECTIONS }, () => openHttpCaller(url)));
    const requests = requestsTo(url, {});
    const load: Load = {
      callers,
      nextRequest() {
        calls += 1;
        const authorization = `Bearer ${spoilt(flood.token, calls)}`;
        return requests("POST", { authorization, ...eraHeaders(calls, shape) }, callBody(calls, shape));
      },
      isRight: ({ body }) => !body.includes('"result"'),
      requests: 0,
      timeMs: 250,
    };
    const all: Tally = { latenciesMs: [], firstBytesMs: [], failed: 0, failure: "" };
    while (!isOver) {
      const { latenciesMs } = await runAtRate({ ...load, requests: flood.ratePerS }, flood.ratePerS);
      for (const latencyMs of latenciesMs) all.latenciesMs.push(latencyMs);
    }
    for (const caller of callers) caller.close();
    return all;
  };
  const running = run();
  return async () => {
    isOver = true;
    return (await running).latenciesMs.length;
  };
}

/** Within the signature: the last 86 characters before the footer of `v4.public.<body and signature>.<footer>`. */
function spoilt(token: string, n: number): string {
  const at = token.indexOf(".", "v4.public.".length) - 60;
  const mark = n.toString(36).padStart(8, "0");
  return token.slice(0, at) + mark + token.slice(at + mark.length);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
