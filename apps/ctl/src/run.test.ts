import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedClock, sequentialIds } from "@postern/testkit";
import { postern, posternJson } from "./cli.fixture.ts";
import { COMMANDS } from "./commands/index.ts";
import { parseSeconds, relativeTime } from "./duration.ts";
import { run } from "./run.ts";
import type { World } from "./world.ts";

async function runHere(...argv: string[]) {
  let stdout = "";
  let stderr = "";
  const world: World = {
    config: () => ({ opa: "opa", dataDirectory: "/nonexistent" }) as ReturnType<World["config"]>,
    clock: fixedClock(),
    newId: sequentialIds(),
    stdin: (async function* () {})(),
    async print(chunk) {
      stdout += chunk;
    },
    complain(line) {
      stderr += `${line}\n`;
    },
  };
  return { code: await run(argv, world), stdout, stderr };
}

test("postern alone and --help list every command", async () => {
  for (const argv of [[], ["--help"]]) {
    const { code, stdout } = await runHere(...argv);
    assert.equal(code, 0);
    for (const { name } of COMMANDS) assert.match(stdout, new RegExp(`postern ${name} `));
  }
});

test("--version tells the version, of the whole and not of a command", async () => {
  assert.match((await runHere("--version")).stdout, /^postern \d+\.\d+\.\d+\n$/);
  assert.match(JSON.parse((await runHere("--version", "--json")).stdout).version, /^\d+\.\d+\.\d+$/);
});

test("help says that an address and an admin token go together, as the refusal does", async () => {
  assert.match((await runHere("--help")).stdout, /give both, or neither/);
  for (const [flag, lacking] of [
    ["--url", "--token"],
    ["--token", "--url"],
  ] as const) {
    const { code, stderr } = await runHere("tenants", flag, "http://127.0.0.1:9");
    assert.equal(code, 2);
    assert.ok(stderr.includes(`give ${lacking}`));
  }
});

for (const { name, example } of COMMANDS)
  test(`${name} --help explains its options and shows an example`, async () => {
    const { code, stdout } = await runHere(...name.split(" "), "--help");
    assert.equal(code, 0);
    assert.ok(stdout.includes(example) && stdout.includes("Exit codes"));
    const { stdout: asJson } = await runHere(...name.split(" "), "--help", "--json");
    assert.equal(`${JSON.parse(asJson).help}\n`, stdout);
  });

const misuse: string[][] = [
  ["fly"],
  ["policy"],
  ["policy", "fly"],
  ["mint"],
  ["mint", "--subject", "bot", "--version"],
  ["mint", "--subject"],
  ["mint", "--subject", "bot", "extra"],
  ["mint", "--subjekt", "bot"],
  ["mint", "--subject", "bot", "--ttl", "0s"],
  ["call"],
  ["call", "echo", "novalue"],
  ["call", "echo", "=x"],
  ["call", "echo", "--args", "[1]"],
  ["call", "echo", "--args", "{"],
  ["call", "echo", "--timeout", "soon"],
  ["revoke"],
  ["inspect"],
  ["audit", "export", "--format", "xml"],
  ["tenants"],
  ["tenants", "--url", "not a url", "--token", "x"],
];
for (const argv of misuse)
  test(`"postern ${argv.join(" ")}" is misuse: exit code 2, one JSON error`, async () => {
    const { code, stdout, stderr } = await runHere(...argv, "--json");
    assert.equal(code, 2);
    assert.equal(JSON.parse(stdout).error.kind, "invalid");
    assert.equal(stderr, "");
    const human = await runHere(...argv);
    assert.equal(human.stdout, "");
    assert.match(human.stderr, /^postern: /);
  });

test("the command line ends with the code it was given, and prints errors where they belong", async () => {
  const { code, stdout, stderr } = await postern(["fly"]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /no command "fly"/);
  assert.equal((await posternJson(["fly"])).json.error.code, "ctl.usage");
  const config = await posternJson(["tenants"], { env: { POSTERN_ADMIN_URL: "ftp://x" } });
  assert.equal(config.code, 2);
  assert.match(config.json.error.message, /POSTERN_ADMIN_URL/);
});

test("lengths of time are read and told as people write them", () => {
  assert.deepEqual(
    ["90s", "15m", "8h", "30d"].map((text) => parseSeconds(text, "ttl")),
    [90, 900, 28_800, 2_592_000],
  );
  for (const text of ["", "1", "1w", "-1s", "1.5h", "0m", " 1s"])
    assert.throws(() => parseSeconds(text, "ttl"));
  assert.equal(relativeTime(5_000, 0), "in 5 s");
  assert.equal(relativeTime(0, 125_000), "2 min ago");
  assert.equal(relativeTime(7_500_000, 0), "in 2 h 5 min");
  assert.equal(relativeTime(0, 86_400_000 * 3), "3 d ago");
});
