import assert from "node:assert/strict";
import { test } from "node:test";
import type { SpoolBody } from "@postern/contracts";
import { Fault } from "@postern/fault";
import { silentLogger } from "@postern/telemetry";
import { createJournal } from "./journal.ts";

const outcome = {
  kind: "outcome",
  event_id: "e1",
  outcome: "executed",
  reason: "",
  latency_ms: 1,
  upstream_status: 200,
  cost_micros: 0,
} as const satisfies SpoolBody;

function createRig(failures: (Fault | undefined)[]) {
  const written: SpoolBody[] = [];
  let waits = 0;
  const paid = Promise.withResolvers<void>();
  const journal = createJournal({
    speaker: { tenant: "acme", sidecarId: "s", epoch: 1 },
    spool: {
      async append(body) {
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
        written.push(typeof body === "function" ? body() : body);
        return { sequence: written.length, hash: "" };
      },
    },
    sleep: async () => {
      waits += 1;
    },
    random: () => 0,
    log: silentLogger,
    onAppended: paid.resolve,
  });
  return { journal, written, paid: paid.promise, waits: () => waits };
}

const full = new Fault("unavailable", "audit.spool_full", "full");

test("an outcome that cannot be written stays owed and is written as soon as it can be", async () => {
  const { journal, written, paid } = createRig([full, full, full]);
  await journal.appendOutcome(outcome);
  assert.equal(journal.owed(), 1);
  await paid;
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(written, [outcome]);
  assert.equal(journal.owed(), 0);
});

test("an intent that cannot be written is the caller's to hear of", async () => {
  const { journal } = createRig([full]);
  await assert.rejects(journal.append(outcome), { code: "audit.spool_full" });
  assert.equal(journal.owed(), 0);
});

test("what can never be written is not tried for ever", async () => {
  const broken = new Fault("invalid", "audit.record_too_large", "too large");
  const { journal, waits } = createRig([broken, broken, broken]);
  await journal.appendOutcome(outcome);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([journal.owed(), waits()], [0, 1]);
});
