// Calls of one kind in a closed loop, and what they took.
import { openHttpCaller } from "../http-caller.ts";
import { runClosedLoop } from "../load-loop.ts";
import { type Usage, usageOf } from "../machine.ts";

export interface Calls {
  readonly title: string;
  readonly url: URL;
  readonly token?: string;
  readonly method: "GET" | "POST" | "DELETE";
  /** Path and query of the n-th call. */
  readonly path: (n: number) => string;
  readonly body?: (n: number) => object;
  readonly status: number;
  readonly connections: number;
  readonly requests: number;
  readonly timeMs: number;
  /** The process that answers. */
  readonly pid: number;
}

export interface CallsResult {
  readonly title: string;
  readonly requests: number;
  readonly failed: number;
  readonly failure: string;
  readonly rps: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  /** Processor time of the answering process for each call. */
  readonly cpu_us: number;
}

export async function measureCalls(calls: Calls): Promise<CallsResult> {
  const { title, url, connections, requests, timeMs, pid } = calls;
  const callers = await Promise.all(Array.from({ length: connections }, () => openHttpCaller(url)));
  const load = { callers, requests, timeMs, nextRequest: requestsOf(calls), isRight: rightness(calls) };
  await runClosedLoop({ ...load, requests: connections * 4 });
  const before = usageOf(pid);
  const startedMs = performance.now();
  const { latenciesMs, failed, failure } = await runClosedLoop(load);
  const elapsedMs = performance.now() - startedMs;
  const after = usageOf(pid);
  for (const caller of callers) caller.close();
  return {
    ...{ title, requests: latenciesMs.length, failed, failure },
    rps: latenciesMs.length / (elapsedMs / 1_000),
    p50_ms: quantile(latenciesMs, 0.5),
    p99_ms: quantile(latenciesMs, 0.99),
    cpu_us: cpuUs(before, after) / latenciesMs.length,
  };
}

const cpuUs = (before: Usage, after: Usage) => after.cpuUs - before.cpuUs;

const rightness =
  ({ status }: Calls) =>
  (answer: { readonly status: number }) =>
    answer.status === status;

/** Raw HTTP, so that asking costs little beside answering. */
function requestsOf({ url, token, method, path, body }: Calls): () => string {
  let made = 0;
  const head = `host: ${url.host}\r\n${token === undefined ? "" : `authorization: Bearer ${token}\r\n`}`;
  return () => {
    made += 1;
    const text = body === undefined ? "" : JSON.stringify(body(made));
    const framing =
      body === undefined
        ? ""
        : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n`;
    return `${method} ${path(made)} HTTP/1.1\r\n${head}${framing}\r\n${text}`;
  };
}

export function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN;
}
