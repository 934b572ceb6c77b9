import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { repositoryRoot, startProcess, temporaryDirectory } from "../../packages/testkit/src/index.ts";

const BOOTSTRAP = join(import.meta.dirname, "bootstrap.mjs");

/** Runs the bootstrap on packages that are installed already, with a cache of its own. */
async function bootstrap(t: TestContext, args: readonly string[], env: Record<string, string> = {}) {
  const cache = temporaryDirectory(t);
  return startProcess(t, {
    command: process.execPath,
    args: [BOOTSTRAP, ...args],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, XDG_CACHE_HOME: cache, ...env },
  });
}

function isInstalledByBootstrap(t: TestContext): boolean {
  const isInstalled = existsSync(join(repositoryRoot, "node_modules", ".postern-stamp"));
  if (!isInstalled) t.skip("the packages were not installed by the bootstrap");
  return isInstalled;
}

test("an unknown command is refused with the list of commands, on stderr", async (t) => {
  const started = await bootstrap(t, ["constructor"]);
  assert.deepEqual(await started.exited, { code: 1, signal: null });
  assert.match(started.stderr(), /start\|test\|check\|bench\|postern/);
  assert.equal(started.stdout(), "");
});

test("a named opa that is too old is refused before anything starts", async (t) => {
  if (!isInstalledByBootstrap(t)) return;
  const opa = join(temporaryDirectory(t), "opa");
  writeFileSync(opa, "#!/bin/sh\necho 'Version: 1.9.30'\n", { mode: 0o755 });
  const started = await bootstrap(t, ["start"], { OPA_BIN: opa });
  assert.deepEqual(await started.exited, { code: 1, signal: null });
  assert.match(started.stderr(), /not an opa of version/);
  assert.equal(started.stdout(), "");
});

test("without opa and without Go the way out is told", async (t) => {
  if (!isInstalledByBootstrap(t)) return;
  const started = await bootstrap(t, ["start"], { PATH: temporaryDirectory(t), OPA_BIN: "" });
  assert.equal((await started.exited).code, 1);
  assert.match(started.stderr(), /Install either/);
});

test("arguments reach the program, its exit code comes back, and a warm start says nothing", async (t) => {
  if (!isInstalledByBootstrap(t)) return;
  const started = await bootstrap(t, ["postern", "no-such-command"]);
  assert.notEqual((await started.exited).code, 0);
  assert.doesNotMatch(started.stderr(), /^postern: .*\(\d+\.\d s\)$/m);
});
