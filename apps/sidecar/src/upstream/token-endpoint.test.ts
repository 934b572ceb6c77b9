import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import { inspect } from "node:util";
import { defer, fixedClock, type TestScope } from "@postern/testkit";
import { type Credential, createCredential, type Grant } from "./credential.ts";
import { JSON_HEADERS, PING, upstreamOf } from "./http.fixture.ts";
import { createTokenEndpoint, type TokenEndpoint, type TokenEndpointOptions } from "./token-endpoint.ts";
import { CLIENT, RESOURCE, startTokenServer } from "./token-server.fixture.ts";
import { bodyOf, faultOf, forever, requestOf, serve, textOf } from "./upstream.fixture.ts";
import { mayHaveRun } from "./upstream.ts";

function endpointAt(
  scope: TestScope,
  tokenUrl: string,
  options: Partial<TokenEndpointOptions> = {},
): TokenEndpoint {
  const endpoint = createTokenEndpoint({
    tokenUrl,
    clientId: CLIENT.id,
    clientSecret: () => CLIENT.secret,
    timeoutMs: 2_000,
    ...options,
  });
  defer(scope, () => endpoint.close());
  return endpoint;
}

const credentialAt = (scope: TestScope, tokenUrl: string, grant: Grant, options = {}): Credential =>
  createCredential({ endpoint: endpointAt(scope, tokenUrl, options), grant, clock: fixedClock() });

/** An upstream that says which Authorization it got, and refuses what `accepts` does not. */
function echoing(
  scope: TestScope,
  credential: Credential,
  accepts: (authorization: string) => boolean = () => true,
) {
  return upstreamOf(
    scope,
    (request, response) => {
      const { authorization = "" } = request.headers;
      const status = accepts(authorization) ? 200 : 401;
      response
        .writeHead(status, JSON_HEADERS)
        .end(JSON.stringify({ authorization, all: request.rawHeaders.join() }));
    },
    { credential },
  );
}

test("a real authorization server's token is attached, for the resource and scope that are configured, and fetched once", async (t) => {
  const server = await startTokenServer(t);
  const parameters = { scope: "call", resource: RESOURCE };
  const credential = credentialAt(t, server.tokenUrl, { type: "client_credentials", parameters });
  const upstream = await echoing(t, credential);
  const answers = await Promise.all(
    [1, 2, 3].map(async (id) =>
      JSON.parse(await textOf(await upstream.forward(requestOf({ ...PING, id }), forever()))),
    ),
  );
  const tokens = new Set(answers.map(({ authorization }) => authorization.replace(/^Bearer /, "")));
  assert.equal(tokens.size, 1);
  assert.deepEqual(await server.inspect([...tokens][0]), { audience: RESOURCE, scope: "call" });
  assert.deepEqual(
    server.asked,
    [{ grant_type: "client_credentials", scope: "call", resource: RESOURCE, client: CLIENT.id }].map(
      (want) => ({ ...server.asked[0], ...want }),
    ),
  );
});

test("a token that the tool server refuses is replaced for the next call, and the refused call is not repeated", async (t) => {
  const server = await startTokenServer(t);
  const credential = credentialAt(t, server.tokenUrl, { type: "client_credentials", parameters: {} });
  const seen: string[] = [];
  const upstream = await echoing(t, credential, (authorization) => {
    seen.push(authorization);
    return seen.length > 1;
  });
  const fault = await faultOf(upstream.forward(requestOf(PING), forever()));
  assert.deepEqual([fault.code, mayHaveRun(fault)], ["upstream.unavailable", true]);
  assert.equal((await upstream.forward(requestOf(PING), forever())).status, 200);
  assert.equal(seen.length, 2);
  assert.notEqual(seen[0], seen[1]);
});

test("a caller's access token is exchanged, and never sent to the tool server itself", async (t) => {
  const server = await startTokenServer(t);
  const credential = credentialAt(t, server.tokenUrl, {
    type: "token_exchange",
    parameters: { audience: "crm" },
  });
  const upstream = await echoing(t, credential);
  const send = async (subjectToken: string) => {
    const request = { ...requestOf(PING, { authorization: `Bearer ${subjectToken}` }), subjectToken };
    return JSON.parse(await textOf(await upstream.forward(request, forever())));
  };
  const [alice, bob] = await Promise.all([send("alice-token"), send("bob-token")]);
  assert.equal(alice.authorization, `Bearer crm.${Buffer.from("alice-token").toString("base64url")}`);
  assert.equal(bob.authorization, `Bearer crm.${Buffer.from("bob-token").toString("base64url")}`);
  assert.doesNotMatch(alice.all + bob.all, /alice-token|bob-token/);
  const without = await faultOf(
    upstream.forward(requestOf(PING, { authorization: "Bearer alice-token" }), forever()),
  );
  assert.equal(mayHaveRun(without), false);
});

test("a wrong secret fails the call, unsent, and stands nowhere in what is told", async (t) => {
  const server = await startTokenServer(t);
  const secret = "wrong-secret-canary";
  const grant: Grant = { type: "token_exchange", parameters: {} };
  const credential = credentialAt(t, server.tokenUrl, grant, { clientSecret: () => secret });
  let requests = 0;
  const upstream = await echoing(t, credential, () => {
    requests += 1;
    return true;
  });
  const fault = await faultOf(
    upstream.forward({ ...requestOf(PING), subjectToken: "subject-canary" }, forever()),
  );
  assert.deepEqual([fault.code, mayHaveRun(fault), requests], ["upstream.unavailable", false, 0]);
  assert.match(fault.detail ?? "", /HTTP 401 \(invalid_client\)/);
  assert.doesNotMatch(inspect(fault, { depth: 10 }), /canary/);
});

test("the client is named and proves itself in the header, form-encoded, and the parameters stand in the body", async (t) => {
  let got: { authorization?: string | undefined; body?: string; type?: string | undefined } = {};
  const url = await serve(t, async (request, response) => {
    const { authorization, "content-type": type } = request.headers;
    got = { authorization, type, body: (await bodyOf(request)).toString() };
    response
      .writeHead(200, JSON_HEADERS)
      .end('{"access_token":"abc.-_~+/=","token_type":"bearer","expires_in":60}');
  });
  const endpoint = endpointAt(t, url.href);
  const token = await endpoint.fetchToken({ grant_type: "client_credentials", scope: "a b&c=d" });
  assert.deepEqual(token, { accessToken: "abc.-_~+/=", lifetimeMs: 60_000 });
  const basic = Buffer.from(got.authorization?.replace(/^Basic /, "") ?? "", "base64").toString();
  assert.deepEqual(
    basic.split(":").map((part) => new URLSearchParams(`_=${part}`).get("_")),
    [CLIENT.id, CLIENT.secret],
  );
  assert.deepEqual(
    [got.type, got.body],
    ["application/x-www-form-urlencoded", "grant_type=client_credentials&scope=a+b%26c%3Dd"],
  );
});

const good = { access_token: "abc", token_type: "Bearer" };
const HOSTILE: readonly [
  title: string,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  told: RegExp,
][] = [
  ["no JSON", (_q, r) => void r.writeHead(200).end("<p>"), /no usable access_token/],
  ["null", (_q, r) => void r.writeHead(200).end("null"), /no usable access_token/],
  [
    "a token that breaks the header",
    (_q, r) => void r.end(JSON.stringify({ ...good, access_token: "a\r\nx: y" })),
    /no usable/,
  ],
  ["a token of spaces", (_q, r) => void r.end(JSON.stringify({ ...good, access_token: "a b" })), /no usable/],
  ["an empty token", (_q, r) => void r.end(JSON.stringify({ ...good, access_token: "" })), /no usable/],
  [
    "a token of another kind",
    (_q, r) => void r.end(JSON.stringify({ ...good, token_type: "DPoP" })),
    /token_type Bearer/,
  ],
  ["no kind", (_q, r) => void r.end(JSON.stringify({ access_token: "abc" })), /token_type Bearer/],
  [
    "an error that tells what was sent",
    (_q, r) => void r.writeHead(400).end('{"error":"x y <secret>","error_description":"secret"}'),
    /HTTP 400$/,
  ],
  ["a redirect", (_q, r) => void r.writeHead(307, { location: "http://169.254.169.254/" }).end(), /HTTP 307/],
  ["too much", (_q, r) => void r.writeHead(200).end("x".repeat(100_000)), /too large/],
  ["nothing", (q) => void q.socket.destroy(), /./],
  ["nothing in time", () => {}, /./],
];
for (const [title, answer, told] of HOSTILE) {
  test(`a token endpoint that answers ${title} gives no token`, async (t) => {
    const url = await serve(t, answer);
    await assert.rejects(endpointAt(t, url.href, { timeoutMs: 150 }).fetchToken({}), told);
  });
}

test("a token endpoint may be no more anywhere than a tool server may", async (t) => {
  assert.throws(() => endpointAt(t, "http://169.254.169.254/token"), { code: "config.invalid" });
  const resolve = async () => [{ address: "169.254.169.254", family: 4 }];
  await assert.rejects(
    endpointAt(t, "http://login.example/token", { resolve }).fetchToken({}),
    /may not be reached/,
  );
});

test("a life that is no number of seconds is not believed", async (t) => {
  for (const expires_in of ["3600", -1, null, {}]) {
    const url = await serve(
      t,
      (_request, response) => void response.end(JSON.stringify({ ...good, expires_in })),
    );
    assert.equal((await endpointAt(t, url.href).fetchToken({})).lifetimeMs, undefined);
  }
});
