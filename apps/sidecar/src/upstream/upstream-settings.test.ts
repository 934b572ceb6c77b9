import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { temporaryDirectory } from "@postern/testkit";
import { readConfig } from "../config.ts";

const required = {
  POSTERN_CONTROL_PLANE_URL: "http://127.0.0.1:8080",
  POSTERN_SIDECAR_CREDENTIAL: "credential-text",
  POSTERN_TRUST_ROOT: `k4.public.${"A".repeat(43)}`,
  POSTERN_DATA_DIR: "/var/lib/postern",
};
const TOKEN = { token_url: "http://login.example/token", client_id: "c", client_secret_env: "CRM_SECRET" };

const read = (rows: object, environment: Record<string, string> = {}) =>
  readConfig({ ...required, CRM_SECRET: "canary", POSTERN_UPSTREAMS: JSON.stringify(rows), ...environment })
    .config;

test("a row is Streamable HTTP, HTTP+SSE or stdio, as it says and never by guess", () => {
  const rows = { a: { url: "http://a/mcp" }, b: { sse: "http://b/sse" }, c: { command: ["c"] } };
  const { upstreams } = read(rows);
  assert.deepEqual(
    upstreams,
    Object.entries(rows).map(([name, row]) => ({ name, row })),
  );
});

test("a client secret is read from the variable or the file that the row names, and printed nowhere", (t) => {
  const file = join(temporaryDirectory(t), "secret");
  writeFileSync(file, "canary from file\n");
  const { client_secret_env: _, ...named } = TOKEN;
  const config = read({
    a: { url: "http://a/mcp", oauth: { ...TOKEN, scope: "s", resource: "https://a.example/mcp" } },
    b: { sse: "http://b/sse", exchange: { ...named, client_secret_file: file, audience: "b" } },
  });
  assert.deepEqual(
    config.upstreams.map(({ clientSecret }) => clientSecret?.reveal()),
    ["canary", "canary from file"],
  );
  assert.doesNotMatch(inspect(config, { depth: 10 }) + JSON.stringify(config), /canary/);
});

const wrong: readonly [title: string, rows: object, environment?: Record<string, string>][] = [
  ["a secret in the row itself", { a: { url: "http://a", oauth: { ...TOKEN, client_secret: "canary" } } }],
  ["no secret", { a: { url: "http://a", oauth: { token_url: TOKEN.token_url, client_id: "c" } } }],
  ["two secrets", { a: { url: "http://a", oauth: { ...TOKEN, client_secret_file: "/f" } } }],
  [
    "a secret that is not there",
    { a: { url: "http://a", oauth: { ...TOKEN, client_secret_env: "ABSENT" } } },
  ],
  ["a secret that is empty", { a: { url: "http://a", oauth: TOKEN } }, { CRM_SECRET: "" }],
  [
    "a file that is not there",
    {
      a: {
        url: "http://a",
        oauth: { ...TOKEN, client_secret_env: undefined, client_secret_file: "/nowhere/secret" },
      },
    },
  ],
  ["oauth and exchange at once", { a: { url: "http://a", oauth: TOKEN, exchange: TOKEN } }],
  [
    "oauth and a header Authorization",
    { a: { url: "http://a", oauth: TOKEN, headers: { AUTHORIZATION: "x" } } },
  ],
  ["credentials for a process", { a: { command: ["a"], oauth: TOKEN } }],
  [
    "a token address that is none",
    { a: { url: "http://a", oauth: { ...TOKEN, token_url: "file:///etc/passwd" } } },
  ],
  ["url and sse at once", { a: { url: "http://a", sse: "http://a" } }],
  ["credentials in the address", { a: { sse: "http://user:canary@a/sse" } }],
  ["networks that are none", { a: { url: "http://a" } }, { POSTERN_UPSTREAM_NETWORKS: "10.0.0.0/8, all" }],
  ["no call at all", { a: { url: "http://a" } }, { POSTERN_UPSTREAM_CALLS_MAX: "0" }],
];
for (const [title, rows, environment] of wrong) {
  test(`the upstreams are refused: ${title}`, () => {
    assert.throws(
      () => read(rows, environment),
      (caught: Error) =>
        "code" in caught && caught.code === "config.invalid" && !/canary/.test(inspect(caught)),
    );
  });
}

test("limits have defaults, and networks are a list", () => {
  const config = read(
    { a: { url: "http://a" } },
    { POSTERN_UPSTREAM_NETWORKS: "169.254.170.0/24, fd00::/8" },
  );
  assert.deepEqual(
    [
      config.upstreamCallsMax,
      config.upstreamCallsPerPrincipalMax,
      config.circuitFailures,
      config.circuitCooldownMs,
    ],
    [1_024, 512, 5, 10_000],
  );
  assert.deepEqual(config.upstreamNetworks, ["169.254.170.0/24", "fd00::/8"]);
  assert.equal(config.upstreamNetworksStrict, false);
});
