// One folder, one process: the embedded database is never opened twice, and a lock left by a dead process stands in nobody's way.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startProcess, temporaryDirectory } from "@postern/testkit";
import { lockDirectory } from "./lock.ts";

const LOCKED = { kind: "conflict", code: "database.locked" };

test("a lock is held until it is given back", (t) => {
  const path = join(temporaryDirectory(t), "db.lock");
  const lock = lockDirectory(path);
  assert.throws(() => lockDirectory(path), {
    ...LOCKED,
    message: new RegExp(`process ${process.pid} is using it`),
  });
  lock.release();
  lock.release();
  assert.equal(existsSync(path), false);
  lockDirectory(path).release();
});

test("the lock of a process that lives is never taken, that of one that was killed is", async (t) => {
  const path = join(temporaryDirectory(t), "db.lock");
  const script = `import { lockDirectory } from ${JSON.stringify(join(import.meta.dirname, "lock.ts"))};
    lockDirectory(${JSON.stringify(path)}); console.log("held"); setInterval(() => {}, 1000);`;
  const args = ["--input-type=module-typescript", "-e", script];
  const holder = await startProcess(t, { command: process.execPath, args, ready: /held/ });
  assert.throws(() => lockDirectory(path), {
    ...LOCKED,
    message: new RegExp(`process ${holder.pid} is using it`),
  });
  await holder.stop("SIGKILL");
  assert.ok(existsSync(path));
  lockDirectory(path).release();
});

test("a process id that was given to another process since does not hold the lock", (t) => {
  const path = join(temporaryDirectory(t), "db.lock");
  writeFileSync(path, JSON.stringify({ host: hostname(), pid: process.pid, started: "1" }));
  lockDirectory(path).release();
});

test("what cannot be judged is refused with a way out", (t) => {
  const cases = [
    JSON.stringify({ host: "elsewhere", pid: 1, started: "1" }),
    "",
    "{}",
    '{"host":1}',
    JSON.stringify({ host: hostname(), pid: -1, started: "" }),
  ];
  for (const content of cases) {
    const path = join(temporaryDirectory(t), "db.lock");
    writeFileSync(path, content);
    assert.throws(() => lockDirectory(path), { ...LOCKED, message: /delete the file/ });
    assert.equal(readFileSync(path, "utf8"), content);
  }
});

test("while one process replaces a stale lock no other one does", (t) => {
  const path = join(temporaryDirectory(t), "db.lock");
  writeFileSync(path, JSON.stringify({ host: hostname(), pid: process.pid, started: "1" }));
  writeFileSync(`${path}.replacing`, "");
  assert.throws(() => lockDirectory(path), { ...LOCKED, message: /taking it over/ });
});
