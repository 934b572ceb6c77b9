import assert from "node:assert/strict";
import { test } from "node:test";
import { FAULT_KINDS } from "@postern/contracts";
import { randomId, systemClock } from "./clock.ts";
import { Fault, isRetryable, toFault } from "./fault.ts";

test("a Fault keeps its kind, code, public message and private detail apart", () => {
  const cause = new Error("driver says no");
  const fault = new Fault("unavailable", "ledger.unreachable", "The ledger cannot be reached.", {
    detail: "ECONNREFUSED",
    cause,
  });
  assert.equal(fault.message, "The ledger cannot be reached.");
  assert.equal(fault.detail, "ECONNREFUSED");
  assert.equal(fault.cause, cause);
  assert.ok(fault instanceof Error);
});

test("toFault returns a Fault as it is and hides the text of anything else", () => {
  const fault = new Fault("not_found", "draft.not_found", "No such draft.");
  assert.equal(toFault(fault), fault);
  for (const thrown of [
    new TypeError("password=hunter2"),
    "password=hunter2",
    { password: "hunter2" },
    undefined,
    null,
  ]) {
    const hidden = toFault(thrown);
    assert.equal(hidden.kind, "internal");
    assert.doesNotMatch(hidden.message, /hunter2/);
  }
  assert.match(toFault(new TypeError("x is not a function")).detail ?? "", /TypeError: x is not a function/);
});

test("only trouble that may pass is retryable", () => {
  const retryable = FAULT_KINDS.filter((kind) => isRetryable(new Fault(kind, "x", "x")));
  assert.deepEqual(retryable, ["limited", "upstream", "unavailable"]);
});

test("identifiers are UUIDs of version 7, unique, and sort by time", () => {
  const ids = Array.from({ length: 2000 }, () => randomId());
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids)
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const milliseconds = ids.map((id) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
  assert.deepEqual(
    milliseconds,
    [...milliseconds].sort((a, b) => a - b),
  );
});

test("the system clock's monotonic hand never steps back", () => {
  const readings = Array.from({ length: 100 }, () => systemClock.monotonicMs());
  assert.deepEqual(
    readings,
    [...readings].sort((a, b) => a - b),
  );
  assert.ok(Math.abs(systemClock.nowMs() - Date.now()) < 1000);
});
