import assert from "node:assert/strict";
import { test } from "node:test";
import { fixedClock, sequentialIds } from "@postern/testkit";
import { minuteAt } from "./charge.ts";
import { createLeaseLedger } from "./lease-ledger.ts";
import { authoritySuite, charge, ledgerSuite, TENANT } from "./ledger-suite.ts";
import { createMemoryLedger } from "./memory.ts";

ledgerSuite("memory", async (_, clock) => createMemoryLedger({ clock, newId: sequentialIds() }));
authoritySuite("memory", async (_, clock) => createMemoryLedger({ clock, newId: sequentialIds() }));

ledgerSuite("leases over memory", async (_, clock) => {
  const memory = createMemoryLedger({ clock });
  return createLeaseLedger({
    clock,
    schedule: () => () => {},
    authority: {
      lease: (request) => memory.lease(TENANT, { ...request, holder: "sidecar-1" }),
      giveBack: (returned) => memory.giveBack(TENANT, { ...returned, holder: "sidecar-1" }),
    },
  });
});

test("memory: a reservation of a forgotten minute can still be closed", async () => {
  const clock = fixedClock();
  const ledger = createMemoryLedger({ clock });
  const reserved = await ledger.reserve(TENANT, [charge(`rate:r:${minuteAt(clock.nowMs())}`, 1)]);
  clock.advance(600_000);
  await ledger.reserve(TENANT, [charge(`rate:r:${minuteAt(clock.nowMs())}`, 1)]);
  assert.ok(reserved.ok);
  await ledger.release(reserved.reservation);
});
