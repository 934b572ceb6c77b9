// Secrets in files: as people and Kubernetes lay them out, and every way out of the folder.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type TestScope, temporaryDirectory } from "@postern/testkit";
import { faultOf } from "../upstream.fixture.ts";
import { readSecretFile } from "./file-secrets.ts";

function layOut(t: TestScope) {
  const outer = temporaryDirectory(t);
  const folder = join(outer, "secrets");
  mkdirSync(folder);
  writeFileSync(join(outer, "outside"), "hunter2");
  return { outer, folder, put: (name: string, text: string) => writeFileSync(join(folder, name), text) };
}

test("a file holds its secret, without the line end after it", async (t) => {
  const { folder, put } = layOut(t);
  for (const text of ["hunter2", "hunter2\n", "hunter2\r\n"]) {
    put("crm", text);
    assert.equal((await readSecretFile(folder, "crm")).reveal(), "hunter2");
  }
});

test("links within the folder are followed, as Kubernetes mounts secrets, also when they are turned", async (t) => {
  const { folder } = layOut(t);
  const turn = (version: string, value: string) => {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, "crm"), value);
    rmSync(join(folder, "..data"), { force: true });
    symlinkSync(version, join(folder, "..data"));
  };
  turn("..2026_01", "first");
  symlinkSync(join("..data", "crm"), join(folder, "crm"));
  assert.equal((await readSecretFile(folder, "crm")).reveal(), "first");
  turn("..2026_02", "second");
  assert.equal((await readSecretFile(folder, "crm")).reveal(), "second");
});

test("nothing outside the folder is read, however it is named or linked", async (t) => {
  const { outer, folder } = layOut(t);
  symlinkSync(join(outer, "outside"), join(folder, "link"));
  symlinkSync("../outside", join(folder, "relative"));
  symlinkSync(outer, join(folder, "up"));
  mkdirSync(join(outer, "secrets-of-others"));
  writeFileSync(join(outer, "secrets-of-others", "crm"), "hunter2");
  symlinkSync("../secrets-of-others/crm", join(folder, "neighbour"));
  const names = [
    "link",
    "relative",
    "up",
    "neighbour",
    "../outside",
    "up/outside",
    "..",
    ".",
    "",
    "/etc/hostname",
    "a\u0000b",
  ];
  for (const name of names) {
    const fault = await faultOf(readSecretFile(folder, name));
    assert.deepEqual([fault.kind, fault.code], ["not_found", "upstream.secret"], name);
    assert.doesNotMatch(fault.message, /hunter2/);
  }
});

test("what is no secret is none, and is not repeated", async (t) => {
  const { folder, put } = layOut(t);
  mkdirSync(join(folder, "folder"));
  execFileSync("sh", ["-c", 'mkfifo "$0"', join(folder, "pipe")]);
  put("empty", "\n");
  put("lines", "hunter2\nX-Injected: hunter2");
  put("blank", " hunter2");
  put("umlaut", "hünter2");
  put("large", "hunter2".repeat(10_000));
  put("long", "hunter2".repeat(3_000));
  for (const name of ["folder", "pipe", "empty", "lines", "blank", "umlaut", "large", "long", "absent"]) {
    const fault = await faultOf(readSecretFile(folder, name));
    assert.equal(fault.kind, "not_found", name);
    assert.doesNotMatch(`${fault.message}${fault.detail ?? ""}`, /h[uü]nter2/);
  }
});
