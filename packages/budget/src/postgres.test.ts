import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { PGlite } from "@electric-sql/pglite";
import { defer, type FixedClock, fixedClock, throwawayPostgres } from "@postern/testkit";
import { drizzle as drizzlePglite } from "drizzle-orm/pglite";
import { drizzle as drizzlePostgres } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { minuteAt } from "./charge.ts";
import { createLeaseLedger } from "./lease-ledger.ts";
import { authoritySuite, charge, ledgerSuite, TENANT } from "./ledger-suite.ts";
import { budgetSchemaSql, createPostgresLedger, type PostgresLedger } from "./postgres.ts";

// One embedded database serves the whole file; each test starts from empty tables.
const pglite = new PGlite();
const ready = pglite.exec(budgetSchemaSql);

async function openPglite(_: TestContext, clock: FixedClock): Promise<PostgresLedger> {
  await ready;
  await pglite.exec("TRUNCATE budget_accounts, budget_leases");
  return createPostgresLedger(drizzlePglite(pglite), { clock });
}

async function openPostgres(t: TestContext, clock: FixedClock): Promise<PostgresLedger | undefined> {
  const database = await throwawayPostgres(t);
  if (database === undefined) return undefined;
  const sql = postgres(database.url, { max: 6, onnotice: () => {} });
  defer(t, () => sql.end());
  await sql.unsafe(budgetSchemaSql);
  return createPostgresLedger(drizzlePostgres(sql), { clock });
}

for (const [name, open] of [
  ["PGlite", openPglite],
  ["Postgres", openPostgres],
] as const) {
  ledgerSuite(name, open);
  authoritySuite(name, open);

  test(`${name}: forgetting keeps what still counts`, async (t) => {
    const clock = fixedClock();
    const ledger = await open(t, clock);
    if (ledger === undefined) return;
    await ledger.reserve(TENANT, [charge(`rate:r:${minuteAt(clock.nowMs())}`, 5), charge("calls:keep:7", 5)]);
    const lease = await ledger.lease(TENANT, { account: "calls:keep:7", limit: 5, want: 2, holder: "s" });
    assert.equal(await ledger.prune(), 0);
    await ledger.giveBack(TENANT, { leaseId: lease.leaseId, unspent: 1, holder: "s" });
    clock.advance(180_000);
    assert.equal(await ledger.prune(), 2);
    await ledger.giveBack(TENANT, { leaseId: lease.leaseId, unspent: 1, holder: "s" });
    const rest = await ledger.reserve(TENANT, [charge("calls:keep:7", 5, 4)]);
    assert.equal(rest.ok ? "ok" : rest.reason.code, "budget.calls");
  });
}

test("Postgres: several ledgers and lease holders together use exactly the limit", async (t) => {
  const clock = fixedClock();
  const shared = await openPostgres(t, clock);
  if (shared === undefined) return;
  const limit = 150;
  const holders = ["a", "b", "c"].map((holder) =>
    createLeaseLedger({
      clock,
      schedule: () => () => {},
      authority: {
        lease: (request) => shared.lease(TENANT, { ...request, holder }),
        giveBack: (returned) => shared.giveBack(TENANT, { ...returned, holder }),
      },
    }),
  );
  const charges = [charge("calls:shared", limit), charge("cost:shared", limit * 10, 10)];
  const doors = [...holders, shared];
  const asked = Array.from({ length: 80 }, (_, n) => doors[n % doors.length]?.reserve(TENANT, charges));
  const first = await Promise.all(asked);
  let used = 0;
  for (const [n, reserved] of first.entries()) {
    if (!reserved?.ok) continue;
    const door = doors[n % doors.length];
    if (n % 3 === 0) await door?.release(reserved.reservation);
    else {
      used += 1;
      await door?.settle(reserved.reservation, 10);
    }
  }
  await Promise.all(holders.map((holder) => holder.drain()));
  while ((await shared.reserve(TENANT, charges)).ok) used += 1;
  assert.equal(used, limit);
});

test("PGlite: a database that fails refuses reservations and is reported", async () => {
  const broken = new PGlite();
  await broken.exec("SELECT 1");
  const heard: string[] = [];
  const ledger = createPostgresLedger(drizzlePglite(broken), { onTrouble: ({ kind }) => heard.push(kind) });
  const refused = await ledger.reserve(TENANT, [charge("calls:a", 5)]);
  assert.equal(refused.ok ? "" : refused.reason.code, "budget.unavailable");
  assert.equal(heard.length, 1);
  const request = { account: "calls:a", limit: 5, want: 1, holder: "s" };
  await assert.rejects(ledger.lease(TENANT, request), { kind: "unavailable", code: "budget.ledger" });
  await broken.close();
});

test("PGlite: the table itself refuses to be overspent", async () => {
  await ready;
  await assert.rejects(pglite.exec("INSERT INTO budget_accounts VALUES ('t', 'calls:x', 5, 6)"), /check/);
});
