// What every ledger must do, run on each adapter. For tests only.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Capability, Caveat } from "@postern/contracts";
import { type FixedClock, fixedClock } from "@postern/testkit";
import { type Charge, chargesFor, minuteAt } from "./charge.ts";
import type { LeaseAuthority, Ledger, Reservation, Reserved } from "./ledger.ts";
import { sliceOf } from "./slice.ts";

/** Opens an empty adapter, or skips the test and returns undefined. */
export type Open<Port> = (t: TestContext, clock: FixedClock) => Promise<Port | undefined>;

export const TENANT = "acme";

export function charge(account: string, limit: number, amount = 1): Charge {
  const kind = account.startsWith("rate:") ? "rate" : account.startsWith("cost:") ? "cost" : "calls";
  return { account, kind, limit, amount };
}

export function capabilityWith(...hops: readonly (readonly Caveat[])[]): Capability {
  return {
    tenant: TENANT,
    agent: "agent",
    issuer: "postern",
    jti: `hop-${hops.length - 1}`,
    rootJti: "hop-0",
    parentJti: undefined,
    kid: "kid",
    issuedAtMs: 0,
    notBeforeMs: undefined,
    expiresAtMs: undefined,
    stepUpAtMs: undefined,
    hops: hops.map((caveats, depth) => ({ jti: `hop-${depth}`, caveats })),
    caveatCount: hops.flat().length,
  };
}

function reservationOf(reserved: Reserved): Reservation {
  assert.ok(reserved.ok, reserved.ok ? "" : reserved.reason.code);
  return reserved.reservation;
}

const codeOf = (reserved: Reserved) => (reserved.ok ? "ok" : reserved.reason.code);

/** The suite of `Ledger`. */
export function ledgerSuite(name: string, open: Open<Ledger>): void {
  const ledgerTest = (title: string, run: (ledger: Ledger, clock: FixedClock) => Promise<void>) =>
    test(`${name}: ${title}`, async (t) => {
      const clock = fixedClock();
      const ledger = await open(t, clock);
      if (ledger !== undefined) await run(ledger, clock);
    });

  ledgerTest(
    "each kind is granted up to its limit and then refused by its own code",
    async (ledger, clock) => {
      const minute = minuteAt(clock.nowMs());
      for (const [account, code] of [
        ["calls:a", "budget.calls"],
        [`rate:a:${minute}`, "budget.rate"],
        ["cost:a", "budget.cost"],
      ] as const) {
        for (let used = 0; used < 3; used += 1)
          assert.equal(codeOf(await ledger.reserve(TENANT, [charge(account, 3)])), "ok");
        assert.equal(codeOf(await ledger.reserve(TENANT, [charge(account, 3)])), code);
      }
    },
  );

  ledgerTest("a limit of zero and an amount above the limit are refused", async (ledger) => {
    assert.equal(codeOf(await ledger.reserve(TENANT, [charge("calls:zero", 0)])), "budget.calls");
    assert.equal(codeOf(await ledger.reserve(TENANT, [charge("cost:big", 10, 11)])), "budget.cost");
    assert.equal(codeOf(await ledger.reserve(TENANT, [charge("cost:big", 10, 10)])), "ok");
  });

  ledgerTest("the largest safe limit is counted exactly", async (ledger) => {
    const limit = Number.MAX_SAFE_INTEGER;
    assert.equal(codeOf(await ledger.reserve(TENANT, [charge("cost:huge", limit, limit - 1)])), "ok");
    assert.equal(codeOf(await ledger.reserve(TENANT, [charge("cost:huge", limit, 2)])), "budget.cost");
    assert.equal(codeOf(await ledger.reserve(TENANT, [charge("cost:huge", limit, 1)])), "ok");
  });

  ledgerTest("a call without charges is always granted", async (ledger) => {
    await ledger.release(reservationOf(await ledger.reserve(TENANT, [])));
  });

  ledgerTest("all accounts are charged or none", async (ledger) => {
    const both = [charge("calls:wide", 5), charge("calls:narrow", 1)];
    reservationOf(await ledger.reserve(TENANT, both));
    for (let tries = 0; tries < 3; tries += 1)
      assert.equal(codeOf(await ledger.reserve(TENANT, both)), "budget.calls");
    assert.equal(codeOf(await ledger.reserve(TENANT, [charge("calls:wide", 5, 4)])), "ok");
    assert.equal(codeOf(await ledger.reserve(TENANT, [charge("calls:wide", 5)])), "budget.calls");
  });

  ledgerTest("a release gives everything back, once", async (ledger) => {
    const all = [charge("calls:back", 2, 2), charge("cost:back", 7, 7)];
    const first = reservationOf(await ledger.reserve(TENANT, all));
    await ledger.release(first);
    reservationOf(await ledger.reserve(TENANT, all));
    await ledger.release(first);
    await ledger.settle(first, 0);
    assert.equal(codeOf(await ledger.reserve(TENANT, all)), "budget.calls");
  });

  ledgerTest("a settled call stays spent and its cost may only fall", async (ledger) => {
    const each = [charge("calls:settle", 3), charge("cost:settle", 10, 4)];
    const cheap = reservationOf(await ledger.reserve(TENANT, each));
    const dear = reservationOf(await ledger.reserve(TENANT, each));
    await ledger.settle(cheap, 1);
    await ledger.settle(dear, 9);
    await ledger.release(dear);
    assert.equal(codeOf(await ledger.reserve(TENANT, [charge("cost:settle", 10, 6)])), "budget.cost");
    assert.equal(codeOf(await ledger.reserve(TENANT, [charge("cost:settle", 10, 5)])), "ok");
    assert.equal(codeOf(await ledger.reserve(TENANT, [charge("calls:settle", 3)])), "ok");
    assert.equal(codeOf(await ledger.reserve(TENANT, [charge("calls:settle", 3)])), "budget.calls");
  });

  ledgerTest(
    "calls that come at once get exactly the limit, however their accounts are ordered",
    async (ledger) => {
      const [x, y] = [charge("calls:x", 25), charge("calls:y", 40)];
      const asked = Array.from({ length: 60 }, (_, n) =>
        ledger.reserve(TENANT, n % 2 === 0 ? [x, y] : [y, x]),
      );
      const granted = (await Promise.all(asked)).filter((reserved) => reserved.ok);
      assert.equal(granted.length, 25);
      const rest = await ledger.reserve(TENANT, [charge("calls:y", 40, 15)]);
      assert.equal(codeOf(rest), "ok");
    },
  );

  ledgerTest(
    "a rate starts afresh with the next minute, and no far minute can be opened",
    async (ledger, clock) => {
      const rate = (minute: number) => [charge(`rate:r:${minute}`, 1)];
      const minute = minuteAt(clock.nowMs());
      assert.equal(codeOf(await ledger.reserve(TENANT, rate(minute))), "ok");
      assert.equal(codeOf(await ledger.reserve(TENANT, rate(minute))), "budget.rate");
      assert.equal(codeOf(await ledger.reserve(TENANT, rate(minute + 2))), "budget.unavailable");
      clock.advance(60_000);
      assert.equal(codeOf(await ledger.reserve(TENANT, rate(minute + 1))), "ok");
    },
  );

  ledgerTest("what remains is told without asking", async (ledger, clock) => {
    const capability = capabilityWith(
      [
        { type: "max_calls", limit: 10 },
        { type: "max_cost", micros: 1_000 },
      ],
      [{ type: "max_calls", limit: 4 }],
    );
    const nowMs = clock.nowMs();
    assert.deepEqual(ledger.remaining(TENANT, capability, nowMs), { calls: 4, costMicros: 1_000 });
    const charges = chargesFor(capability, { nowMs, costMicros: 300 });
    assert.ok(charges.ok);
    const reservation = reservationOf(await ledger.reserve(TENANT, charges.charges));
    assert.deepEqual(ledger.remaining(TENANT, capability, nowMs), { calls: 3, costMicros: 700 });
    await ledger.settle(reservation);
    assert.deepEqual(ledger.remaining(TENANT, capabilityWith([]), nowMs), {});
  });
}

/** The suite of `LeaseAuthority`, for ledgers that hand out leases too. */
export function authoritySuite(name: string, open: Open<Ledger & LeaseAuthority>): void {
  const authorityTest = (
    title: string,
    run: (authority: Ledger & LeaseAuthority, clock: FixedClock) => Promise<void>,
  ) =>
    test(`${name}: ${title}`, async (t) => {
      const clock = fixedClock();
      const authority = await open(t, clock);
      if (authority !== undefined) await run(authority, clock);
    });

  const ask = (account: string, limit: number, want: number) => ({
    account,
    limit,
    want,
    holder: "sidecar-1",
  });

  authorityTest("slices shrink as the budget runs out and add up to the limit", async (authority) => {
    let left = 1_000;
    for (const want of [1, 1, 200, 3, 1, 1, 900, 1]) {
      const lease = await authority.lease(TENANT, ask("calls:slices", 1_000, want));
      assert.equal(lease.granted, sliceOf(left, want));
      left -= lease.granted;
      assert.equal(lease.remaining, left);
    }
    assert.equal(left, 0);
  });

  authorityTest("a lease comes back once, and only what was granted", async (authority) => {
    const lease = await authority.lease(TENANT, ask("calls:lease", 8, 8));
    assert.equal(lease.granted, 8);
    const back = { leaseId: lease.leaseId, unspent: 3, holder: "sidecar-1" };
    await authority.giveBack(TENANT, { ...back, leaseId: "unknown" });
    await authority.giveBack("other", back);
    await authority.giveBack(TENANT, { ...back, holder: "sidecar-2" });
    await authority.giveBack(TENANT, { ...back, unspent: 9 });
    assert.equal((await authority.lease(TENANT, ask("calls:lease", 8, 8))).granted, 0);
    await authority.giveBack(TENANT, back);
    await authority.giveBack(TENANT, back);
    assert.equal((await authority.lease(TENANT, ask("calls:lease", 8, 8))).granted, 3);
  });

  authorityTest(
    "an account's limit is set by its first use, and a larger one changes nothing",
    async (authority) => {
      assert.equal((await authority.lease(TENANT, ask("calls:first", 10, 4))).granted, 4);
      const greedy = await authority.lease(TENANT, ask("calls:first", 1_000_000, 500_000));
      assert.deepEqual([greedy.granted, greedy.remaining], [6, 0]);
      assert.equal(
        codeOf(await authority.reserve(TENANT, [charge("calls:first", 1_000_000)])),
        "budget.calls",
      );
      await authority.giveBack(TENANT, { leaseId: greedy.leaseId, unspent: 6, holder: "sidecar-1" });
      // A smaller limit holds for the one who names it, and does not shrink the account.
      assert.equal((await authority.lease(TENANT, ask("calls:first", 5, 5))).granted, 1);
      assert.equal(codeOf(await authority.reserve(TENANT, [charge("calls:first", 5)])), "budget.calls");
      assert.equal(codeOf(await authority.reserve(TENANT, [charge("calls:first", 10, 5)])), "ok");
    },
  );

  authorityTest("leases and reservations spend the same account", async (authority) => {
    await authority.lease(TENANT, ask("calls:same", 10, 6));
    assert.equal(codeOf(await authority.reserve(TENANT, [charge("calls:same", 10, 5)])), "budget.calls");
    assert.equal(codeOf(await authority.reserve(TENANT, [charge("calls:same", 10, 4)])), "ok");
  });

  authorityTest("tenants do not share accounts", async (authority) => {
    assert.equal((await authority.lease(TENANT, ask("calls:mine", 5, 5))).granted, 5);
    assert.equal((await authority.lease("other", ask("calls:mine", 5, 5))).granted, 5);
    assert.equal(codeOf(await authority.reserve("third", [charge("calls:mine", 5, 5)])), "ok");
  });

  authorityTest("a rate of another minute is not leased", async (authority, clock) => {
    const account = `rate:far:${minuteAt(clock.nowMs()) - 2}`;
    await assert.rejects(authority.lease(TENANT, ask(account, 5, 1)), { code: "budget.window" });
  });

  authorityTest("leases asked for at once never pass the limit", async (authority) => {
    const asked = Array.from({ length: 40 }, () => authority.lease(TENANT, ask("calls:crowd", 30, 1)));
    const granted = (await Promise.all(asked)).reduce((sum, lease) => sum + lease.granted, 0);
    assert.equal(granted, 30);
  });
}
