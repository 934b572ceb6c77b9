import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "@postern/testkit";
import { lockDirectory } from "./lock.ts";

const locked = { kind: "conflict", code: "audit.spool_locked" };
const locksIn = (directory: string) => readdirSync(directory).filter((name) => name.startsWith("lock."));

test("a directory that is open is refused to a second opener, and free once it is released", (t) => {
  const directory = temporaryDirectory(t);
  const lock = lockDirectory(directory);
  assert.throws(() => lockDirectory(directory), locked);
  lock.release();
  assert.deepEqual(locksIn(directory), []);
  lockDirectory(directory).release();
});

test("the lock of a live process is never taken, and that of a killed one is", async (t) => {
  const directory = temporaryDirectory(t);
  const module = new URL("./lock.ts", import.meta.url).href;
  const script = `import { lockDirectory } from ${JSON.stringify(module)};
    lockDirectory(${JSON.stringify(directory)}); console.log("locked"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  assert.throws(() => lockDirectory(directory), locked);
  child.kill("SIGSTOP");
  assert.throws(() => lockDirectory(directory), locked);
  assert.equal(locksIn(directory).length, 1);
  child.kill("SIGKILL");
  await once(child, "exit");
  lockDirectory(directory).release();
});

test("a lock left by a process whose pid was given to another one is stale", (t) => {
  const directory = temporaryDirectory(t);
  const held = lockDirectory(directory);
  const [name = ""] = locksIn(directory);
  held.release();
  const [, pid, startTime, boot] = name.split(".");
  if (startTime === "0") return t.skip("the machine does not tell when a process started");
  for (const stale of [
    `lock.${pid}.1.${boot}`,
    `lock.${pid}.${startTime}.anotherboot`,
    `lock.4194304.1.${boot}`,
  ]) {
    writeFileSync(join(directory, stale), "");
    const lock = lockDirectory(directory);
    assert.deepEqual(locksIn(directory), [name]);
    lock.release();
  }
  const parent = readFileSync(`/proc/${process.ppid}/stat`, "utf8").split(") ")[1]?.split(" ")[19];
  writeFileSync(join(directory, `lock.${process.ppid}.${parent}.${boot}`), "");
  assert.throws(() => lockDirectory(directory), locked);
});

test("a process that has ended and was never reaped holds no lock", async (t) => {
  const directory = temporaryDirectory(t);
  const held = lockDirectory(directory);
  const [name = ""] = locksIn(directory);
  held.release();
  if (name.includes(".0.")) return t.skip("the machine does not tell when a process started");
  // The shell starts a child and becomes a program that never asks for its end; only then is the child let go.
  const script = "exec 3<&0; cat <&3 & echo $!; exec sleep 60";
  const parent = spawn("sh", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => parent.kill("SIGKILL"));
  const [pidText] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = pidText.toString().trim();
  const commandOf = (id: number | undefined) => readFileSync(`/proc/${id}/comm`, "utf8").trim();
  while (commandOf(parent.pid) !== "sleep") await new Promise(setImmediate);
  parent.stdin.end();
  const fields = () => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  while (fields()[0] !== "Z") await new Promise(setImmediate);
  writeFileSync(join(directory, `lock.${pid}.${fields()[19]}.${name.split(".")[3]}`), "");
  lockDirectory(directory).release();
});

test("a directory in which no lock can be written is trouble, not a free directory", (t) => {
  const nowhere = join(temporaryDirectory(t), "absent");
  assert.throws(() => lockDirectory(nowhere), { kind: "unavailable", code: "audit.spool_failed" });
});
