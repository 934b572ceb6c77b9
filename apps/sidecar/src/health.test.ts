import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@postern/fault";
import { type Judged, problemsOf, readinessOf, warningsOf } from "./health.ts";

const usage = { bytes: 1, bytesMax: 10, level: "ok", oldestEpoch: 1, records: 0 } as const;

function judged(changes: Partial<Judged> = {}): Judged {
  return {
    state: { problems: () => [] },
    spool: { failure: () => undefined, usage: () => usage },
    journal: { owed: () => 0 },
    shipper: { stuck: () => undefined, waitingMs: () => 0 },
    ...changes,
  };
}

test("records that merely wait leave the sidecar ready, and after a minute it warns of them", () => {
  const waiting = (ms: number) => {
    const seen = judged({ shipper: { stuck: () => undefined, waitingMs: () => ms } });
    return readinessOf(problemsOf(seen), warningsOf(seen));
  };
  assert.deepEqual(waiting(0), { ready: true, reasons: [] });
  assert.deepEqual(waiting(60_000), { ready: true, reasons: [] });
  const warnings = ["audit records have been waiting for 90 s to be shipped"];
  assert.deepEqual(waiting(90_000), { ready: true, reasons: [], warnings });
});

test("a sidecar whose records are refused for good, or whose spool is gone, is not ready and says why", () => {
  const fork = new Fault("conflict", "audit.fork", "A record contradicts another.");
  const stuck = judged({ shipper: { stuck: () => fork, waitingMs: () => 0 } });
  assert.deepEqual(problemsOf(stuck), [
    "audit records cannot be shipped (audit.fork): A record contradicts another.",
  ]);
  const gone = new Fault("unavailable", "audit.spool_failed", "The audit spool cannot be written.");
  const failed = judged({ spool: { failure: () => gone, usage: () => usage } });
  assert.deepEqual(problemsOf(failed), ["the audit spool has failed: The audit spool cannot be written."]);
});
