import assert from "node:assert/strict";
import { test } from "node:test";
import { RegisteredUpstream } from "@postern/contracts";
import { readUpstream } from "./upstream-request.ts";

const fields = {
  ...{
    url: " https://tools.example/mcp ",
    transport: "http",
    enabled: true,
    auth: "none",
    from: "file",
    secret: "",
  },
  ...{
    header: "authorization",
    prefix: "Bearer ",
    tokenUrl: "https://login.example/token",
    clientId: "c",
    scopes: "a  b",
  },
};

for (const [name, change, kind] of [
  ["no credential", {}, "none"],
  ["a header from a file", { auth: "header", secret: "bank" }, "header"],
  ["a header from the environment", { auth: "header", from: "env", secret: "BANK" }, "header"],
  [
    "client credentials from Vault",
    { auth: "oauth", from: "vault", secret: "kv/bank#key", transport: "sse" },
    "oauth",
  ],
] as const)
  test(`a server with ${name} is what the registry takes`, () => {
    const read = readUpstream({ ...fields, ...change });
    assert.ok(read.ok);
    const { enabled, ...request } = read.request as { enabled: boolean };
    const parsed = RegisteredUpstream.parse({ name: "bank", ...request });
    assert.deepEqual([parsed.auth.kind, parsed.url, enabled], [kind, "https://tools.example/mcp", true]);
  });

for (const [change, problem] of [
  [{ url: " " }, /address/],
  [{ auth: "header" }, /Name the secret/],
  [{ auth: "header", secret: "s", header: "" }, /Name the header/],
  [{ auth: "oauth", secret: "s", clientId: "" }, /token endpoint/],
] as const)
  test(`${JSON.stringify(change)} is refused`, () => {
    const read = readUpstream({ ...fields, ...change });
    assert.match(read.ok ? "" : read.problem, problem);
  });
