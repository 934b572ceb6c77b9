// What the control plane may be made to connect to, and what it takes from there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import type { Resolve } from "@postern/network";
import { json, testIssuer } from "./issuer.fixture.ts";
import { createJsonFetch } from "./json-fetch.ts";

const isUnreachable = (detail: RegExp) => (caught: unknown) =>
  caught instanceof Fault && caught.code === "issuers.unreachable" && detail.test(caught.detail ?? "");

test("an address in any spelling is judged before it is connected to", async () => {
  const fetchJson = createJsonFetch({ mayBePrivate: false });
  for (const host of [
    "127.0.0.1",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "[::1]",
    "[::ffff:7f00:1]",
    "169.254.169.254",
    "0",
  ])
    await assert.rejects(fetchJson(`http://${host}:1/jwks`), isUnreachable(/may not be reached/), host);
});

test("a name is judged by all that it resolves to, and that is connected to", async (t) => {
  const issuer = await testIssuer(t);
  issuer.answers.set("/doc", json({ fine: true }));
  const { port } = new URL(issuer.url);
  const resolvesTo =
    (...addresses: string[]): Resolve =>
    async () =>
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  const ask = (resolve: Resolve) =>
    createJsonFetch({ mayBePrivate: true, resolve })(`http://rebound.example:${port}/doc`);
  assert.deepEqual(await ask(resolvesTo("127.0.0.1")), { fine: true });
  await assert.rejects(ask(resolvesTo("169.254.169.254")), isUnreachable(/may not be reached|no address/));
  await assert.rejects(
    ask(resolvesTo("127.0.0.1", "169.254.169.254")),
    isUnreachable(/may not be reached|no address/),
  );
  await assert.rejects(ask(resolvesTo()), isUnreachable(/may not be reached|no address/));
});

test("a redirect, another status, too much, too late and no JSON are no answer", async (t) => {
  const issuer = await testIssuer(t);
  const fetchJson = createJsonFetch({ mayBePrivate: true, bytesMax: 1000, timeoutMs: 300 });
  issuer.answers.set("/moved", json({}, 302, { location: `${issuer.url}/there` }));
  issuer.answers.set("/there", json({}));
  issuer.answers.set("/large", json({ keys: "x".repeat(2000) }));
  issuer.answers.set("/slow", () => {});
  issuer.answers.set("/text", (_, response) => void response.end("<html>"));
  issuer.answers.set("/bytes", (_, response) => void response.end(Buffer.from([0x22, 0xff, 0x22])));
  issuer.answers.set("/cut", (_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("{", () => response.destroy());
  });
  for (const [path, detail] of [
    ["moved", /302/],
    ["absent", /404/],
    ["large", /larger than 1000/],
    ["slow", /abort|timeout/i],
    ["text", /JSON/],
    ["bytes", /encoded|valid/],
    ["cut", /./],
  ] as const)
    await assert.rejects(fetchJson(`${issuer.url}/${path}`), isUnreachable(detail), path);
  assert.ok(!issuer.asked.includes("/there"));
});
