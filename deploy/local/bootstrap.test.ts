import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { startProcess, temporaryDirectory } from "../../packages/testkit/src/index.ts";

const NOTHING_FETCHED = /fetched|installed|built/;

interface Ground {
  readonly root: string;
  /** Where the bootstrap keeps what it fetched. */
  readonly cache: string;
  /** The only folder on PATH. */
  readonly path: string;
}

/**
 * A tree with the bootstrap and programs that print what they were given. Unless it is bare, its packages count as installed; whatever the
 * bootstrap wants to fetch would fail, for there is no npm.
 */
function ground(t: TestContext, { isBare = false } = {}): Ground {
  const [root, cache, path] = [temporaryDirectory(t), temporaryDirectory(t), temporaryDirectory(t)];
  const put = (file: string, text: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  for (const file of globSync("*.{mjs,txt}", { cwd: import.meta.dirname })) {
    put(join("deploy/local", file), "");
    copyFileSync(join(import.meta.dirname, file), join(root, "deploy/local", file));
  }
  const tell =
    "console.log(JSON.stringify({ args: process.argv.slice(2), opa: process.env.OPA_BIN ?? null }));";
  put("deploy/local/start.ts", tell);
  put("deploy/local/end-with-parent.ts", "process.channel?.unref();");
  put("apps/ctl/src/main.ts", `${tell} process.exitCode = 7;`);
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml"]) put(file, file);
  if (isBare) return { root, cache, path };
  const stamp = createHash("sha256").update("pnpm-lock.yamlpnpm-workspace.yaml");
  put("node_modules/.postern-stamp", stamp.update(`${process.platform}-${process.arch}`).digest("hex"));
  mkdirSync(join(root, "node_modules", ".bin"));
  symlinkSync(process.execPath, join(root, "node_modules", ".bin", "node"));
  return { root, cache, path };
}

async function bootstrap(
  t: TestContext,
  { root, cache, path }: Ground,
  args: readonly string[],
  env: Record<string, string> = {},
) {
  const command = process.execPath;
  const started = await startProcess(t, {
    command,
    args: [join(root, "deploy", "local", "bootstrap.mjs"), ...args],
    env: { HOME: cache, XDG_CACHE_HOME: cache, PATH: path, ...env },
  });
  return { ...(await started.exited), stdout: started.stdout(), stderr: started.stderr() };
}

function executable(file: string, text: string): void {
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

test("an unknown command is refused with the list of commands, on stderr", async (t) => {
  const { code, stdout, stderr } = await bootstrap(t, ground(t, { isBare: true }), ["constructor"]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /start\|test\|check\|bench\|conformance\|bundle\|postern/);
});

test("the help of a start, and a flag that it does not know, need nothing at all", async (t) => {
  const bare = ground(t, { isBare: true });
  for (const flag of ["--help", "-h"]) {
    const { code, stdout } = await bootstrap(t, bare, ["start", flag]);
    assert.equal(code, 0);
    assert.match(stdout, /^npm start .*POSTERN_DATA_DIR/s);
  }
  for (const args of [["--jsno"], ["--json", "extra"]]) {
    const { code, stdout, stderr } = await bootstrap(t, bare, ["start", ...args]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, new RegExp(`takes no "${args.at(-1)}"; try npm start -- --help`));
  }
});

test("without opa and without Go the way out is told before anything is fetched, and last", async (t) => {
  const bare = ground(t, { isBare: true });
  const { code, stderr } = await bootstrap(t, bare, ["start"]);
  assert.equal(code, 1);
  assert.match(stderr, /^postern: opa .* is missing, and so is Go\. Install either: .*\n$/);
  assert.deepEqual(readdirSync(bare.cache), []);
});

test("a Go that cannot build opa is told before anything is fetched", async (t) => {
  const bare = ground(t, { isBare: true });
  const cases = [
    { GOVERSION: "go1.20.1", GOTOOLCHAIN: "", canBuild: false },
    { GOVERSION: "go1.25.3", GOTOOLCHAIN: "local", canBuild: false },
    { GOVERSION: "go1.25.3", GOTOOLCHAIN: "auto", canBuild: true },
    { GOVERSION: "go1.26.0", GOTOOLCHAIN: "local", canBuild: true },
  ];
  for (const { canBuild, ...settings } of cases) {
    executable(
      join(bare.path, "go"),
      `#!${process.execPath}\nconsole.log(${JSON.stringify(JSON.stringify(settings))});\n`,
    );
    const { code, stderr } = await bootstrap(t, bare, ["start"]);
    assert.equal(code, 1);
    assert.equal(/\(go1[.\d]+ cannot\)/.test(stderr), !canBuild, stderr);
  }
});

test("a named opa that is too old is refused before anything starts", async (t) => {
  const here = ground(t, { isBare: true });
  const opa = join(here.path, "old-opa");
  executable(opa, "#!/bin/sh\necho 'Version: 1.9.30'\n");
  const { code, stdout, stderr } = await bootstrap(t, here, ["start"], { OPA_BIN: opa });
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /not an opa of version/);
});

/** A Go that builds an opa at once, and writes down with which caches and arguments. */
function fakeGo(here: Ground, caches: { GOMODCACHE: string; GOCACHE: string }): () => Record<string, string> {
  const told = join(here.root, "go.json");
  executable(
    join(here.path, "go"),
    `#!${process.execPath}
const { mkdirSync, writeFileSync } = require("node:fs");
if (process.argv[2] === "env") console.log(${JSON.stringify(JSON.stringify({ GOVERSION: "go1.26.1", GOTOOLCHAIN: "local", ...caches }))});
else {
  const { GOMODCACHE = "", GOCACHE = "", GOBIN } = process.env;
  for (const folder of [GOMODCACHE, GOCACHE]) if (folder !== "") mkdirSync(folder, { recursive: true });
  writeFileSync(GOBIN + "/opa", "");
  writeFileSync(${JSON.stringify(told)}, JSON.stringify({ GOMODCACHE, GOCACHE, args: process.argv.slice(2).join(" ") }));
}
`,
  );
  return () => JSON.parse(readFileSync(told, "utf8")) as Record<string, string>;
}

test("opa is built with Go's own caches where they are, and otherwise in caches that are removed again", async (t) => {
  const warm = ground(t);
  const caches = { GOMODCACHE: join(warm.root, "mod"), GOCACHE: join(warm.root, "build") };
  for (const folder of Object.values(caches)) mkdirSync(folder);
  const toldWarm = fakeGo(warm, caches);
  const built = await bootstrap(t, warm, ["start", "--json"]);
  assert.equal(built.code, 0, built.stderr);
  assert.match(built.stderr, /on PATH makes it seconds/);
  const { args, opa } = JSON.parse(built.stdout);
  assert.deepEqual(args, ["--json"]);
  assert.equal(opa, join(warm.cache, "postern", "opa", "1.21.3", "opa"));
  assert.deepEqual([toldWarm().GOMODCACHE, toldWarm().GOCACHE], ["", ""]);
  assert.doesNotMatch(toldWarm().args ?? "", /modcacherw/);

  const cold = ground(t);
  const toldCold = fakeGo(cold, { GOMODCACHE: join(cold.root, "mod"), GOCACHE: join(cold.root, "build") });
  assert.equal((await bootstrap(t, cold, ["start"])).code, 0);
  for (const name of ["GOMODCACHE", "GOCACHE"])
    assert.ok(toldCold()[name]?.startsWith(join(cold.cache, "postern")));
  assert.match(toldCold().args ?? "", /-modcacherw/);
  assert.deepEqual(readdirSync(join(cold.cache, "postern", "opa", "1.21.3")), ["opa"]);
  assert.ok(!readdirSync(cold.root).some((name) => name === "mod" || name === "build"));

  // The next start asks for neither opa nor Go.
  executable(join(cold.path, "go"), "#!/bin/sh\nexit 1\n");
  const again = await bootstrap(t, cold, ["start"]);
  assert.equal(again.code, 0, again.stderr);
  assert.doesNotMatch(again.stderr, NOTHING_FETCHED);
});

test("arguments reach the program, its exit code comes back, and a warm start says nothing", async (t) => {
  const { code, stdout, stderr } = await bootstrap(t, ground(t), ["postern", "tenants", "--json"]);
  assert.deepEqual([code, stderr], [7, ""]);
  assert.deepEqual(JSON.parse(stdout).args, ["tenants", "--json"]);
});

test("only the policy commands of the command line need opa, and their help does not", async (t) => {
  const here = ground(t);
  for (const args of [["--version"], ["mint", "--help"], ["policy", "check", "--help"]])
    assert.equal((await bootstrap(t, here, ["postern", ...args])).code, 7);
  const { code, stderr } = await bootstrap(t, here, ["postern", "policy", "check", "x.rego"]);
  assert.equal(code, 1);
  assert.match(stderr, /opa .* is missing/);
});

test("a step that takes long says so now and then, with the time that has passed", async (t) => {
  const steps = new URL("./steps.mjs", import.meta.url).href;
  const wait = "setTimeout(() => {}, 400)";
  const script = `const { step } = await import(${JSON.stringify(steps)});
    await step("done", process.execPath, ["-e", ${JSON.stringify(wait)}], { patience: { text: "still at it", everyMs: 50 } });`;
  const started = await startProcess(t, {
    command: process.execPath,
    args: ["--input-type=module", "-e", script],
  });
  assert.equal((await started.exited).code, 0);
  assert.ok((started.stderr().match(/^postern: still at it \(\d+ s so far\)$/gm) ?? []).length >= 2);
  assert.match(started.stderr(), /postern: done \(\d+\.\d s\)\n$/);
});
