// From rows of configuration to tool servers that answer, each behind its guard.
import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@postern/telemetry";
import { defer, fixedClock, type TestScope } from "@postern/testkit";
import { readConfig } from "./config.ts";
import { openUpstreams } from "./open-upstreams.ts";
import { CLIENT, startTokenServer } from "./upstream/token-server.fixture.ts";
import {
  EVERYTHING_COMMAND,
  faultOf,
  forever,
  requestOf,
  serve,
  startEverything,
  textOf,
} from "./upstream/upstream.fixture.ts";

function open(scope: TestScope, rows: object, environment: Record<string, string> = {}) {
  const { config } = readConfig({
    POSTERN_CONTROL_PLANE_URL: "http://127.0.0.1:8080",
    POSTERN_SIDECAR_CREDENTIAL: "x",
    POSTERN_TRUST_ROOT: `k4.public.${"A".repeat(43)}`,
    POSTERN_DATA_DIR: "/var/lib/postern",
    SECRET: CLIENT.secret,
    POSTERN_UPSTREAMS: JSON.stringify(rows),
    ...environment,
  });
  const clock = fixedClock();
  const upstreams = [...openUpstreams(config, { clock, log: silentLogger }).values()];
  for (const upstream of upstreams) defer(scope, () => upstream.close());
  return { clock, upstreams };
}

test("one public server in each of its transports, named in one configuration, answers the same", async (t) => {
  const [url, sse] = await Promise.all([startEverything(t), startEverything(t, "sse")]);
  const { upstreams } = open(t, { a: { url }, b: { sse }, c: { command: EVERYTHING_COMMAND } });
  assert.deepEqual(
    upstreams.map(({ name }) => name),
    ["a", "b", "c"],
  );
  const listed = await Promise.all(
    upstreams.map(async (upstream) => {
      const params = {
        protocolVersion: "2025-06-18",
        capabilities: {},
        clientInfo: { name: "t", version: "1" },
      };
      const opened = await upstream.forward(requestOf({ id: 0, method: "initialize", params }), forever());
      const session = { "mcp-session-id": opened.headers["mcp-session-id"] ?? "" };
      await textOf(opened);
      await upstream.forward(requestOf({ method: "notifications/initialized" }, session), forever());
      const call = { id: 1, method: "tools/call", params: { name: "get-sum", arguments: { a: 2, b: 3 } } };
      return textOf(await upstream.forward(requestOf(call, session), forever()));
    }),
  );
  for (const answer of listed) assert.match(answer, /sum of 2 and 3 is 5/);
  assert.deepEqual(await Promise.all(upstreams.map((upstream) => upstream.probe())), [
    { ok: true },
    { ok: true },
    { ok: true },
  ]);
});

test("rows with oauth and exchange attach the tokens of a real authorization server", async (t) => {
  const server = await startTokenServer(t);
  const { href: url } = await serve(t, (request, response) => {
    response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify(request.headers.authorization));
  });
  const token = { token_url: server.tokenUrl, client_id: CLIENT.id, client_secret_env: "SECRET" };
  const { upstreams } = open(t, {
    own: { url, oauth: { ...token, scope: "call" } },
    exchanged: { url, exchange: { ...token, audience: "crm" } },
  });
  const [own, exchanged] = await Promise.all(
    upstreams.map(async (upstream) => {
      const request = { ...requestOf({ id: 1, method: "ping" }), subjectToken: "caller" };
      return JSON.parse(await textOf(await upstream.forward(request, forever())));
    }),
  );
  assert.notEqual(await server.inspect(own.replace("Bearer ", "")), undefined);
  assert.equal(exchanged, `Bearer crm.${Buffer.from("caller").toString("base64url")}`);
});

test("each tool server has a guard of its own: one that is down does not close another", async (t) => {
  const { href: good } = await serve(t, (_request, response) => void response.end("{}"));
  const { href: bad } = await serve(t, (_request, response) => void response.writeHead(500).end());
  const { clock, upstreams } = open(
    t,
    { bad: { url: bad }, good: { url: good } },
    { POSTERN_CIRCUIT_FAILURES: "2" },
  );
  const [failing, healthy] = upstreams;
  const send = (to: (typeof upstreams)[number] | undefined) =>
    (to ?? assert.fail()).forward(requestOf({ id: 1, method: "ping" }), forever());
  for (let calls = 0; calls < 2; calls += 1) assert.equal((await send(failing)).status, 500);
  assert.equal((await faultOf(send(failing))).code, "upstream.circuit_open");
  assert.equal((await send(healthy)).status, 200);
  clock.advance(10_000);
  assert.equal((await send(failing)).status, 500);
});

test("an upstream at an address that may not be reached is refused at the start", (t) => {
  for (const row of [
    { url: "http://169.254.169.254/" },
    { sse: "http://[::ffff:10.0.0.1]/" },
    { url: "http://2130706433/" },
    {
      url: "http://127.0.0.1/",
      oauth: { token_url: "http://169.254.169.254/", client_id: "c", client_secret_env: "SECRET" },
    },
  ])
    assert.throws(() => open(t, { a: row }), { code: "config.invalid" });
  assert.ok(open(t, { a: { url: "http://10.0.0.1/" } }, { POSTERN_UPSTREAM_NETWORKS_STRICT: "true" }));
  assert.ok(
    open(t, { a: { url: "http://169.254.170.2/" } }, { POSTERN_UPSTREAM_NETWORKS: "169.254.170.0/24" }),
  );
});
