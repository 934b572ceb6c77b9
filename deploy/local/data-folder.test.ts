import assert from "node:assert/strict";
import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "../../packages/testkit/src/index.ts";
import { takeDataFolder } from "./data-folder.ts";

test("a data folder that is in use is refused, naming the process, and is free again after that", (t) => {
  const folder = join(temporaryDirectory(t), "data");
  const { release } = takeDataFolder(folder);
  assert.throws(() => takeDataFolder(folder), {
    code: "start.running",
    message: `Postern is already running with this data folder (process ${process.pid}): ${folder}`,
  });
  release();
  takeDataFolder(folder).release();
  assert.ok(!existsSync(join(folder, "start.lock")));
});

test("what a killed start left behind keeps nobody out", (t) => {
  const folder = temporaryDirectory(t);
  // This very pid, but of a process that started at another time.
  const gone = { host: hostname(), pid: process.pid, started: "another time" };
  writeFileSync(join(folder, "start.lock"), JSON.stringify(gone));
  takeDataFolder(folder).release();
});

test("a data folder that cannot be written to is told in a sentence", (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, "file");
  writeFileSync(file, "");
  const refused = {
    code: "start.data_folder",
    message: /^Postern cannot write to the data folder .*POSTERN_DATA_DIR/,
  };
  assert.throws(() => takeDataFolder(join(file, "data")), refused);
  if (process.getuid?.() === 0) return;
  chmodSync(directory, 0o500);
  assert.throws(() => takeDataFolder(join(directory, "data")), refused);
  assert.throws(() => takeDataFolder(directory), refused);
});
