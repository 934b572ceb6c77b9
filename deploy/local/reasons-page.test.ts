import assert from "node:assert/strict";
import { test } from "node:test";
import { CHECKS, ERROR_CODE } from "../../packages/contracts/src/index.ts";
import { reasonsPage } from "./reasons-page.ts";

test("the page names for every code the check that a reply with it names", () => {
  const rows = [...reasonsPage().matchAll(/^\| (-\d+) \| `(\w+)` \|/gm)].map(([, code, check]) => [
    Number(code),
    check,
  ]);
  assert.deepEqual(
    rows.map(([code]) => code),
    Object.values(ERROR_CODE),
  );
  for (const [, check] of rows) assert.ok(CHECKS.some((known) => known === check));
  const checkOf = new Map(rows.map(([code, check]) => [code, check]));
  // A policy escalates; that a person has to approve is no check of its own.
  assert.equal(checkOf.get(ERROR_CODE.approval_pending), "policy");
  assert.equal(checkOf.get(ERROR_CODE.upstream_unavailable), "upstream");
  assert.equal(checkOf.get(ERROR_CODE.audit_unavailable), "audit");
});
