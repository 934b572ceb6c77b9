// docs/quickstart.md is true: every "sh run" block is run as a newcomer would, after the "sh setup" block, against `npm start`'s own program.
// It must end with the exit code it names (0 by default), print the text shown under it, and leave nothing in the repository.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot, startProcess, temporaryDirectory } from "@postern/testkit";

interface Step {
  readonly line: number;
  readonly script: string;
  readonly exitCode: number;
  readonly expected: readonly string[];
}

function stepsOf(markdown: string): Step[] {
  const block = /^```sh run(?: exit=(\d+))?\n([\s\S]*?)^```\n(?:```text\n([\s\S]*?)^```$)?/gm;
  return [...markdown.matchAll(block)].map(({ index, 1: exit, 2: script = "", 3: text = "" }) => ({
    line: markdown.slice(0, index).split("\n").length,
    script,
    exitCode: Number(exit ?? 0),
    expected: text.split("\n").filter(Boolean),
  }));
}

test("every command of the quickstart does what the page says", { timeout: 300_000 }, async (t) => {
  const page = readFileSync(join(repositoryRoot, "docs", "quickstart.md"), "utf8");
  const steps = stepsOf(page);
  assert.ok(steps.length >= 9, "the page still has its steps");
  const dataDir = temporaryDirectory(t);
  const env = { ...process.env, POSTERN_DATA_DIR: dataDir, POSTERN_PORT: "0", POSTERN_SIDECAR_PORT: "0" };
  const started = await startProcess(t, {
    command: process.execPath,
    args: [join(repositoryRoot, "deploy", "local", "start.ts"), "--json"],
    env,
    ready: /^\{.*"mcp_url".*\}$/m,
    timeoutMs: 120_000,
  });
  assert.deepEqual(Object.keys(JSON.parse(started.stdout()) as object).sort(), [
    "admin_token",
    "admin_url",
    "capability_token",
    "data_dir",
    "mcp_url",
    "tenant",
    "tool_call_url",
  ]);

  const [, setup = ""] = /^```sh setup\n([\s\S]*?)^```$/m.exec(page) ?? [];
  assert.match(setup, /mktemp -d/);
  // Each block is a shell of its own, but the folder is one.
  const before = `mktemp() { echo '${temporaryDirectory(t)}'; }\n${setup}`;
  const untracked = filesBeside();
  for (const { line, script, exitCode, expected } of steps) {
    const done = spawnSync("bash", ["-c", before + script], {
      cwd: repositoryRoot,
      env,
      encoding: "utf8",
      timeout: 120_000,
    });
    const said = `quickstart.md:${line}\n${script}\n${done.stdout}\n${done.stderr}`;
    assert.equal(done.status, exitCode, said);
    for (const text of expected)
      assert.ok((done.stdout + done.stderr).includes(text), `"${text}" is missing\n${said}`);
  }

  assert.deepEqual(filesBeside(), untracked);

  const { code } = await started.stop("SIGTERM");
  assert.equal(code, 0, started.stderr());
});

function filesBeside(): string[] {
  return readdirSync(repositoryRoot).sort();
}
