import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedClock } from "@postern/testkit";
import { type CredentialOptions, createCredential, type Grant } from "./credential.ts";
import type { FetchedToken, TokenEndpoint } from "./token-endpoint.ts";
import { faultOf } from "./upstream.fixture.ts";
import { isOutage, mayHaveRun } from "./upstream.ts";

const OWN: Grant = { type: "client_credentials", parameters: { scope: "call" } };
const EXCHANGE: Grant = { type: "token_exchange", parameters: { audience: "crm" } };

function opened(grant: Grant, options: Partial<CredentialOptions> = {}) {
  const clock = fixedClock();
  const asked: Readonly<Record<string, string>>[] = [];
  let answer = async (): Promise<FetchedToken> => ({ accessToken: `t${asked.length}`, lifetimeMs: 600_000 });
  const endpoint: TokenEndpoint = {
    fetchToken(parameters) {
      asked.push(parameters);
      return answer();
    },
    close: async () => {},
  };
  return {
    clock,
    asked,
    credential: createCredential({ endpoint, grant, clock, ...options }),
    answerWith(next: typeof answer) {
      answer = next;
    },
  };
}

test("many who wait share one fetch, and later ones get the token at once", async () => {
  const { credential, asked } = opened(OWN);
  const all = await Promise.all([1, 2, 3].map(() => credential.authorizationFor(undefined)));
  assert.deepEqual(all, ["Bearer t1", "Bearer t1", "Bearer t1"]);
  assert.equal(credential.authorizationFor("ignored"), "Bearer t1");
  assert.deepEqual(asked, [{ grant_type: "client_credentials", scope: "call" }]);
});

test("a token is replaced shortly before it expires", async () => {
  const { credential, clock } = opened(OWN);
  await credential.authorizationFor(undefined);
  clock.advance(569_999);
  assert.equal(credential.authorizationFor(undefined), "Bearer t1");
  clock.advance(1);
  assert.equal(await credential.authorizationFor(undefined), "Bearer t2");
  // The wall clock does not matter.
  clock.stepWall(10_000_000);
  assert.equal(credential.authorizationFor(undefined), "Bearer t2");
});

test("a short token keeps most of its life, one without a stated life is not kept long, and one without any is not kept", async () => {
  for (const [lifetimeMs, keptMs] of [
    [10_000, 8_000],
    [undefined, 270_000],
    [0, 0],
  ] as const) {
    const rig = opened(OWN);
    rig.answerWith(async () => ({ accessToken: `t${rig.asked.length}`, lifetimeMs }));
    await rig.credential.authorizationFor(undefined);
    rig.clock.advance(keptMs - 1);
    if (keptMs > 0) assert.equal(await rig.credential.authorizationFor(undefined), "Bearer t1");
    rig.clock.advance(1);
    assert.equal(await rig.credential.authorizationFor(undefined), "Bearer t2");
  }
});

test("a refused token is forgotten, and only that one", async () => {
  const { credential, asked } = opened(OWN);
  await credential.authorizationFor(undefined);
  credential.forget("Bearer other");
  credential.forget(undefined);
  assert.equal(credential.authorizationFor(undefined), "Bearer t1");
  credential.forget("Bearer t1");
  assert.equal(await credential.authorizationFor(undefined), "Bearer t2");
  credential.forget("Bearer t1");
  assert.equal(credential.authorizationFor(undefined), "Bearer t2");
  assert.equal(asked.length, 2);
});

test("a failed fetch fails the call, unsent and without its secrets, and is believed for a second", async () => {
  const rig = opened(OWN);
  rig.answerWith(async () => {
    throw new Error("the token endpoint answers HTTP 500");
  });
  const faults = await Promise.all(
    [1, 2].map(async () => faultOf(Promise.resolve(rig.credential.authorizationFor(undefined)))),
  );
  for (const fault of faults) {
    assert.deepEqual(
      [fault.kind, fault.code, mayHaveRun(fault), isOutage(fault)],
      ["upstream", "upstream.unavailable", false, false],
    );
    assert.equal(fault.detail, "the token endpoint answers HTTP 500");
  }
  rig.clock.advance(999);
  await faultOf(Promise.resolve(rig.credential.authorizationFor(undefined)));
  assert.equal(rig.asked.length, 1);
  rig.answerWith(async () => ({ accessToken: "good", lifetimeMs: undefined }));
  rig.clock.advance(1);
  assert.equal(await rig.credential.authorizationFor(undefined), "Bearer good");
});

test("each caller's token is exchanged for one of its own, which no other caller gets", async () => {
  const rig = opened(EXCHANGE);
  const [alice, bob] = await Promise.all(
    ["a", "b"].map((subject) => rig.credential.authorizationFor(subject)),
  );
  assert.notEqual(alice, bob);
  assert.deepEqual(
    [rig.credential.authorizationFor("a"), rig.credential.authorizationFor("b")],
    [alice, bob],
  );
  assert.deepEqual(rig.asked[0], {
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    subject_token: "a",
    subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
    requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
    audience: "crm",
  });
});

test("a caller without an access token gets nothing through an exchange, and nobody else's", async () => {
  const { credential, asked } = opened(EXCHANGE);
  await credential.authorizationFor("a");
  const fault = await faultOf(Promise.resolve(credential.authorizationFor(undefined)));
  assert.deepEqual([fault.code, mayHaveRun(fault)], ["upstream.unavailable", false]);
  assert.equal(asked.length, 1);
});

test("exchanged tokens are bounded, and the one unused for longest goes first", async () => {
  const { credential, asked } = opened(EXCHANGE, { tokensMax: 2 });
  for (const subject of ["a", "b", "a", "c", "a"]) await credential.authorizationFor(subject);
  assert.deepEqual(
    asked.map(({ subject_token }) => subject_token),
    ["a", "b", "c"],
  );
  await credential.authorizationFor("b");
  assert.equal(asked.length, 4);
});
