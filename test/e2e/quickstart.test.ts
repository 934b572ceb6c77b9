// docs/quickstart.md is true: every "sh run" block is run as a newcomer would, against `npm start`'s own program, and must end with
// the exit code it names (0 by default) and print the text shown under it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
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
  const steps = stepsOf(readFileSync(join(repositoryRoot, "docs", "quickstart.md"), "utf8"));
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

  const folder = temporaryDirectory(t);
  // The page is read in the repository; here its files go elsewhere.
  const run = `npm() { command npm --prefix '${repositoryRoot}' "$@"; }\n`;
  for (const { line, script, exitCode, expected } of steps) {
    const done = spawnSync("bash", ["-c", run + script], {
      cwd: folder,
      env,
      encoding: "utf8",
      timeout: 120_000,
    });
    const said = `quickstart.md:${line}\n${script}\n${done.stdout}\n${done.stderr}`;
    assert.equal(done.status, exitCode, said);
    for (const text of expected)
      assert.ok((done.stdout + done.stderr).includes(text), `"${text}" is missing\n${said}`);
  }

  const { code } = await started.stop("SIGTERM");
  assert.equal(code, 0, started.stderr());
});
