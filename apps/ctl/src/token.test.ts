import assert from "node:assert/strict";
import { test } from "node:test";
import { type MintedToken, type MintRequest, mint } from "@postern/capability";
import { randomId, systemClock } from "@postern/fault";
import { generateKeyPair, importSigningKey } from "@postern/signing";
import { postern, posternJson } from "./cli.fixture.ts";

const pair = await generateKeyPair();
const key = await importSigningKey(pair.secretKey);
const issue = (request: Partial<MintRequest> = {}): Promise<MintedToken> =>
  mint(
    { tenant: "acme", subject: "bot", caveats: [], ...request },
    { key, clock: systemClock, newId: randomId },
  );

test("inspect explains a token, its caveats and its time in words", async () => {
  const caveats = [
    { type: "tool_allow" as const, tools: ["read_*"] },
    { type: "max_calls" as const, limit: 5 },
  ];
  const { token } = await issue({ caveats, ttlSeconds: 7200 });
  const { code, stdout } = await postern(["inspect", token]);
  assert.equal(code, 0);
  for (const part of [
    /Agent +bot/,
    /Tenant +acme/,
    /read_\*/,
    /5 calls/,
    /Expires .*in (2 h|1 h 59)/,
    /not checked/i,
  ])
    assert.match(stdout, part);
});

test("inspect with the right key says that the signatures hold", async () => {
  const { token } = await issue();
  const { code, json } = await posternJson(["inspect", "-", "--key", pair.publicKey], {
    input: `${token}\n`,
  });
  assert.equal(code, 0);
  assert.equal(json.signature.status, "valid");
  assert.equal(json.root_jti, json.jti);
});

test("inspect with another key exits with 1", async () => {
  const { token } = await issue();
  const other = await generateKeyPair();
  const { code, json } = await posternJson(["inspect", token, "--key", other.publicKey]);
  assert.equal(code, 1);
  assert.equal(json.signature.status, "invalid");
});

for (const text of [
  "",
  "hello",
  "v4.public.",
  "v4.public.AAAA.BBBB",
  "v4.local.AAAA",
  "v4.public.AAAA~v4.public.AAAA",
])
  test(`inspect refuses "${text}" as no token, with exit code 2`, async () => {
    const { code, json } = await posternJson(["inspect", text]);
    assert.equal(code, 2);
    assert.ok(json.error.message.length > 0);
  });

test("attenuate narrows offline, and the result verifies under the root's key", async () => {
  const { token, attenuationKey = "" } = await issue({ attenuable: true });
  const args = ["attenuate", token, "--max-calls", "3", "--expires-in", "15m", "--attenuable"];
  const { code, json } = await posternJson(args, { env: { POSTERN_ATTENUATION_KEY: attenuationKey } });
  assert.equal(code, 0);
  const seen = await posternJson(["inspect", json.token, "--key", pair.publicKey]);
  assert.equal(seen.json.signature.status, "valid");
  assert.equal(seen.json.jti, json.jti);
  assert.deepEqual(
    seen.json.hops[1].caveats.map(({ caveat }: { caveat: { type: string } }) => caveat.type),
    ["expiry", "max_calls"],
  );
  const again = ["attenuate", json.token, "--key", json.attenuation_key, "--tool", "read_invoice"];
  assert.equal((await postern(again)).code, 0);
});

test("attenuate refuses what it cannot do, with exit code 2", async () => {
  const { token, attenuationKey = "" } = await issue({ attenuable: true });
  const closed = await issue();
  const other = await issue({ attenuable: true });
  const cases = [
    [token, "--key", attenuationKey],
    [token, "--max-calls", "3"],
    [token, "--key", other.attenuationKey ?? "", "--max-calls", "3"],
    [token, "--key", "k4.secret.x", "--max-calls", "3"],
    [closed.token, "--key", attenuationKey, "--max-calls", "3"],
    [token, "--key", attenuationKey, "--max-calls", "many"],
    [token, "--key", attenuationKey, "--expires-in", "soon"],
    [token, "--key", attenuationKey, "--caveat", "{"],
    [token, "--key", attenuationKey, "--caveat", '{"type":"fly"}'],
  ];
  for (const args of cases) {
    const { code, json } = await posternJson(["attenuate", ...args]);
    assert.equal(code, 2, JSON.stringify(json));
    assert.doesNotMatch(JSON.stringify(json), /k4\.secret\.\w/);
  }
});
