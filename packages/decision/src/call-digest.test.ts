import assert from "node:assert/strict";
import { test } from "node:test";
import { callDigest, type DigestedCall } from "./call-digest.ts";

const call: DigestedCall = {
  ...{ tenant: "acme", agent: "robot", method: "tools/call", tool: "pay", upstream: "bank" },
  ...{ args: { to: "ada", amount: 5 }, policySha256: "0".repeat(64) },
};

test("the digest of a call does not depend on the order of its arguments, and is always the same", () => {
  assert.equal(callDigest(call), callDigest({ ...call, args: { amount: 5, to: "ada" } }));
  assert.equal(callDigest(call), "85f896005f9e64358bdd877e43e6270d7a248316ea840a12260f0e746a1fee87");
});

test("a call that differs in anything has another digest", () => {
  const others: Partial<DigestedCall>[] = [
    { tenant: "beta" },
    { agent: "other" },
    { method: "resources/read" },
    { tool: "refund" },
    { upstream: "other" },
    { args: { to: "ada", amount: 6 } },
    { args: { to: "ada", amount: "5" } },
    { args: {} },
    { policySha256: "1".repeat(64) },
  ];
  const digests = [call, ...others.map((other) => ({ ...call, ...other }))].map(callDigest);
  assert.equal(new Set(digests).size, digests.length);
});

test("arguments without a canonical form have no digest", () => {
  assert.throws(() => callDigest({ ...call, args: { name: "\ud800" } }), { code: "audit.not_canonical" });
});
