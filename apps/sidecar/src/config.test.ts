import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDirectory } from "@postern/testkit";
import { readConfig, settingsHelp } from "./config.ts";

const required = {
  POSTERN_CONTROL_PLANE_URL: "http://127.0.0.1:8080",
  POSTERN_SIDECAR_CREDENTIAL: "credential-text",
  POSTERN_TRUST_ROOT: `k4.public.${"A".repeat(43)}`,
  POSTERN_DATA_DIR: "/var/lib/postern",
};

test("the smallest configuration is enough, and its one upstream is called default", () => {
  const { config, unknown } = readConfig({ ...required, POSTERN_UPSTREAM_URL: "http://127.0.0.1:3000/mcp" });
  assert.deepEqual(config.upstreams, [{ name: "default", row: { url: "http://127.0.0.1:3000/mcp" } }]);
  assert.deepEqual(unknown, []);
  assert.equal(config.requireIntent, false);
  assert.equal(config.spoolDurability, "os");
});

test("the one upstream may have a name of its own", () => {
  const { config } = readConfig({
    ...required,
    POSTERN_UPSTREAM_URL: "http://crm.internal/mcp",
    POSTERN_UPSTREAM_NAME: "crm",
  });
  assert.deepEqual(
    config.upstreams.map(({ name }) => name),
    ["crm"],
  );
});

test("several upstreams keep their order and names", () => {
  const upstreams = {
    crm: { url: "http://crm.internal/mcp", headers: { "X-Key": "1" } },
    files: { command: ["node", "files.js"] },
  };
  const { config } = readConfig({ ...required, POSTERN_UPSTREAMS: JSON.stringify(upstreams) });
  assert.deepEqual(
    config.upstreams.map(({ name }) => name),
    ["crm", "files"],
  );
});

test("a tool server sees the named variables of our environment and no other", () => {
  const { config } = readConfig({
    ...required,
    POSTERN_UPSTREAM_COMMAND: '["node"]',
    POSTERN_UPSTREAM_ENVIRONMENT: "PATH, ABSENT",
    PATH: "/bin",
    SECRET: "x",
  });
  assert.deepEqual(config.upstreamEnvironment, { PATH: "/bin" });
});

const wrong: readonly [title: string, environment: Record<string, string>, message: RegExp][] = [
  ["no upstream", {}, /exactly one of POSTERN_UPSTREAM_URL/],
  [
    "two upstreams",
    { POSTERN_UPSTREAM_URL: "http://a", POSTERN_UPSTREAM_COMMAND: '["b"]' },
    /exactly one of/,
  ],
  ["an empty table of upstreams", { POSTERN_UPSTREAMS: "{}" }, /POSTERN_UPSTREAMS/],
  [
    "an upstream that is both",
    { POSTERN_UPSTREAMS: '{"a":{"url":"http://a","command":["b"]}}' },
    /POSTERN_UPSTREAMS/,
  ],
  [
    "an upstream whose name is a path",
    { POSTERN_UPSTREAMS: '{"../a":{"url":"http://a"}}' },
    /POSTERN_UPSTREAMS/,
  ],
  [
    "a command that is a shell line",
    { POSTERN_UPSTREAM_COMMAND: "node server.js" },
    /POSTERN_UPSTREAM_COMMAND must be JSON/,
  ],
  [
    "headers that are no object",
    { POSTERN_UPSTREAM_URL: "http://a", POSTERN_UPSTREAM_HEADERS: "[1]" },
    /POSTERN_UPSTREAM_HEADERS/,
  ],
  [
    "a trust root that is no key",
    { POSTERN_UPSTREAM_URL: "http://a", POSTERN_TRUST_ROOT: "root" },
    /POSTERN_TRUST_ROOT/,
  ],
];
for (const [title, environment, message] of wrong) {
  test(`the configuration is refused: ${title}`, () => {
    assert.throws(() => readConfig({ ...required, ...environment }), { code: "config.invalid", message });
  });
}

test("a secret may come from a file, and is never printed", (t) => {
  const file = join(temporaryDirectory(t), "credential");
  writeFileSync(file, "from-file\n");
  const { POSTERN_SIDECAR_CREDENTIAL: _, ...others } = required;
  const { config } = readConfig({
    ...others,
    POSTERN_SIDECAR_CREDENTIAL_FILE: file,
    POSTERN_UPSTREAM_URL: "http://a",
  });
  assert.equal(config.credential.reveal(), "from-file");
  assert.doesNotMatch(JSON.stringify(config), /from-file/);
});

test("help names every setting", () => {
  assert.match(settingsHelp(), /POSTERN_TRUST_ROOT {2}\(required\)/);
  assert.match(settingsHelp(), /POSTERN_STALENESS_MS {2}\(default 30000\)/);
});

test("classes of tools have staleness bounds of their own", () => {
  const upstream = { ...required, POSTERN_UPSTREAM_URL: "http://127.0.0.1:3000/mcp" };
  assert.deepEqual(readConfig(upstream).config.stalenessByTool, []);
  const { config } = readConfig({ ...upstream, POSTERN_STALENESS_BY_TOOL: "read_*=60s,delete_*=5s" });
  assert.deepEqual(config.stalenessByTool, [
    { glob: "read_*", boundMs: 60_000 },
    { glob: "delete_*", boundMs: 5_000 },
  ]);
  assert.throws(() => readConfig({ ...upstream, POSTERN_STALENESS_BY_TOOL: "delete_*=1s" }), {
    message: /POSTERN_STALENESS_BY_TOOL must be up to 64 classes/,
  });
});
