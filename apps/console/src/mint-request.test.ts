import assert from "node:assert/strict";
import { test } from "node:test";
import { type MintFields, readMintRequest } from "./mint-request.ts";

const fields: MintFields = {
  tenant: "acme",
  subject: " agent-x ",
  tools: "",
  maxCalls: "",
  ttl: "",
  ttlUnit: "hours",
  stepUp: false,
};

test("empty fields are left out of the request", () => {
  assert.deepEqual(readMintRequest(fields), { ok: true, request: { tenant: "acme", subject: "agent-x" } });
});

test("every field reaches the request in the wire's units", () => {
  const read = readMintRequest({
    ...fields,
    tools: "read_*, write\n\n  list ",
    maxCalls: " 7 ",
    ttl: "2",
    ttlUnit: "days",
    stepUp: true,
  });
  assert.deepEqual(read, {
    ok: true,
    request: {
      tenant: "acme",
      subject: "agent-x",
      tools: ["read_*", "write", "list"],
      max_calls: 7,
      ttl_seconds: 172_800,
      step_up: true,
    },
  });
});

// A limit that is mistyped must never become a token without a limit.
for (const wrong of ["0", "-1", "1.5", "1e3", "0x10", "many", "9007199254740993"])
  test(`"${wrong}" is refused as a number of calls and as a lifetime`, () => {
    assert.equal(readMintRequest({ ...fields, maxCalls: wrong }).ok, false);
    assert.equal(readMintRequest({ ...fields, ttl: wrong }).ok, false);
  });

test("a token needs an agent", () => {
  assert.equal(readMintRequest({ ...fields, subject: "  " }).ok, false);
});
