// Access tokens that must be worth nothing, each right but for one thing, and trust that cannot be given.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this is how the templates of agents are written.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { exportJWK, exportSPKI, generateKeyPair, importSPKI } from "jose";
import { ACME } from "../../control-plane.fixture.ts";
import { events, OTHER_RESOURCE, RESOURCE, type Rig, RULES, setup } from "./exchange.fixture.ts";
import { rawJwt } from "./issuer.fixture.ts";

const hostile: Record<string, (rig: Rig) => Promise<string>> = {
  "no signature at all (alg none)": async (rig) => {
    const [, payload] = (await rig.token()).split(".");
    return `${rawJwt({ alg: "none", typ: "at+jwt" }, {}).split(".")[0]}.${payload}.`;
  },
  "alg none with a signature": async (rig) => {
    const [, payload, signature] = (await rig.token()).split(".");
    return `${rawJwt({ alg: "none", typ: "at+jwt", kid: "k1" }, {}).split(".")[0]}.${payload}.${signature}`;
  },
  "HS256 with the public key as the secret": async (rig) => {
    const [, payload] = (await rig.token()).split(".");
    const { publicKey } = await generateKeyPair("RS256", { extractable: true });
    rig.issuer.publish([{ ...(await exportJWK(publicKey)), kid: "k1" }]);
    const head = rawJwt({ alg: "HS256", typ: "at+jwt", kid: "k1" }, {}).split(".")[0];
    const secret = await exportSPKI(await importSPKI(await exportSPKI(publicKey), "RS256"));
    return `${head}.${payload}.${createHmac("sha256", secret).update(`${head}.${payload}`).digest("base64url")}`;
  },
  "HS256 with a symmetric key that the issuer publishes": async (rig) => {
    const key = new Uint8Array(32).fill(1);
    rig.issuer.publish([{ kty: "oct", k: Buffer.from(key).toString("base64url"), kid: "k1", alg: "HS256" }]);
    return rig.token({ key, header: { alg: "HS256" } });
  },
  "an algorithm that the tenant does not allow": async (rig) => {
    const pair = await generateKeyPair("ES384");
    rig.issuer.publish([{ ...(await exportJWK(pair.publicKey)), kid: "k1" }]);
    return rig.token({ key: pair.privateKey, header: { alg: "ES384" } });
  },
  "another issuer's key": async (rig) => rig.token({ key: (await generateKeyPair("ES256")).privateKey }),
  "a key of its own in the header": async (rig) => {
    const pair = await generateKeyPair("ES256", { extractable: true });
    return rig.token({
      key: pair.privateKey,
      header: { jwk: await exportJWK(pair.publicKey), kid: undefined },
    });
  },
  "a key address in the header": async (rig) =>
    rig.token({
      key: (await generateKeyPair("ES256")).privateKey,
      header: { jku: `${rig.issuer.url}/evil`, x5u: `${rig.issuer.url}/evil`, kid: "other" },
    }),
  "a key id that is an address": (rig) => rig.token({ header: { kid: `${rig.issuer.url}/evil` } }),
  "a key id that is a path": (rig) => rig.token({ header: { kid: "../../../../dev/null" } }),
  "a key id that is a query": (rig) => rig.token({ header: { kid: "k1' or '1'='1" } }),
  "a header that must be understood": async (rig) => {
    const [, payload] = (await rig.token()).split(".");
    const head = rawJwt({ alg: "ES256", typ: "at+jwt", kid: "k1", crit: ["exp"], exp: 1 }, {}).split(".")[0];
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    const signature = await crypto.subtle.sign(algorithm, rig.issuer.key, Buffer.from(`${head}.${payload}`));
    return `${head}.${payload}.${Buffer.from(signature).toString("base64url")}`;
  },
  "the type of something else": (rig) => rig.token({ header: { typ: "logout+jwt" } }),
  "a proof, not a token": (rig) => rig.token({ header: { typ: "dpop+jwt" } }),
  "another audience": (rig) => rig.token({ claims: { aud: OTHER_RESOURCE } }),
  "an audience that begins alike": (rig) => rig.token({ claims: { aud: `${RESOURCE}/files` } }),
  "an audience that only looks alike": (rig) => rig.token({ claims: { aud: RESOURCE.toUpperCase() } }),
  "no audience": (rig) => rig.token({ claims: { aud: undefined } }),
  "an audience of another type": (rig) => rig.token({ claims: { aud: { [RESOURCE]: true } } }),
  "an expired token": (rig) =>
    rig.token({ claims: { exp: Math.floor(rig.plane.clock.nowMs() / 1000) - 31 } }),
  "no end": (rig) => rig.token({ claims: { exp: undefined } }),
  "an end that is no number": (rig) => rig.token({ claims: { exp: "9999999999" } }),
  "a beginning in the future": (rig) =>
    rig.token({ claims: { nbf: Math.floor(rig.plane.clock.nowMs() / 1000) + 31 } }),
  "issued in the future": (rig) =>
    rig.token({ claims: { iat: Math.floor(rig.plane.clock.nowMs() / 1000) + 31 } }),
  "no subject": (rig) => rig.token({ claims: { sub: undefined } }),
  "an empty subject": (rig) => rig.token({ claims: { sub: "" } }),
  "a subject that is no text": (rig) => rig.token({ claims: { sub: ["alice"] } }),
  "a subject that climbs": (rig) => rig.token({ claims: { sub: "admin/../" } }),
  "a subject that is a template": (rig) => rig.token({ claims: { sub: "${groups}" } }),
  "a subject with wildcards": (rig) => rig.token({ claims: { sub: "*" } }),
  "a subject named like a part of every object": (rig) =>
    rig.token({ claims: { sub: "a/b", constructor: "x", toString: "y" } }),
  "a token bound to its holder's key": (rig) => rig.token({ claims: { cnf: { jkt: "thumb" } } }),
  "another issuer": (rig) => rig.token({ claims: { iss: "https://login.example" } }),
  "an issuer with a slash more": (rig) => rig.token({ claims: { iss: `${rig.issuer.url}/` } }),
  "an issuer that is a list": (rig) => rig.token({ claims: { iss: [rig.issuer.url] } }),
  "a payload that is no object": async () => `${rawJwt({ alg: "ES256" }, []).slice(0, -1)}.AAAA`,
  "no JWT": async () => "not-a-jwt",
  "an encrypted one": async (rig) => `${await rig.token()}.AAAA.AAAA`,
  "a padded one": async (rig) => `${await rig.token()}=`,
  "a changed signature": async (rig) => {
    const [head, payload, signature = ""] = (await rig.token()).split(".");
    const bytes = Buffer.from(signature, "base64url");
    bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
    return `${head}.${payload}.${bytes.toString("base64url")}`;
  },
  "a changed claim": async (rig) => {
    const [head, , signature] = (await rig.token()).split(".");
    const [, payload] = (await rig.token({ claims: { groups: ["ops"] } })).split(".");
    return `${head}.${payload}.${signature}`;
  },
};

test("whatever is wrong with an access token, it is exchanged for nothing", async (t) => {
  const rig = await setup(t);
  for (const [name, make] of Object.entries(hostile)) {
    rig.issuer.publish([rig.issuer.publicJwk]);
    // What one case made the control plane fetch is forgotten before the next.
    rig.plane.clock.advance(700_000);
    const token = await make(rig);
    const answer = await rig.exchange(token);
    assert.deepEqual(
      [answer.status, answer.json.code],
      [403, "capability.exchange"],
      `${name}: ${answer.text}`,
    );
    assert.ok(!answer.text.includes(token.slice(0, 40)), `${name}: quotes the token`);
  }
  assert.ok(!rig.issuer.asked.includes("/evil"));
  const told = await events(rig);
  assert.ok(told.every(({ decision }: { decision: string }) => decision === "block"));
  rig.issuer.publish([rig.issuer.publicJwk]);
  rig.plane.clock.advance(700_000);
  assert.equal((await rig.exchange(await rig.token())).status, 200, "the right one still is");
});

test("a token for one sidecar is worth nothing at another, and none at a resource that is nobody's", async (t) => {
  const rig = await setup(t, { audiences: [RESOURCE, OTHER_RESOURCE] });
  const forOther = await rig.token({ claims: { aud: OTHER_RESOURCE } });
  assert.match((await rig.exchange(forOther)).json.error, /another resource/);
  assert.equal((await rig.exchange(forOther, OTHER_RESOURCE)).status, 200);
  const elsewhere = "https://third.example/v1/mcp";
  const forElsewhere = await rig.token({ claims: { aud: elsewhere } });
  assert.match((await rig.exchange(forElsewhere, elsewhere)).json.error, /not trusted for this resource/);
});

test("a huge token is refused before anything in it is read", async (t) => {
  const rig = await setup(t);
  const huge = await rig.token({ claims: { padding: "x".repeat(20_000) } });
  assert.equal((await rig.exchange(huge)).status, 400);
  assert.deepEqual(rig.issuer.asked, []);
});

test("an issuer's address is an https one, and its audiences are", async (t) => {
  const rig = await setup(t);
  for (const wrong of [
    { issuer: "http://login.example" },
    { issuer: "ftp://login.example" },
    { issuer: "https://login.example?x=1" },
    { issuer: "https://login.example#x" },
    { issuer: "https://user:pw@login.example" },
    { issuer: "https://login.example\n" },
    { issuer: "https://login.example\\@evil.example" },
    { issuer: "javascript:alert(1)" },
    { issuer: "http://127.0.0.1.evil.example" },
    { issuer: "https://" },
    { audiences: [] },
    { audiences: ["http://sidecar.example"] },
    { jwks_uri: "http://169.254.169.254/jwks" },
    { jwks_uri: "file:///etc/passwd" },
    { algorithms: ["none"] },
    { algorithms: ["HS256"] },
    { algorithms: [] },
    { rules: [{ ...RULES[0], grant: { agent: "${a}${b}" } }] },
    { rules: [{ ...RULES[0], grant: { agent: "${" } }] },
    { rules: [{ ...RULES[0], grant: { agent: "$sub" } }] },
    { rules: [{ ...RULES[0], grant: { agent: "a", ttl_seconds: 86_400 } }] },
    { rules: [{ ...RULES[0], match: { sub: "a" } }] },
    { rules: [{ ...RULES[0], match: { "/sub": { glob: "*", one_of: ["a"] } } }] },
  ]) {
    const body = { issuer: "https://login.example", audiences: [RESOURCE], rules: RULES, ...wrong };
    const answer = await rig.plane.request("POST", "/v1/admin/issuers", { token: ACME, body });
    assert.equal(answer.status, 400, JSON.stringify(wrong));
  }
});

test("a key address at a link-local name is not connected to", async (t) => {
  const rig = await setup(t, { jwks_uri: "https://169.254.169.254/latest/meta-data" });
  const answer = await rig.exchange(await rig.token());
  assert.deepEqual([answer.status, answer.json.code], [503, "issuers.unreachable"]);
});
