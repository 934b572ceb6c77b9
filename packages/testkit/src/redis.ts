// A real Redis server of the test's own, from PATH. Where there is none the test is skipped and says so.
import { spawnSync } from "node:child_process";
import type { TestContext } from "node:test";
import { temporaryDirectory } from "./files.ts";
import { freePort, type RunningProcess, startProcess } from "./process.ts";

export interface RedisAddress {
  readonly url: string;
  readonly port: number;
  readonly process: RunningProcess;
}

/** Starts redis-server without persistence; `args` go to its command line. Skips the test and returns undefined when there is no redis-server. */
export async function throwawayRedis(
  t: TestContext,
  args: readonly string[] = [],
): Promise<RedisAddress | undefined> {
  if (spawnSync("redis-server", ["--version"]).status !== 0) {
    t.skip("redis-server is not on PATH");
    return undefined;
  }
  const port = await freePort();
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const started = await startProcess(t, {
    command: "redis-server",
    args: [...settings, "--dir", temporaryDirectory(t), ...args],
    ready: /Ready to accept connections/,
  });
  return { url: `redis://127.0.0.1:${port}`, port, process: started };
}
