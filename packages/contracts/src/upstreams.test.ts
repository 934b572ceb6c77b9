// What a row of the registry may say, and every place in which somebody might try to put a secret, an address or a header that it may not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CredentialHeader, RegisteredUpstream, SecretReference, UpstreamUrl } from "./index.ts";

const ADDRESSES: readonly [text: string, isGood: boolean][] = [
  ["https://crm.example/mcp", true],
  ["http://crm:8080/mcp?toolset=all", true],
  ["https://[2001:db8::1]:8443/", true],
  ["http://10.0.0.1", true],
  ["https://tools_a.example/%7Emcp", true],
  ["ftp://crm.example/", false],
  ["file:///etc/passwd", false],
  ["https://user@crm.example/", false],
  ["https://user:pass@crm.example/", false],
  ["https://crm.example/#fragment", false],
  ["https://crm.example/#", false],
  ["https://crm.example/mcp?api_key=hunter2", false],
  ["https://crm.example/mcp?a=1&ACCESS_TOKEN=hunter2", false],
  ["https://crm.example/mcp?client_secret=", false],
  ["https://crm.example/mcp?%61pikey=hunter2", false],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: nothing of the kind is ever filled in.
  ["https://${HOST}/", false],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: nothing of the kind is ever filled in.
  ["https://crm.example/${POSTERN_SIDECAR_CREDENTIAL}", false],
  ["http://2130706433/", false],
  ["http://0x7f.1/", false],
  ["http://127.1/", false],
  ["http://crm.example./", false],
  ["http://CRM.example/", false],
  ["http://crm。example/", false],
  ["http:\\\\crm.example\\", false],
  ["https://crm.example/a b", false],
  ["https://crm.example\t/", false],
  ["https://crm.example/\n", false],
  ["https:crm.example", false],
  ["//crm.example/", false],
  ["https://crm.example:99999/", false],
  ["https://", false],
  [`https://crm.example/${"a".repeat(2048)}`, false],
];
for (const [text, isGood] of ADDRESSES) {
  test(`${JSON.stringify(text.slice(0, 60))} is ${isGood ? "an" : "no"} address of an upstream`, () => {
    assert.equal(UpstreamUrl.safeParse(text).success, isGood);
  });
}

test("a credential has a header of its own, and none that says how a request is framed or travels", () => {
  for (const name of ["Authorization", "X-Api-Key", "api-token", "Cookie"])
    assert.ok(CredentialHeader.safeParse(name).success, name);
  for (const name of [
    "",
    "a b",
    "a:b",
    "a\r\nb",
    "Host",
    "CONTENT-LENGTH",
    "content-type",
    "Transfer-Encoding",
  ])
    assert.ok(!CredentialHeader.safeParse(name).success, name);
  for (const name of [
    "connection",
    "Mcp-Session-Id",
    "mcp-method",
    "traceparent",
    "Proxy-Authorization",
    "te",
  ])
    assert.ok(!CredentialHeader.safeParse(name).success, name);
});

const HOSTILE_REFERENCES: readonly object[] = [
  { from: "file", name: "../credential" },
  { from: "file", name: ".." },
  { from: "file", name: ".hidden" },
  { from: "file", name: "a/b" },
  { from: "file", name: "a\\b" },
  { from: "file", name: "a\u0000b" },
  { from: "file", name: "" },
  { from: "env", name: "../X" },
  { from: "env", name: "path" },
  { from: "env", name: "A=B" },
  { from: "vault", path: "secret/../sys#x" },
  { from: "vault", path: "secret/./x#y" },
  { from: "vault", path: "/secret/x#y" },
  { from: "vault", path: "secret/x" },
  { from: "vault", path: "secret#x" },
  { from: "vault", path: "secret/x?version=1#y" },
  { from: "vault", path: "secret/%2e%2e/x#y" },
  { from: "file", name: "crm", value: "hunter2" },
  { from: "value", value: "hunter2" },
  { value: "hunter2" },
];
test("a secret is named in one of three ways, and never leads out of its place", () => {
  for (const good of [
    { from: "file", name: "crm.token" },
    { from: "env", name: "CRM" },
    { from: "vault", path: "secret/teams/crm#token" },
  ])
    assert.ok(SecretReference.safeParse(good).success, JSON.stringify(good));
  for (const bad of HOSTILE_REFERENCES)
    assert.ok(!SecretReference.safeParse(bad).success, JSON.stringify(bad));
});

test("there is no field in which a secret could stand", () => {
  const row = { name: "crm", transport: "http", url: "https://crm.example/mcp" };
  const header = { kind: "header", header: "authorization", secret: { from: "file", name: "crm" } };
  assert.ok(RegisteredUpstream.safeParse({ ...row, auth: header }).success);
  for (const auth of [
    { ...header, value: "hunter2" },
    { ...header, secret: "hunter2" },
    { ...header, prefix: "Bearer\r\nX: hunter2" },
    { kind: "none", secret: { from: "file", name: "crm" } },
    { kind: "oauth", token_url: "https://login.example/", client_id: "c", client_secret: "hunter2" },
  ])
    assert.ok(!RegisteredUpstream.safeParse({ ...row, auth }).success, JSON.stringify(auth));
  assert.ok(!RegisteredUpstream.safeParse({ ...row, auth: header, headers: { a: "hunter2" } }).success);
});
