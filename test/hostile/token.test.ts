// Nothing but a whole, genuine, living token of this tenant opens the door, whatever is made of one, and a token opens it no further than it
// says. The caller's token stops here, and the tool server's credential never comes out.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, test } from "node:test";
import { attenuate } from "@postern/capability";
import type { Caveat, JsonObject } from "@postern/contracts";
import { systemClock } from "@postern/fault";
import { generateKeyPair, importSigningKey } from "@postern/signing";
import { eventually, TENANT } from "../e2e/stack.ts";
import { assertRefused, startHostileStack, verdictsOf } from "./hostile-stack.ts";
import { bearer, callBody, denialOf, JSON_TYPE } from "./message.ts";
import { ask } from "./raw-http.ts";

const UPSTREAM_SECRET = `upstream-${randomUUID()}`;
const stack = await startHostileStack(
  { after },
  {
    env: (url) => ({
      POSTERN_UPSTREAM_URL: url,
      POSTERN_UPSTREAM_HEADERS: JSON.stringify({ authorization: `Bearer ${UPSTREAM_SECRET}` }),
      POSTERN_LOG_LEVEL: "debug",
    }),
  },
);
const { admin, port, token, upstream } = stack;
const BODY = callBody("record", { nonce: "token" });

const parent = await admin.mint({ subject: "agent-x", tenant: TENANT, attenuable: true, ttl_seconds: 3600 });
const narrow = async (caveats: readonly Caveat[], attenuable = false) =>
  attenuate(
    { token: parent.token, attenuationKey: parent.attenuation_key ?? "", caveats, attenuable },
    { clock: systemClock, newId: randomUUID },
  );
const child = await narrow([{ type: "tool_deny", tools: ["record"] }], true);
const [root = "", seal = ""] = parent.token.split("~");
const [, hop = "", childSeal = ""] = child.token.split("~");
const [, , payload = "", footer = ""] = token.split(".");
const kid = String((JSON.parse(Buffer.from(footer, "base64url").toString()) as JsonObject).kid);
const stranger = await generateKeyPair();
const strangersKey = await importSigningKey(stranger.secretKey);

const claims = { jti: "r", root_jti: "r", sub: "agent-x", iss: "postern", tenant: TENANT, caveats: [] };
const forge = (named: string, implicitAssertion = "postern/capability/v1") =>
  strangersKey.sign(
    { ...claims, iat: new Date().toISOString() },
    { footer: { kid: named }, implicitAssertion },
  );
const flip = (text: string, at: number) => {
  const index = at < 0 ? text.length + at : at;
  return `${text.slice(0, index)}${text[index] === "A" ? "B" : "A"}${text.slice(index + 1)}`;
};
await admin.createTenant("rival");
const rivals = await admin.mint({ subject: "agent-x", tenant: "rival", ttl_seconds: 3600 });
const past = new Date(Date.now() - 1).toISOString();
const revoked = await admin.mint({ subject: "agent-x", tenant: TENANT });
await admin.revoke(revoked.jti, { tenant: TENANT });

const MALFORMED = "capability.malformed";
const SIGNATURE = "capability.signature";
const REFUSED: Readonly<Record<string, readonly [token: string, reason: string]>> = {
  "v4.local": [token.replace("v4.public", "v4.local"), MALFORMED],
  "v3.public": [token.replace("v4", "v3"), MALFORMED],
  "v2.public": [token.replace("v4", "v2"), MALFORMED],
  "V4.public": [token.replace("v4", "V4"), MALFORMED],
  "v4.Public": [token.replace("public", "Public"), MALFORMED],
  "a dot at the end": [`${token}.`, MALFORMED],
  "a further segment": [`${token}.e30`, MALFORMED],
  "no footer": [token.slice(0, token.lastIndexOf(".")), MALFORMED],
  "an empty payload": [`v4.public..${footer}`, MALFORMED],
  padding: [`${token}=`, MALFORMED],
  "padding in the payload": [`v4.public.${payload}=.${footer}`, MALFORMED],
  "the other Base64": [`v4.public.+/${payload.slice(2)}.${footer}`, MALFORMED],
  "a separator at the end": [`${token}~`, MALFORMED],
  "a separator at the start": [`~${token}`, MALFORMED],
  "two separators": [parent.token.replace("~", "~~"), MALFORMED],
  "a payload of more bytes": [`v4.public.${payload}AAAA.${footer}`, SIGNATURE],
  "the first byte changed": [`v4.public.${flip(payload, 0)}.${footer}`, SIGNATURE],
  "a byte changed in the middle": [`v4.public.${flip(payload, payload.length >> 1)}.${footer}`, SIGNATURE],
  "a byte of the signature changed": [`v4.public.${flip(payload, -20)}.${footer}`, SIGNATURE],
  "the payload of another": [`v4.public.${root.split(".")[2]}.${flip(footer, 12)}`, ""],
  "a JWT without an algorithm": ["eyJhbGciOiJub25lIn0.e30.", MALFORMED],
  "a word": ["null", MALFORMED],
  "a signature by a stranger under his own key": [await forge(stranger.kid), "capability.unknown_key"],
  "a signature by a stranger under our key": [await forge(kid), SIGNATURE],
  "a key that is a path": [await forge("../../../etc/passwd"), MALFORMED],
  "a key that is an address": [await forge("https://keys.example/k4.pid"), MALFORMED],
  "a key that every object has": [await forge("__proto__"), MALFORMED],
  "another document by a stranger": [await forge(kid, "postern/state/v1"), SIGNATURE],
  "another tenant's token": [rivals.token, ""],
  "the parent without its seal": [root, MALFORMED],
  "the parent cut out of its child": [`${root}~${childSeal}`, SIGNATURE],
  "the child without its seal": [`${root}~${hop}`, ""],
  "the child under the parent's seal": [`${root}~${hop}~${seal}`, SIGNATURE],
  "blocks in another order": [`${root}~${seal}~${hop}`, MALFORMED],
  "a hop under another root": [`${token}~${hop}~${childSeal}`, MALFORMED],
  "a hop twice": [`${root}~${hop}~${hop}~${childSeal}`, SIGNATURE],
  "40 blocks": [Array.from({ length: 40 }, () => hop.slice(0, 200)).join("~"), MALFORMED],
  "15,000 characters": [token + "A".repeat(15_000 - token.length), ""],
  "a token that has expired": [(await narrow([{ type: "expiry", at: past }])).token, "capability.expired"],
  "a revoked token": [revoked.token, "capability.revoked"],
  "a token for another agent": [
    (await narrow([{ type: "agent_lock", agent: "someone-else" }])).token,
    "capability.agent",
  ],
  "a token for another tool": [child.token, "capability.tool"],
  "a token for no tool": [(await narrow([{ type: "tool_allow", tools: [] }])).token, "capability.tool"],
  "a token for another upstream": [
    (await narrow([{ type: "upstreams", names: ["elsewhere"] }])).token,
    "capability.upstream",
  ],
  "a token for other arguments": [
    (await narrow([{ type: "arguments", predicates: [{ op: "eq", path: "/nonce", value: "another" }] }]))
      .token,
    "capability.arguments",
  ],
  "a token for no calls": [(await narrow([{ type: "max_calls", limit: 0 }])).token, "budget.calls"],
};

const expected = new Map<string, string>();
test("the tokens that the attacks are made from are good", async () => {
  const wide = await narrow([]);
  for (const good of [token, parent.token, wide.token]) {
    const answer = await stack.ask({ token: good, body: BODY });
    assert.equal(denialOf(answer), undefined, answer.body.toString());
  }
  upstream.fresh();
  await eventually(async () => {
    const answer = await stack.ask({ token: revoked.token, body: BODY });
    upstream.fresh();
    assert.equal(denialOf(answer)?.reason, "capability.revoked");
  });
});

for (const [title, [given, reason]] of Object.entries(REFUSED)) {
  test(`a token is refused, and leaves an event that says why: ${title}`, async () => {
    const id = `token-${expected.size}`;
    const answer = await stack.ask({ token: given, head: [`X-Request-Id: ${id}`], body: BODY });
    const code = reason.startsWith("budget.") ? -32013 : -32010;
    assertRefused(stack, answer, { status: 200, code, ...(reason !== "" && { reason }) });
    expected.set(id, `block none ${denialOf(answer)?.reason}`);
  });
}

const PLACES: readonly (readonly [title: string, head: readonly string[], target?: string, body?: string])[] =
  [
    ["no scheme", [`Authorization: ${token}`]],
    ["Basic", [`Authorization: Basic ${token}`]],
    ["Bearer without a space", [`Authorization: Bearer${token}`]],
    ["two tokens in one header", [`Authorization: Bearer ${token}, Bearer ${token}`]],
    ["something behind it", [`Authorization: Bearer ${token} x`]],
    ["quotes", [`Authorization: Bearer "${token}"`]],
    ["a cookie", [`Cookie: authorization=${token}; token=${token}`]],
    [
      "another header",
      [`Proxy-Authorization: Bearer ${token}`, `X-Capability: ${token}`, `X-Api-Key: ${token}`],
    ],
    ["_meta", [], "/v1/mcp", BODY.replace('"name"', `"_meta":{"authorization":"Bearer ${token}"},"name"`)],
  ];
for (const [title, head, target = "/v1/mcp", body = BODY] of PLACES) {
  test(`a token counts in its own place alone: ${title}`, async () => {
    const id = `token-${expected.size}`;
    const answer = await ask(port, { target, head: [JSON_TYPE, `X-Request-Id: ${id}`, ...head], body });
    assertRefused(stack, answer, { status: 200, code: -32010, reason: "capability.missing" });
    expected.set(id, "block none capability.missing");
  });
}

test("a token in the query leads nowhere, and one of 64 kB is not read", async () => {
  const inQuery = { target: `/v1/mcp?access_token=${token.slice(0, 200)}`, head: [JSON_TYPE], body: BODY };
  assertRefused(stack, await ask(port, inQuery), { status: 404 });
  const huge = await ask(port, { head: [bearer("A".repeat(65_536)), JSON_TYPE], body: BODY });
  assertRefused(stack, huge, { status: 431 });
});

test("each refused token left one event with its reason, of nobody where it proved nothing", async () => {
  const events = await stack.events();
  for (const [id, verdict] of expected) assert.deepEqual(verdictsOf(events, id), [verdict], id);
  const unproven = events.filter(({ reasons }) =>
    [MALFORMED, SIGNATURE, "capability.missing", "capability.unknown_key"].includes(reasons[0] ?? ""),
  );
  assert.ok(unproven.length > 30);
  for (const { agent_id, arg_keys, capability_token_id } of unproven)
    assert.deepEqual([agent_id, arg_keys, capability_token_id], ["", [], ""]);
});

test("the caller's token stops at the sidecar, and the tool server's credential comes out nowhere", async () => {
  upstream.answerHeaders = {
    "set-cookie": `credential=${UPSTREAM_SECRET}`,
    "www-authenticate": `Bearer realm="${UPSTREAM_SECRET}"`,
    "x-debug": `Bearer ${UPSTREAM_SECRET}`,
  };
  const told: string[] = [];
  for (const name of ["record", "drop", "half", "forbidden", "stream", "huge"]) {
    const text = await rawAnswer(name);
    told.push(text);
  }
  const metrics = await (await fetch(`${stack.sidecar.url}/metrics`)).text();
  const events = JSON.stringify(await stack.events());
  const { process: running } = stack.sidecar;
  const everywhere = { answers: told.join("\n"), log: running.stdout() + running.stderr(), metrics, events };
  for (const [where, text] of Object.entries(everywhere)) {
    assert.ok(text.length > 0, where);
    assert.ok(!text.includes(UPSTREAM_SECRET), `the credential is in the ${where}`);
    if (where !== "answers") assert.ok(!text.includes(payload), `the token is in the ${where}`);
  }
  assert.ok(upstream.arrivals.length > 0);
  for (const { rawHeaders, body } of upstream.arrivals) {
    assert.ok(rawHeaders.includes(`Bearer ${UPSTREAM_SECRET}`));
    assert.ok(!rawHeaders.join("\n").includes("v4.public") && !body.includes("v4.public"));
  }
});

/** Head and body of an answer, or "" where it was broken off. */
async function rawAnswer(tool: string): Promise<string> {
  const answer = await stack.ask({ body: callBody(tool, { nonce: tool }) }).catch(() => undefined);
  return answer === undefined ? "" : JSON.stringify([...answer.headers]) + answer.body.toString();
}

test("a flood of invalid tokens is counted without an event for each, and a valid caller is served meanwhile", async () => {
  const flood = Array.from({ length: 600 }, async (_, at) => {
    const answer = await stack.ask({ token: `v4.public.${flip(payload, at % 80)}.${footer}`, body: BODY });
    assert.equal(denialOf(answer)?.code, -32010);
  });
  const served = await Promise.all(Array.from({ length: 50 }, () => stack.ask({ body: BODY })));
  await Promise.all(flood);
  for (const answer of served) assert.equal(denialOf(answer), undefined, answer.body.toString());
  assert.equal(upstream.fresh().filter(({ method }) => method === "tools/call").length >= 50, true);
  const metrics = await (await fetch(`${stack.sidecar.url}/metrics`)).text();
  const counted = metrics.match(/^postern_strangers_refused_total\{[^}]*told="count"[^}]*\} (\d+)$/gm) ?? [];
  assert.ok(counted.length > 0, "beyond the first ones they are only counted");
});
