import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { Fault } from "@postern/fault";
import { z } from "zod";
import { describeSettings, loadConfig, setting } from "./load.ts";
import { flag, httpUrl, integer, json, list, port, secretText } from "./values.ts";

const SETTINGS = {
  port: setting({ env: "POSTERN_PORT", description: "Port to listen on.", default: "8080" }, port()),
  token: setting(
    { env: "POSTERN_TOKEN", aliases: ["OTHER_TOKEN"], description: "Admin token." },
    secretText(),
  ),
  verbose: setting({ env: "POSTERN_VERBOSE", description: "Say more.", optional: true }, flag()),
};

const problemsOf = (environment: Record<string, string>): string => {
  try {
    loadConfig(SETTINGS, environment);
  } catch (caught) {
    assert.ok(caught instanceof Fault && caught.kind === "invalid");
    return caught.message;
  }
  return "";
};

test("defaults, options and required settings are told apart", () => {
  const { config, unknown } = loadConfig(SETTINGS, { POSTERN_TOKEN: "t", POSTERN_TOKNE: "x", PATH: "/bin" });
  assert.equal(config.port, 8080);
  assert.equal(config.verbose, undefined);
  assert.equal(config.token.reveal(), "t");
  assert.deepEqual(unknown, ["POSTERN_TOKNE"]);
  assert.ok(Object.isFrozen(config));
  assert.match(problemsOf({}), /POSTERN_TOKEN is required: Admin token\./);
});

test("an alias is accepted and the first name wins", () => {
  assert.equal(loadConfig(SETTINGS, { OTHER_TOKEN: "a" }).config.token.reveal(), "a");
  assert.equal(loadConfig(SETTINGS, { OTHER_TOKEN: "a", POSTERN_TOKEN: "b" }).config.token.reveal(), "b");
});

test("an empty variable counts as unset", () => {
  assert.equal(loadConfig(SETTINGS, { POSTERN_TOKEN: "t", POSTERN_PORT: "" }).config.port, 8080);
});

test("a value may stand in a file, without its final newline", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "postern-config-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "token"), "from file\n");
  assert.equal(
    loadConfig(SETTINGS, { POSTERN_TOKEN_FILE: join(directory, "token") }).config.token.reveal(),
    "from file",
  );
  assert.match(
    problemsOf({ POSTERN_TOKEN_FILE: join(directory, "none") }),
    /POSTERN_TOKEN_FILE names a file that cannot be read \(ENOENT\)/,
  );
});

test("every problem is reported at once", () => {
  const problems = problemsOf({ POSTERN_PORT: "70000", POSTERN_VERBOSE: "maybe" });
  assert.match(problems, /POSTERN_PORT must be at most 65535/);
  assert.match(problems, /POSTERN_VERBOSE must be true or false/);
  assert.match(problems, /POSTERN_TOKEN is required/);
});

test("a Kubernetes service link is recognised", () => {
  assert.match(problemsOf({ POSTERN_TOKEN: "t", POSTERN_PORT: "tcp://10.0.0.1:80" }), /enableServiceLinks/);
});

test("a secret never prints itself", () => {
  const { config } = loadConfig(SETTINGS, { POSTERN_TOKEN: "hunter2" });
  for (const printed of [String(config.token), JSON.stringify(config), inspect(config), `${config.token}`]) {
    assert.doesNotMatch(printed, /hunter2/);
    assert.match(printed, /\[redacted\]/);
  }
});

const HOSTILE: [string, z.ZodType<unknown, string>, string[], string[]][] = [
  [
    "integer",
    integer({ min: 1, max: 10 }),
    ["1", "10"],
    ["0", "11", "1.5", "1e3", "0x5", " 3", "9999999999999999", ""],
  ],
  [
    "httpUrl",
    httpUrl(),
    ["http://a", "https://a.b:1/c?d"],
    ["ftp://a", "http://u:p@a", "javascript:x", "a", "http://a#b"],
  ],
  ["list", list(), ["", "a,b", " a , b "], []],
  ["json", json(z.array(z.string())), ['["a"]'], ["[1]", "{", "a", ""]],
];
for (const [name, schema, good, bad] of HOSTILE) {
  test(`${name} accepts what it says and refuses the rest`, () => {
    for (const value of good) assert.equal(schema.safeParse(value).success, true, `accepts ${value}`);
    for (const value of bad) assert.equal(schema.safeParse(value).success, false, `refuses ${value}`);
  });
}

test("the help text names every setting with its default", () => {
  const help = describeSettings(SETTINGS);
  assert.match(help, /POSTERN_PORT {2}\(default 8080\)/);
  assert.match(help, /POSTERN_TOKEN {2}\(required\)\n.*Admin token\.\n.*OTHER_TOKEN/);
});
