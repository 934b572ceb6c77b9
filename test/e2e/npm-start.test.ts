// `npm start` as a user runs it: whatever becomes of npm, of the bootstrap under it or of the program under that, no process stays behind.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type RunningProcess, repositoryRoot, startProcess, temporaryDirectory } from "@postern/testkit";

const GONE_MS = 20_000;

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

function processes(): Process[] {
  const rows = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" }).trim().split("\n");
  return rows.map((row) => {
    const [, pid, parent, command = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(row) ?? [];
    return { pid: Number(pid), parent: Number(parent), command };
  });
}

/** The process and everything under it. */
function familyOf(pid: number): Process[] {
  const all = processes();
  const family = all.filter((one) => one.pid === pid);
  // A list that grows while it is walked is walked to its end.
  for (const { pid: parent } of family) family.push(...all.filter((one) => one.parent === parent));
  return family;
}

async function assertGone(family: readonly Process[]): Promise<void> {
  const deadlineMs = performance.now() + GONE_MS;
  const left = () => {
    const alive = processes();
    return family.filter((was) => alive.some((one) => one.pid === was.pid && one.command === was.command));
  };
  while (left().length > 0 && performance.now() < deadlineMs) await sleep(100);
  assert.deepEqual(left(), []);
}

const isInstalled = existsSync(join(repositoryRoot, "node_modules", ".postern-stamp"));
const skip = isInstalled ? false : "the packages were not installed by the bootstrap";

async function npmStart(t: TestContext, dataDir = temporaryDirectory(t)) {
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const started = await startProcess(t, {
    command: "npm",
    args: ["start", "--", "--json"],
    cwd: repositoryRoot,
    env: { ...env, POSTERN_DATA_DIR: dataDir, POSTERN_PORT: "0", POSTERN_SIDECAR_PORT: "0" },
    ready: /^\{.*"mcp_url".*\}$/m,
    timeoutMs: 120_000,
  });
  // A session, so that a tool server runs as well.
  const { mcp_url, capability_token } = JSON.parse(started.stdout());
  const answer = await fetch(mcp_url, {
    method: "POST",
    headers: {
      authorization: `Bearer ${capability_token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: {
        protocolVersion: "2025-11-25",
        capabilities: {},
        clientInfo: { name: "test", version: "1" },
      },
    }),
  });
  assert.equal(answer.status, 200);
  await answer.text();
  const family = familyOf(started.pid);
  const find = (pattern: RegExp) =>
    family.find(({ command }) => pattern.test(command))?.pid ?? assert.fail(String(pattern));
  const members = {
    bootstrap: find(/^\S*node \S*bootstrap\.mjs start/),
    start: find(/local\/start\.ts/),
    controlPlane: find(/control-plane\/src\/main\.ts/),
    sidecar: find(/sidecar\/src\/main\.ts/),
    toolServer: find(/server-everything/),
  };
  return { started, family, members, dataDir };
}
type Members = Awaited<ReturnType<typeof npmStart>>["members"];

const ENDS: [what: string, end: (started: RunningProcess, members: Members) => void][] = [
  ["SIGTERM to npm ends everything", (started) => started.signal("SIGTERM")],
  ["SIGINT to npm ends everything", (started) => started.signal("SIGINT")],
  ["npm killed outright leaves nothing behind", (started) => started.signal("SIGKILL")],
  [
    "the bootstrap killed outright leaves nothing behind",
    (_, { bootstrap }) => process.kill(bootstrap, "SIGKILL"),
  ],
  ["the starter killed outright leaves nothing behind", (_, { start }) => process.kill(start, "SIGKILL")],
];
for (const [what, end] of ENDS)
  test(what, { skip, timeout: 180_000 }, async (t) => {
    const { started, family, members } = await npmStart(t);
    end(started, members);
    await assertGone(family);
  });

test("a second start on the same data folder says who has it", { skip, timeout: 180_000 }, async (t) => {
  const { members, dataDir, started, family } = await npmStart(t);
  const before = readFileSync(join(dataDir, "connection.json"), "utf8");
  const second = await startProcess(t, {
    command: "npm",
    args: ["start"],
    cwd: repositoryRoot,
    env: { ...process.env, POSTERN_DATA_DIR: dataDir },
  });
  assert.equal((await second.exited).code, 1);
  assert.equal(
    second.stderr(),
    `Postern is already running with this data folder (process ${members.start}): ${dataDir}\n`,
  );
  assert.equal(readFileSync(join(dataDir, "connection.json"), "utf8"), before);
  started.signal("SIGTERM");
  await assertGone(family);
});
