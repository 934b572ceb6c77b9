// Who a caller is, and which tool server it reaches, is said by its token and by the path alone: nothing else that a request carries chooses
// either. Pages of other sites and other names for this host get nowhere, on loopback too.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { repositoryRoot, startProcess, temporaryDirectory } from "@postern/testkit";
import { assertRefused, startHostileStack, verdictsOf } from "./hostile-stack.ts";
import { bearer, callBody, JSON_TYPE, requestBody } from "./message.ts";
import { exchange, request } from "./raw-http.ts";

const stack = await startHostileStack(
  { after },
  {
    env: (url) => ({
      POSTERN_UPSTREAMS: JSON.stringify({ first: { url: `${url}/first` }, second: { url: `${url}/second` } }),
      POSTERN_ALLOWED_HOSTS: "tools.example",
      POSTERN_ALLOWED_ORIGINS: "https://app.example",
    }),
  },
);
const { port, token, upstream } = stack;
const BODY = callBody("record", { nonce: "identity" });

/** All that a caller might say about itself, its way here, or where it wants to go. */
const CLAIMS = [
  "X-Tenant: rival",
  "X-Tenant-Id: rival",
  "X-Postern-Tenant: rival",
  "X-Postern-Agent: admin",
  "X-Agent-Id: admin",
  "X-User: root",
  "X-Remote-User: root",
  "X-Client-Identity: CN=admin",
  "X-Forwarded-Client-Cert: By=spiffe://x;URI=spiffe://admin",
  "X-Forwarded-For: 10.0.0.1",
  "X-Forwarded-Host: second.example",
  "X-Forwarded-Proto: https",
  "X-Real-IP: 10.0.0.1",
  "Forwarded: for=10.0.0.1;host=second.example",
  "Via: 1.1 admin",
  "Cookie: session=admin",
  "X-Original-URL: /v1/mcp/second",
  "X-Rewrite-URL: /v1/mcp/second",
  "X-Upstream: second",
  "X-Mcp-Upstream: second",
  "Mcp-Upstream: second",
  "mcp-init-host: 127.0.0.1:9",
  "router-key: default",
  "X-Envoy-Original-Dst-Host: 127.0.0.1:9",
  "X-Capability: v4.public.x",
  "X-Api-Key: admin",
  "Mcp-Param-Tenant: rival",
];
const META = { tenant: "rival", agent: "admin", upstream: "second", "io.postern/tenant": "rival" };

/** What a request in a legacy era may bring to a tool server (baggage and trace ids are told, and decide nothing). */
const TRAVELLING = new Set([
  "accept",
  "accept-encoding",
  "baggage",
  "connection",
  "content-length",
  "content-type",
  "host",
  "mcp-protocol-version",
  "traceparent",
  "tracestate",
]);

test("nothing that a request claims besides its token says who asks, and none of it travels", async () => {
  const head = [...CLAIMS, "baggage: tenant=rival,agent=admin", "X-Request-Id: claims"];
  const body = requestBody("tools/call", { name: "record", arguments: { tenant: "rival" }, _meta: META });
  const answer = await stack.ask({ head, body });
  assert.equal(answer.status, 200);
  const [arrival] = upstream.fresh();
  assert.equal(arrival?.target, "/mcp/first");
  const names = arrival.rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  assert.deepEqual(
    names.filter((name) => !TRAVELLING.has(name)),
    [],
  );
  const event = (await stack.events()).find(({ request_id }) => request_id === "claims");
  assert.deepEqual(
    [event?.tenant, event?.agent_id, event?.remote_ip, event?.upstream],
    ["acme", "agent-x", "127.0.0.1", "first"],
  );
});

test("the path alone chooses the tool server, and the token says which ones it is for", async () => {
  const narrow = await stack.mint({ caveats: [{ type: "upstreams", names: ["first"] }] });
  const head = [...CLAIMS.filter((claim) => !claim.startsWith("Mcp-Param")), "X-Request-Id: narrow"];
  for (const target of ["/v1/mcp", "/v1/mcp/first"]) {
    const { status } = await stack.ask({ token: narrow, target, head: ["X-Upstream: second"], body: BODY });
    assert.equal(status, 200);
    assert.deepEqual(
      upstream.fresh().map((arrival) => arrival.target),
      ["/mcp/first"],
    );
  }
  const refusal = { status: 200, code: -32010, reason: "capability.upstream" };
  assertRefused(
    stack,
    await stack.ask({ token: narrow, target: "/v1/mcp/second", head, body: BODY }),
    refusal,
  );
  for (const target of ["/v1/mcp/third", "/v1/mcp/__proto__", "/v1/mcp/second/", "/v1/mcp/../second"]) {
    assertRefused(stack, await stack.ask({ target, body: BODY }), { status: 404 });
  }
  assert.deepEqual(verdictsOf(await stack.events(), "narrow"), ["block none capability.upstream"]);
});

const post = (head: readonly string[], host = "localhost") =>
  Buffer.from(
    request({ head: [bearer(token), ...head], body: BODY })
      .toString("latin1")
      .replace("localhost", host),
    "latin1",
  );

const HOSTS = [
  "evil.example",
  "localhost.evil.example",
  "evil.example:80",
  "localhost@evil.example",
  "tools.example.evil.example",
  "xtools.example",
  "127.0.0.1.nip.io",
  "127.1",
  "2130706433",
  "0.0.0.0",
  "[::]",
  "[::ffff:127.0.0.1]",
  "localhost:",
  "localhost:99999999",
  "localhost, evil.example",
  "http://localhost",
  "",
];
test("a Host that is not this one's is refused, on loopback too (DNS rebinding)", async () => {
  for (const host of HOSTS) {
    const [answer, ...others] = await exchange(port, post([JSON_TYPE], host));
    assert.deepEqual(others, [], host);
    assert.ok(
      answer?.status === 403 || (host === "" && answer?.status === 400),
      `${host}: ${answer?.status}`,
    );
    upstream.assertUntouched(host);
  }
  for (const host of ["localhost", "127.0.0.1:1", "[::1]:8080", "LOCALHOST", "tools.example:443"]) {
    const [answer] = await exchange(port, post([JSON_TYPE], host));
    assert.equal(answer?.status, 200, host);
  }
  upstream.fresh();
});

const ORIGINS = [
  "https://evil.example",
  "null",
  "",
  "https://app.example.evil.example",
  "https://app.example:444",
  "http://app.example",
  "https://localhost.evil.example",
  "https://evil.example/localhost",
  "file://",
  "http://127.0.0.1.evil.example",
  "https://app.example, https://evil.example",
  "chrome-extension://abcdefgh",
];
test("a page of another site is refused by its Origin, on loopback too, and is never told that it may read", async () => {
  for (const origin of ORIGINS) {
    const answer = await stack.ask({ head: [`Origin: ${origin}`], body: BODY });
    assertRefused(stack, answer, { status: 403 });
    assert.equal(answer.headers.get("access-control-allow-origin"), undefined);
  }
});

const BROWSER: readonly (readonly [title: string, head: readonly string[], status: number])[] = [
  ["text/plain", ["Content-Type: text/plain"], 415],
  ["a form", ["Content-Type: application/x-www-form-urlencoded"], 415],
  ["a form in parts", ["Content-Type: multipart/form-data; boundary=x"], 415],
  ["no content type", [], 415],
  ["JSON in UTF-7", ["Content-Type: application/json; charset=utf-7"], 415],
  ["JSON in UTF-16", ["Content-Type: application/json; charset=utf-16le"], 415],
  ["two charsets", ["Content-Type: application/json; charset=utf-8; charset=utf-7"], 415],
  ["two types in one line", ["Content-Type: application/json, text/plain"], 415],
  ["another JSON", ["Content-Type: application/vnd.api+json"], 415],
  ["json-seq", ["Content-Type: application/json-seq"], 415],
  ["a request from another site", [JSON_TYPE, "Sec-Fetch-Site: cross-site"], 403],
];
for (const [title, head, status] of BROWSER) {
  test(`what a page of another site can send without asking is refused: ${title}`, async () => {
    const [answer = assert.fail(), ...others] = await exchange(port, post(head));
    assert.deepEqual(others, []);
    assertRefused(stack, answer, { status });
  });
}

test("a preflight of another site is told nothing that allows anything", async () => {
  const head = ["Origin: https://evil.example", "Access-Control-Request-Method: POST"];
  const answer = await stack.ask({ method: "OPTIONS", head });
  assert.ok(answer.status === 403 || answer.status === 405);
  assert.deepEqual(
    [...answer.headers.keys()].filter((name) => name.startsWith("access-control")),
    [],
  );
});

test("without a credential or a trust root of its own the sidecar does not start: there are no default secrets", async (t) => {
  const whole = {
    PATH: process.env.PATH,
    POSTERN_SIDECAR_PORT: "0",
    POSTERN_CONTROL_PLANE_URL: stack.controlPlane.url,
    POSTERN_UPSTREAM_URL: upstream.url,
    POSTERN_DATA_DIR: temporaryDirectory(t),
    POSTERN_SIDECAR_CREDENTIAL: stack.enrolment.credential,
    POSTERN_TRUST_ROOT: stack.enrolment.trust_root,
  };
  for (const name of ["POSTERN_SIDECAR_CREDENTIAL", "POSTERN_TRUST_ROOT"]) {
    for (const value of [undefined, ""]) {
      const started = await startProcess(t, {
        command: process.execPath,
        args: [join(repositoryRoot, "apps", "sidecar", "src", "main.ts")],
        env: { ...whole, [name]: value },
      });
      assert.equal((await started.exited).code, 2, name);
      assert.match(started.stderr(), new RegExp(name));
    }
  }
});

test("of all that was refused before its sender was known there is no event", async () => {
  assert.equal((await stack.events()).length, upstream.arrivals.length + 1);
});
