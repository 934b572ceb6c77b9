// What the way to the tool server and back costs this process: its processor time, since most of the time it only waits.
import type { TestScope } from "@postern/testkit";
import { pin } from "./machine.ts";
import { createHttpUpstream } from "./sidecar-parts.ts";
import type { OwnTime, StageParts } from "./stage.ts";
import { startServer, TOOL_SERVER } from "./start-lines.ts";
import { callBody } from "./workload.ts";

const AT_ONCE = 64;
const HEADERS = new Map([
  ["accept", "application/json, text/event-stream"],
  ["mcp-protocol-version", "2025-11-25"],
]);

export async function forwardStages(scope: TestScope): Promise<StageParts> {
  const server = await startServer(scope, TOOL_SERVER, {});
  pin(server.pid, 0);
  const upstream = createHttpUpstream({ name: "default", url: server.url });
  const { signal } = new AbortController();
  let calls = 0;
  const forward = async () => {
    calls += 1;
    const body = Buffer.from(callBody(calls));
    const answer = await upstream.forward({ method: "POST", headers: HEADERS, body }, signal);
    if (answer.body.whole === undefined) throw new Error("the tool server's answers come whole");
  };
  const run = async (): Promise<OwnTime> => {
    const before = process.cpuUsage();
    await Promise.all(Array.from({ length: AT_ONCE }, forward));
    const { system, user } = process.cpuUsage(before);
    return { tookMs: (system + user) / 1_000 };
  };
  return {
    stages: [{ stage: "forward", title: `forward, ${AT_ONCE} at once, CPU`, run, callsPerRun: AT_ONCE }],
    close: () => upstream.close(),
  };
}
