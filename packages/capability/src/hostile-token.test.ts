// Everything that a thief, a tinkerer or a holder of a child token might present instead of a token.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Caveat, HOPS_MAX, type JsonObject, type ReasonCode } from "@postern/contracts";
import { generateKeyPair, importSigningKey, type KeySet } from "@postern/signing";
import fc from "fast-check";
import { attenuate } from "./attenuate.ts";
import { ROOT_ASSERTION, sealChain } from "./chain.ts";
import { clock, createIssuer, NOW, newId } from "./issuer.fixture.ts";
import { createVerifier } from "./verifier.ts";

const issuer = await createIssuer();
const footer = { kid: issuer.key.kid };

const parent = await issuer.mint({
  attenuable: true,
  caveats: [{ type: "tool_allow", tools: ["read", "pay"] }],
});
const parentKey = parent.attenuationKey ?? "";
const deny: Caveat = { type: "tool_deny", tools: ["pay"] };
const child = await attenuate(
  { token: parent.token, attenuationKey: parentKey, caveats: [deny], attenuable: true },
  { clock, newId },
);
const childKey = child.attenuationKey ?? "";
const leaf = await attenuate({ token: child.token, attenuationKey: childKey, caveats: [] }, { clock, newId });
const [root = "", parentSeal = ""] = parent.token.split("~");
const [, hop = "", childSeal = ""] = child.token.split("~");
const [, , lastHop = ""] = leaf.token.split("~");

async function outcome(token: string): Promise<ReasonCode | "ok"> {
  const verified = await issuer.verify(token);
  return verified.ok ? "ok" : verified.reason.code;
}

/** A root block with any claims at all, properly signed by the control plane's key. */
function signRoot(claims: JsonObject): Promise<string> {
  return issuer.key.sign(claims, { footer, implicitAssertion: ROOT_ASSERTION });
}

/** A hop with any claims at all, properly signed by the holder of the parent token. */
async function appendHop(claims: JsonObject): Promise<string> {
  const key = await importSigningKey(parentKey);
  return `${root}~${await key.sign(claims, { implicitAssertion: root })}`;
}

const goodRoot: JsonObject = {
  jti: "r",
  root_jti: "r",
  sub: "bot",
  iss: "postern",
  tenant: "acme",
  iat: new Date(NOW).toISOString(),
  caveats: [],
};
const goodHop: JsonObject = {
  jti: `${parent.jti}.x`,
  parent_jti: parent.jti,
  iat: new Date(NOW).toISOString(),
  caveats: [],
};

test("the tokens that the attacks start from are good", async () => {
  for (const token of [
    parent.token,
    child.token,
    leaf.token,
    await signRoot(goodRoot),
    await appendHop(goodHop),
  ]) {
    assert.equal(await outcome(token), "ok");
  }
});

test("no character of an attenuated token can be exchanged, and nothing can be cut off either end", async () => {
  const { token } = child;
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~ =";
  for (let at = 0; at < token.length; at += 1) {
    const [instead = ""] = fc.sample(
      fc.constantFrom(...alphabet).filter((each) => each !== token[at]),
      1,
    );
    const mutated = token.slice(0, at) + instead + token.slice(at + 1);
    assert.notEqual(await outcome(mutated), "ok", mutated);
    assert.notEqual(await outcome(token.slice(0, at)), "ok", `cut at ${at}`);
    if (at > 0) assert.notEqual(await outcome(token.slice(at)), "ok", `cut before ${at}`);
  }
});

test("no other arrangement of known blocks is a token", async () => {
  const blocks = [root, hop, lastHop, childSeal];
  const good = new Set([child.token, leaf.token]);
  const arrangement = fc.array(fc.constantFrom(...blocks), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(arrangement, async (chosen) => {
      const token = chosen.join("~");
      fc.pre(!good.has(token));
      assert.notEqual(await outcome(token), "ok");
    }),
    { numRuns: 300 },
  );
});

test("the holder of a child cannot present the parent that is inside it", async () => {
  // The child's holder has every block of the child and the child's key, but neither the parent's seal nor its key.
  const attempts: Readonly<Record<string, string>> = {
    "the bare prefix": root,
    "the prefix with the child's seal": `${root}~${childSeal}`,
    "the prefix sealed with the child's key": await sealChain(root, childKey),
    "the prefix sealed with a key of the thief's": await sealChain(root, (await generateKeyPair()).secretKey),
    "the middle prefix": `${root}~${hop}`,
    "the middle prefix under the last hop": `${root}~${lastHop}`,
  };
  for (const [name, token] of Object.entries(attempts)) assert.notEqual(await outcome(token), "ok", name);
});

test("the holder of a child cannot exchange its caveats for wider ones", async () => {
  const key = await importSigningKey(childKey);
  const wider = await key.sign(goodHop, { implicitAssertion: root });
  assert.equal(await outcome(`${root}~${wider}`), "capability.signature");
});

test("a hop is bound to the chain it was made for", async () => {
  const twin = await issuer.mint({ attenuable: true });
  const [twinRoot = ""] = twin.token.split("~");
  assert.equal(await outcome(`${twinRoot}~${lastHop}`), "capability.signature");
  const key = await importSigningKey(parentKey);
  for (const implicitAssertion of ["", root.slice(0, -1), `${root}~`, parent.token]) {
    assert.equal(
      await outcome(`${root}~${await key.sign(goodHop, { implicitAssertion })}`),
      "capability.signature",
    );
  }
});

test("a token that was not made to be attenuated cannot be", async () => {
  const plain = (await issuer.mint()).token;
  assert.equal(await outcome(`${plain}~${hop}`), "capability.malformed");
  assert.equal(await outcome(`${plain}~${parentSeal}`), "capability.malformed");
  assert.equal(await outcome(`${leaf.token}~${childSeal}`), "capability.malformed");
});

test("nothing follows a seal", async () => {
  assert.equal(await outcome(`${parent.token}~${hop}`), "capability.malformed");
  assert.equal(await outcome(`${parent.token}~${parentSeal}`), "capability.malformed");
});

const hostileHops: Readonly<Record<string, [change: JsonObject, code: ReasonCode]>> = {
  "claims a fresh factor": [
    { caveats: [{ type: "step_up", at: "2026-11-22T12:00:00Z" }] },
    "capability.malformed",
  ],
  "takes the id of another token": [{ jti: "victim" }, "capability.malformed"],
  "takes its parent's id": [{ jti: parent.jti }, "capability.malformed"],
  "names another parent": [{ parent_jti: "someone" }, "capability.malformed"],
  "names itself as parent": [{ parent_jti: `${parent.jti}.x` }, "capability.malformed"],
  "claims another tenant": [{ tenant: "rival" }, "capability.malformed"],
  "claims another agent": [{ sub: "admin" }, "capability.malformed"],
  "extends the lifetime": [{ exp: "2099-01-01T00:00:00Z" }, "capability.malformed"],
  "has a caveat of a later version": [{ caveats: [{ type: "moon_phase" }] }, "capability.caveat_unknown"],
  "has a caveat with an unknown field": [
    { caveats: [{ type: "max_calls", limit: 1, each: "day" }] },
    "capability.malformed",
  ],
  "has a budget below zero": [{ caveats: [{ type: "max_calls", limit: -1 }] }, "capability.malformed"],
  "names a next key that is none": [{ next: "k4.public.AAAA" }, "capability.malformed"],
  "names a next key and no seal": [{ next: issuer.key.publicKey }, "capability.malformed"],
};
for (const [name, [change, code]] of Object.entries(hostileHops)) {
  test(`a hop that ${name} is refused as ${code}`, async () => {
    assert.equal(await outcome(await appendHop({ ...goodHop, ...change })), code);
  });
}

test("two hops with one id, or a hop with a footer, are refused", async () => {
  const first = await attenuate(
    { token: parent.token, attenuationKey: parentKey, caveats: [], attenuable: true },
    { clock, newId: () => "same" },
  );
  const chain = first.token.slice(0, first.token.lastIndexOf("~"));
  const key = await importSigningKey(first.attenuationKey ?? "");
  const claims = { ...goodHop, jti: first.jti, parent_jti: first.jti };
  const twice = `${chain}~${await key.sign(claims, { implicitAssertion: chain })}`;
  assert.equal(await outcome(twice), "capability.malformed");

  const parentSigner = await importSigningKey(parentKey);
  const footed = await parentSigner.sign(goodHop, { footer, implicitAssertion: root });
  assert.equal(await outcome(`${root}~${footed}`), "capability.malformed");
});

const hostileRoots: Readonly<Record<string, [change: JsonObject, code: ReasonCode]>> = {
  "has an audience": [{ aud: "someone" }, "capability.malformed"],
  "has an unknown claim": [{ role: "admin" }, "capability.malformed"],
  "has a malformed tenant": [{ tenant: "ACME" }, "capability.malformed"],
  "belongs to another tenant": [{ tenant: "rival" }, "capability.tenant"],
  "names a root that is not itself": [{ root_jti: "q" }, "capability.malformed"],
  "is its own parent": [{ parent_jti: "q" }, "capability.malformed"],
  "has an id under another token's": [{ jti: "r.x", root_jti: "r.x" }, "capability.malformed"],
  "has a lifetime that is no instant": [
    { caveats: [{ type: "expiry", at: "soon" }] },
    "capability.malformed",
  ],
  "has a lifetime in another time zone": [{ exp: "2026-11-22T12:00:00+01:00" }, "capability.malformed"],
  "has a caveat of a later version": [{ caveats: [{ type: "moon_phase" }] }, "capability.caveat_unknown"],
  "has a caveat without type": [{ caveats: [{ tools: ["*"] }] }, "capability.caveat_unknown"],
  "has caveats that are no list": [{ caveats: { type: "tool_allow" } }, "capability.malformed"],
  "has too many caveats": [
    { caveats: Array.from({ length: 65 }, () => ({ type: "max_calls", limit: 1 })) },
    "capability.malformed",
  ],
};
for (const [name, [change, code]] of Object.entries(hostileRoots)) {
  test(`a root that ${name} is refused as ${code}`, async () => {
    assert.equal(await outcome(await signRoot({ ...goodRoot, ...change })), code);
  });
}

test("a seal in place of a root is refused", async () => {
  assert.equal(await outcome(await signRoot({})), "capability.malformed");
});

test("another document signed with the same key is no token", async () => {
  for (const implicitAssertion of ["", "postern/bundle/v1", "postern/state/v1"]) {
    assert.equal(
      await outcome(await issuer.key.sign(goodRoot, { footer, implicitAssertion })),
      "capability.signature",
    );
  }
});

test("a key that is unknown, or is a path or an address, is refused without being fetched", async () => {
  const stranger = await generateKeyPair();
  const rows: readonly [kid: string, code: ReasonCode][] = [
    [stranger.kid, "capability.unknown_key"],
    ["../../../etc/passwd", "capability.malformed"],
    ["https://keys.example/k4.pid", "capability.malformed"],
    ["k4.pid.' OR 1=1 --", "capability.malformed"],
    ["__proto__", "capability.malformed"],
  ];
  for (const [kid, code] of rows) {
    const token = await issuer.key.sign(goodRoot, { footer: { kid }, implicitAssertion: ROOT_ASSERTION });
    assert.equal(await outcome(token), code, kid);
  }
});

test("a stranger's key under a trusted key id is refused", async () => {
  const stranger = await importSigningKey((await generateKeyPair()).secretKey);
  const token = await stranger.sign(goodRoot, { footer, implicitAssertion: ROOT_ASSERTION });
  assert.equal(await outcome(token), "capability.signature");
});

test("a footer taken from another issuer's token is refused", async () => {
  const other = await createIssuer();
  const swapped = `${root.split(".").slice(0, 3).join(".")}.${(await other.mint()).token.split(".")[3]}`;
  assert.equal(await outcome(swapped), "capability.unknown_key");
});

test("other spellings and other kinds of token are malformed", async () => {
  const { token } = await issuer.mint();
  const body = token.slice("v4.public.".length);
  const spellings = [
    `v4.local.${body}`,
    `v3.public.${body}`,
    `v2.public.${body}`,
    `V4.public.${body}`,
    `${token}.`,
    `${token}.e30`,
    `${token}=`,
    `${token}~`,
    `~${token}`,
    `${token}~~`,
    ` ${token}`,
    `${token}\n`,
    `Bearer ${token}`,
    token.split(".").slice(0, 3).join("."),
    "eyJhbGciOiJub25lIn0.e30.",
    "null",
    "v4.public.",
    "\u0000",
    "😀",
  ];
  for (const spelling of spellings) assert.equal(await outcome(spelling), "capability.malformed", spelling);
});

test("a token of 64 kB, and one with more blocks than there may be, are refused before any key is sought", async () => {
  let lookups = 0;
  const keys: KeySet = {
    keys: [],
    find() {
      lookups += 1;
      return undefined;
    },
  };
  const verifier = createVerifier({ keys: () => keys, clock });
  const { token } = await issuer.mint();
  const blocks = Array.from({ length: HOPS_MAX + 2 }, () => token);
  for (const huge of [token + "A".repeat(65_536), blocks.join("~"), "~".repeat(1000)]) {
    const verified = await verifier.verify(huge);
    assert.equal(verified.ok ? "ok" : verified.reason.code, "capability.malformed");
  }
  assert.equal(lookups, 0);
});
