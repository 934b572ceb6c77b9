// An access token in the place of a capability token: what it costs the control plane, what it never does, and what happens without one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import { createMetrics, silentLogger } from "@postern/telemetry";
import { fixedClock } from "@postern/testkit";
import fc from "fast-check";
import { createLogin, type Login, type LoginLimits } from "./login.ts";
import type { LoginIssuer } from "./metadata.ts";

const ISSUER = "https://login.example";
const ORIGIN = "https://tools.example";
const RESOURCE = `${ORIGIN}/v1/mcp`;
const HERE = { upstream: "default", host: "tools.example" };

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

interface Rig {
  readonly login: Login;
  readonly clock: ReturnType<typeof fixedClock>;
  readonly asked: { access_token: string; resource: string }[];
  issuers: LoginIssuer[];
  answer: (jwt: string) => Promise<{ token: string; expires_at: string }>;
  jwt(claims?: object, header?: object): string;
}

function setup(limits?: LoginLimits, publicUrl: string | undefined = ORIGIN): Rig {
  const clock = fixedClock();
  const asked: Rig["asked"] = [];
  const lifeMs = 300_000;
  const rig: Rig = {
    clock,
    asked,
    issuers: [{ issuer: ISSUER, audiences: [RESOURCE], algorithms: ["ES256"], scopes: ["mcp"] }],
    answer: async () => ({
      token: `v4.public.${asked.length}`,
      expires_at: new Date(clock.nowMs() + lifeMs).toISOString(),
    }),
    jwt(claims = {}, header = {}) {
      const exp = clock.nowMs() / 1000 + 600;
      const head = { alg: "ES256", typ: "at+jwt", kid: "k", ...header };
      return `${part(head)}.${part({ iss: ISSUER, aud: RESOURCE, sub: "alice", exp, ...claims })}.c2ln`;
    },
    login: createLogin(
      {
        controlPlane: {
          exchangeToken: (request) => {
            asked.push({ ...request });
            return rig.answer(request.access_token);
          },
        },
        issuers: { current: () => rig.issuers },
        publicUrl,
        upstreams: new Set(["default", "files"]),
        clock,
        log: silentLogger,
        metrics: createMetrics([]),
      },
      limits,
    ),
  };
  return rig;
}

const refused = (code: string) => (value: unknown) =>
  assert.equal((value as { code?: string }).code, code, JSON.stringify(value));

test("a Postern token and what is no token pass as they are, at once", () => {
  const { login, asked } = setup();
  for (const bearer of ["v4.public.abc.def", "v4.public.abc", "", "abc", "a.b", "a.b.c.d", "a..c", "ä.b.c"])
    assert.equal(login.resolve(bearer, HERE), bearer);
  assert.deepEqual(asked, []);
});

test("an access token is exchanged once for many requests, and again shortly before its capability ends", async () => {
  const { login, asked, clock, jwt } = setup();
  const token = jwt();
  const all = await Promise.all(Array.from({ length: 50 }, () => login.resolve(token, HERE)));
  assert.deepEqual(new Set(all), new Set(["v4.public.1"]));
  assert.deepEqual(asked, [{ access_token: token, resource: RESOURCE }]);
  clock.advance(289_000);
  assert.equal(login.resolve(token, HERE), "v4.public.1", "without waiting for anything");
  clock.advance(2_000);
  assert.equal(await login.resolve(token, HERE), "v4.public.2");
});

test("what a token is good for at one upstream it is not at another", async () => {
  const rig = setup();
  rig.issuers = [
    { ...(rig.issuers[0] as LoginIssuer), audiences: [`${RESOURCE}/files`, `${RESOURCE}/default`] },
  ];
  const forFiles = rig.jwt({ aud: [`${RESOURCE}/files`, "https://other.example"] });
  assert.equal(await rig.login.resolve(forFiles, { ...HERE, upstream: "files" }), "v4.public.1");
  assert.equal(rig.asked[0]?.resource, `${RESOURCE}/files`);
  refused("capability.exchange")(await rig.login.resolve(forFiles, HERE));
  assert.equal(rig.asked.length, 1);
});

const hopeless: Record<string, (rig: Rig) => string> = {
  "of nobody's issuer": ({ jwt }) => jwt({ iss: "https://evil.example" }),
  "without an issuer": ({ jwt }) => jwt({ iss: undefined }),
  "with an issuer that is a list": ({ jwt }) => jwt({ iss: [ISSUER] }),
  unsigned: ({ jwt }) => jwt({}, { alg: "none" }),
  "with a symmetric signature": ({ jwt }) => jwt({}, { alg: "HS256" }),
  "with an algorithm of another issuer": ({ jwt }) => jwt({}, { alg: "RS256" }),
  "for another sidecar": ({ jwt }) => jwt({ aud: "https://other.example/v1/mcp" }),
  "for nobody": ({ jwt }) => jwt({ aud: undefined }),
  "for an object": ({ jwt }) => jwt({ aud: { [RESOURCE]: 1 } }),
  expired: ({ jwt, clock }) => jwt({ exp: clock.nowMs() / 1000 - 31 }),
  "without an end": ({ jwt }) => jwt({ exp: undefined }),
  "with an end that is text": ({ jwt }) => jwt({ exp: "9999999999" }),
  "whose payload is no object": () => `${part({ alg: "ES256" })}.${part("x")}.c2ln`,
  "whose payload is null": () => `${part({ alg: "ES256" })}.${part(null)}.c2ln`,
  "whose payload is no JSON": () => `${part({ alg: "ES256" })}.e3s.c2ln`,
  "whose header is a list": ({ jwt }) => `${part(["ES256"])}.${jwt().split(".")[1]}.c2ln`,
};
for (const [name, make] of Object.entries(hopeless))
  test(`a token ${name} is refused without asking anybody`, () => {
    const rig = setup();
    refused("capability.exchange")(rig.login.resolve(make(rig), HERE));
    assert.deepEqual(rig.asked, []);
  });

test("a token that is longer than any access token is none", () => {
  const { login, asked, jwt } = setup();
  const huge = jwt({ padding: "x".repeat(20_000) });
  assert.equal(login.resolve(huge, HERE), huge);
  assert.deepEqual(asked, []);
});

test("a refused token is not asked about again for a while", async () => {
  const rig = setup();
  rig.answer = async () => {
    throw new Fault("forbidden", "capability.exchange", "No rule gives anything.");
  };
  const token = rig.jwt();
  const reason = await rig.login.resolve(token, HERE);
  assert.deepEqual(reason, { code: "capability.exchange", detail: "No rule gives anything." });
  for (let n = 0; n < 100; n += 1) assert.deepEqual(rig.login.resolve(token, HERE), reason);
  assert.equal(rig.asked.length, 1);
  rig.clock.advance(5_000);
  await rig.login.resolve(token, HERE);
  assert.equal(rig.asked.length, 2);
});

test("without the control plane nobody new gets in, and who is in stays until the capability ends", async () => {
  const rig = setup();
  const token = rig.jwt();
  assert.equal(await rig.login.resolve(token, HERE), "v4.public.1");
  rig.answer = async () => {
    throw new Fault("unavailable", "client.unreachable", "The service cannot be reached (ECONNREFUSED).");
  };
  refused("capability.unavailable")(await rig.login.resolve(rig.jwt({ sub: "bob" }), HERE));
  rig.clock.advance(295_000);
  assert.equal(await rig.login.resolve(token, HERE), "v4.public.1");
  assert.equal(rig.login.resolve(token, HERE), "v4.public.1", "it is not tried at every request");
  rig.clock.advance(5_000);
  refused("capability.unavailable")(await rig.login.resolve(token, HERE));
  refused("capability.unavailable")(rig.login.resolve(token, HERE));
});

test("a flood of tokens that only look right has a bound at the control plane, and leaves who is in alone", async () => {
  const rig = setup({ entriesMax: 100, underwayMax: 4 });
  const token = rig.jwt();
  assert.equal(await rig.login.resolve(token, HERE), "v4.public.1");
  const late = Promise.withResolvers<never>();
  rig.answer = () => late.promise;
  const flood = Array.from({ length: 500 }, (_, n) => rig.login.resolve(rig.jwt({ jti: n }), HERE));
  assert.equal(rig.asked.length, 5);
  assert.equal(rig.login.resolve(token, HERE), "v4.public.1");
  late.reject(new Fault("forbidden", "capability.exchange", "No."));
  const codes = (await Promise.all(flood)).map((one) => (one as { code: string }).code);
  assert.deepEqual(
    [
      codes.filter((code) => code === "capability.exchange").length,
      codes.filter((code) => code === "capability.unavailable").length,
    ],
    [4, 496],
  );
  for (let n = 0; n < 300; n += 1) {
    rig.clock.advance(1);
    await rig.login.resolve(rig.jwt({ jti: `later-${n}` }), HERE);
  }
  assert.equal(rig.login.resolve(token, HERE), "v4.public.1");
});

test("what was exchanged is forgotten on demand", async () => {
  const rig = setup();
  await rig.login.resolve(rig.jwt(), HERE);
  rig.login.forget();
  await rig.login.resolve(rig.jwt(), HERE);
  assert.equal(rig.asked.length, 2);
});

test("where nobody is trusted everything is as it was without logins", () => {
  const rig = setup();
  rig.issuers = [];
  const token = rig.jwt();
  assert.equal(rig.login.resolve(token, HERE), token);
  const at = { path: "/v1/mcp", host: "tools.example", hadToken: false };
  assert.equal(rig.login.challenge("capability.missing", at), undefined);
  assert.equal(rig.login.metadata("/.well-known/oauth-protected-resource", undefined), undefined);
});

test("the metadata of each address names the address and whom to log in with (RFC 9728)", () => {
  const rig = setup();
  rig.issuers.push({
    issuer: "https://second.example",
    audiences: [`${RESOURCE}/files`],
    algorithms: ["RS256"],
    scopes: ["files"],
  });
  const of = (path: string) => rig.login.metadata(path, "ignored.example");
  const whole = {
    resource: RESOURCE,
    authorization_servers: [ISSUER],
    bearer_methods_supported: ["header"],
    resource_name: "Postern",
    scopes_supported: ["mcp"],
  };
  assert.deepEqual(of("/.well-known/oauth-protected-resource"), whole);
  assert.deepEqual(of("/.well-known/oauth-protected-resource/v1/mcp"), whole);
  assert.deepEqual(of("/.well-known/oauth-protected-resource/v1/mcp/default"), whole);
  assert.deepEqual(of("/.well-known/oauth-protected-resource/v1/mcp/files"), {
    ...whole,
    resource: `${RESOURCE}/files`,
    authorization_servers: ["https://second.example"],
    scopes_supported: ["files"],
  });
  for (const path of [
    "/.well-known/oauth-protected-resource/",
    "/.well-known/oauth-protected-resource/v1/mcp/other",
    "/.well-known/oauth-protected-resource/v1/mcp/",
    "/.well-known/oauth-protected-resource/v1/tool-call",
    "/.well-known/oauth-protected-resourcex",
    "/.well-known/oauth-protected-resource?x",
    "/v1/mcp",
  ])
    assert.equal(of(path), undefined, path);
});

test("a challenge points to the metadata, and names an error only where a token was sent", () => {
  const { login } = setup();
  const at = { path: "/v1/mcp/files", host: undefined, hadToken: false };
  const metadata = `resource_metadata="${ORIGIN}/.well-known/oauth-protected-resource/v1/mcp"`;
  assert.equal(login.challenge("capability.missing", at), `Bearer ${metadata}, scope="mcp"`);
  assert.equal(
    login.challenge("capability.expired", { ...at, hadToken: true }),
    `Bearer ${metadata}, error="invalid_token", scope="mcp"`,
  );
  for (const code of [
    "capability.stale",
    "capability.unavailable",
    "capability.tool",
    "policy.denied",
    "internal",
  ])
    assert.equal(login.challenge(code, at), undefined, code);
  assert.equal(login.challenge("capability.missing", { ...at, path: "/v1/tool-call" }), undefined);
});

test("a sidecar without an address of its own believes only a Host on loopback", () => {
  const rig = setup();
  const login = createLogin({
    controlPlane: { exchangeToken: rig.answer as never },
    metrics: createMetrics([]),
    issuers: {
      current: () =>
        ["http://127.0.0.1:8081", "http://localhost:8081", "http://[::1]:8081", "http://evil.example"].map(
          (origin): LoginIssuer => ({
            ...{ issuer: ISSUER, algorithms: ["ES256"], scopes: [] },
            audiences: [`${origin}/v1/mcp`],
          }),
        ),
    },
    ...{ publicUrl: undefined, upstreams: new Set(["default"]), clock: rig.clock, log: silentLogger },
  });
  const resourceAt = (host: string | undefined) =>
    login.metadata("/.well-known/oauth-protected-resource", host)?.resource;
  assert.equal(resourceAt("127.0.0.1:8081"), "http://127.0.0.1:8081/v1/mcp");
  assert.equal(resourceAt("LOCALHOST:8081"), "http://localhost:8081/v1/mcp");
  assert.equal(resourceAt("[::1]:8081"), "http://[::1]:8081/v1/mcp");
  for (const host of [
    undefined,
    "",
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example@127.0.0.1",
    "127.0.0.1:8081@evil.example",
    "127.0.0.1:8081/x",
    '127.0.0.1:8081"',
    "127.0.0.1:",
    "[::2]:8081",
  ])
    assert.equal(resourceAt(host), undefined, host);
  const token = rig.jwt({ aud: "http://evil.example/v1/mcp" });
  assert.equal(login.resolve(token, { upstream: "default", host: "evil.example" }), token);
});

test("no text in place of a token breaks anything", () => {
  const { login } = setup();
  const anyPart = fc.oneof(
    fc.string(),
    fc.json().map((text) => Buffer.from(text).toString("base64url")),
  );
  fc.assert(
    fc.property(anyPart, anyPart, anyPart, (a, b, c) => {
      const bearer = [a, b, c].join(".");
      const resolved = login.resolve(bearer, HERE);
      assert.ok(resolved === bearer || (resolved as { code: string }).code === "capability.exchange");
    }),
  );
});

test("whoever is stopped is told by what, is not asked to log in again, and is asked about again soon", async () => {
  const rig = setup();
  const why = "A kill switch is on for the agent alice: a leak";
  rig.answer = async () => {
    throw new Fault("forbidden", "capability.halted", why);
  };
  const token = rig.jwt();
  assert.deepEqual(await rig.login.resolve(token, HERE), { code: "capability.halted", detail: why });
  refused("capability.halted")(await rig.login.resolve(token, HERE));
  assert.equal(rig.asked.length, 1);
  const at = { path: "/v1/mcp", host: HERE.host, hadToken: true };
  assert.equal(rig.login.challenge("capability.halted", at), undefined);
  rig.clock.advance(5_000);
  await rig.login.resolve(token, HERE);
  assert.equal(rig.asked.length, 2);
});
