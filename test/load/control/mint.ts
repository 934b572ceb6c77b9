// Minting against the least that a durable answer can cost: a bare server that commits one row for each request.
import { fileURLToPath } from "node:url";
import { startProcess, type TestScope } from "@postern/testkit";
import { onProcessor } from "../machine.ts";
import { type CallsResult, measureCalls } from "./calls.ts";
import { type Plane, TENANT } from "./plane.ts";

const BARE = fileURLToPath(new URL("./bare-insert-server.ts", import.meta.url));

export interface MintPlan {
  readonly connections: readonly number[];
  readonly requests: number;
  readonly timeMs: number;
}

export async function measureMint(
  scope: TestScope,
  plane: Plane,
  { connections, requests, timeMs }: MintPlan,
): Promise<readonly CallsResult[]> {
  const bare = await startProcess(scope, {
    ...onProcessor(1, process.execPath, [BARE, plane.databaseUrl]),
    ready: /^\{.*"msg":"listening".*\}$/m,
  });
  const { url } = JSON.parse(bare.match[0] ?? "{}") as { url: string };
  const results: CallsResult[] = [];
  for (const count of connections) {
    const load = { method: "POST", status: 200, connections: count, requests, timeMs } as const;
    results.push(
      await measureCalls({
        ...load,
        title: `a bare server that commits one row, ${count} connections`,
        url: new URL(url),
        pid: bare.pid,
        path: () => "/",
        body: (n) => ({ n }),
      }),
      await measureCalls({
        ...load,
        title: `mint, ${count} connections`,
        url: plane.replica.url,
        token: plane.token,
        pid: plane.replica.process.pid,
        path: () => "/v1/admin/mint",
        body: (n) => ({
          subject: `agent-${n}`,
          tenant: TENANT,
          ttl_seconds: 600,
          tools: ["read_*"],
          max_calls: 5,
        }),
      }),
    );
  }
  await bare.stop();
  return results;
}
