import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import postgres from "postgres";
import {
  defer,
  fixedClock,
  freePort,
  golden,
  repositoryRoot,
  sequentialIds,
  startProcess,
  temporaryDirectory,
  throwawayPostgres,
  throwawayRedis,
  vectors,
} from "./index.ts";

test("a fixed clock moves only when told, and its wall can be set back alone", () => {
  const clock = fixedClock(5_000);
  const before = clock.monotonicMs();
  clock.advance(10);
  clock.stepWall(-1_000);
  assert.equal(clock.nowMs(), 4_010);
  assert.equal(clock.monotonicMs() - before, 10);
});

test("sequential ids count from one", () => {
  const newId = sequentialIds("call");
  assert.deepEqual([newId(), newId()], ["call-1", "call-2"]);
});

test("deferred hooks run in reverse order, and a failing one does not stop the others", async () => {
  const ran: string[] = [];
  const hooks: (() => Promise<void> | void)[] = [];
  const scope = { after: (hook: () => Promise<void> | void) => void hooks.push(hook) };
  defer(scope, () => void ran.push("first"));
  defer(scope, () => {
    throw new Error("second");
  });
  defer(scope, () => void ran.push("third"));
  assert.equal(hooks.length, 1);
  await assert.rejects(async () => hooks[0]?.(), AggregateError);
  assert.deepEqual(ran, ["third", "first"]);
});

test("a temporary folder is gone after its test", async (t) => {
  let folder = "";
  await t.test("inside", (inner) => {
    folder = temporaryDirectory(inner);
    writeFileSync(join(folder, "file"), "text");
  });
  assert.equal(existsSync(folder), false);
});

test("vectors are found beside the repository or not at all", () => {
  assert.ok(existsSync(join(repositoryRoot, "pnpm-workspace.yaml")));
  assert.equal(vectors("no-such-vectors"), undefined);
});

test("a golden file must exist and be equal", (t) => {
  const file = join(temporaryDirectory(t), "it.golden.txt");
  assert.throws(() => golden(file, "text"), /does not exist/);
  writeFileSync(file, "text");
  golden(file, "text");
  assert.throws(() => golden(file, "other"), /differs from/);
});

test("a started process is awaited by what it prints and ended with its test", async (t) => {
  let pid = 0;
  await t.test("inside", async (inner) => {
    const started = await startProcess(inner, {
      command: process.execPath,
      args: [
        "-e",
        `console.log("at http://127.0.0.1:1234"); process.stdin.on("data", (d) => console.log("got " + d))`,
      ],
      ready: /at (http:\S+)/,
    });
    pid = started.pid;
    assert.equal(started.match[1], "http://127.0.0.1:1234");
    started.write("bread");
    await started.waitFor(/got bread/);
  });
  assert.throws(() => process.kill(pid, 0), /ESRCH/);
});

test("a process that ends too early fails the start with what it said", async (t) => {
  const options = { command: process.execPath, args: ["-e", "console.error('no luck'); process.exit(3)"] };
  await assert.rejects(startProcess(t, { ...options, ready: /up/ }), /ended \(3\)[\s\S]*no luck/);
  await assert.rejects(startProcess(t, { command: "/nonexistent/command" }), /ENOENT/);
});

test("a stopped process tells how it ended", async (t) => {
  const args = [
    "-e",
    "process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000); console.log('up')",
  ];
  const started = await startProcess(t, { command: process.execPath, args, ready: /up/ });
  assert.deepEqual(await started.stop(), { code: 7, signal: null });
});

test("a free port can be listened on", async () => {
  assert.ok((await freePort()) > 1023);
});

test("each throwaway database is empty, real and its own", async (t) => {
  const [first, second] = [await throwawayPostgres(t), await throwawayPostgres(t)];
  if (first === undefined || second === undefined) return;
  assert.notEqual(first.url, second.url);
  const sql = postgres(first.url, { max: 1 });
  defer(t, () => sql.end());
  await sql`CREATE TABLE only_here (id int)`;
  const [row] = await sql`SELECT current_setting('server_version_num')::int AS version`;
  assert.ok(row?.version >= 170_000);
});

test("a throwaway Redis answers", async (t) => {
  const redis = await throwawayRedis(t);
  if (redis === undefined) return;
  assert.match(redis.url, /^redis:/);
  assert.equal((await redis.process.stop()).code, 0);
});
