// Where a secret may go: what an operator writes, and every address with which a tenant might try to be somewhere else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createSecretHosts, isHostPattern } from "./secret-hosts.ts";

const CASES: readonly [pattern: string, address: string, isAllowed: boolean][] = [
  ["crm.example", "https://crm.example/mcp", true],
  ["crm.example", "https://crm.example:443/mcp", true],
  ["crm.example", "https://crm.example:8443/mcp", false],
  ["crm.example", "http://crm.example/mcp", false],
  ["crm.example", "https://crm.example.evil/mcp", false],
  ["crm.example", "https://evil-crm.example/mcp", false],
  ["crm.example", "https://a.crm.example/mcp", false],
  ["crm.example", "https://evil/?crm.example", false],
  ["https://crm.example", "https://crm.example/", true],
  ["crm.example:8443", "https://crm.example:8443/", true],
  ["crm.example:8443", "https://crm.example/", false],
  ["crm.example:443", "https://crm.example/", true],
  ["crm.example:*", "https://crm.example:1/", true],
  ["http://crm", "http://crm/", true],
  ["http://crm", "https://crm/", false],
  ["http://crm:8080", "http://crm:8080/mcp", true],
  ["http://127.0.0.1:*", "http://127.0.0.1:3000/", true],
  ["http://127.0.0.1:*", "http://127.0.0.2:3000/", false],
  ["*.example", "https://crm.example/", true],
  ["*.example", "https://a.b.example/", true],
  ["*.example", "https://example/", false],
  ["*.example", "https://notexample/", false],
  ["[2001:db8::1]", "https://[2001:db8::1]/", true],
  ["[2001:db8::1]", "https://[2001:db8::2]/", false],
];
for (const [pattern, address, isAllowed] of CASES) {
  test(`${pattern} lets secrets go ${isAllowed ? "" : "not "}to ${address}`, () => {
    assert.equal(createSecretHosts([pattern]).allows(new URL(address)), isAllowed);
  });
}

test("without a pattern no secret goes anywhere, and what is no pattern allows nothing", () => {
  assert.equal(createSecretHosts([]).allows(new URL("https://crm.example/")), false);
  for (const text of [
    "",
    "*",
    "*.*",
    "crm.*",
    "https://",
    "https://crm/path",
    "crm:99999999",
    "a b",
    "user@crm",
    "ftp://crm",
  ]) {
    assert.equal(isHostPattern(text), false, text);
    assert.equal(createSecretHosts([text]).allows(new URL("https://crm.example/")), false, text);
  }
});
