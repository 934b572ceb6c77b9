// Any interleaving of reserve, settle, release, lease, crash, outage and lost answer, over several holders: what ran
// never passes a limit, and when nothing was lost the whole limit can be used.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FixedClock, fixedClock, sequentialIds } from "@postern/testkit";
import fc from "fast-check";
import { createLeaseLedger, type LeaseLedger } from "./lease-ledger.ts";
import type { Reservation } from "./ledger.ts";
import { charge, TENANT } from "./ledger-suite.ts";
import { createMemoryLedger } from "./memory.ts";

const ACCOUNTS = ["calls:a", "calls:b", "cost:a"] as const;
const HOLDERS = 3;

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("reserve" as const),
      holder: fc.nat(HOLDERS - 1),
      accounts: fc.subarray([...ACCOUNTS], { minLength: 1 }),
      cost: fc.integer({ min: 1, max: 9 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("close" as const),
      ran: fc.boolean(),
      which: fc.nat(),
      again: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("answer" as const), count: fc.nat(4) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.constantFrom(300, 1_000, 6_000) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const), holder: fc.nat(HOLDERS - 1) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("network" as const), to: fc.constantFrom("up", "down", "deaf") }),
  },
);

interface World {
  readonly clock: FixedClock;
  readonly memory: ReturnType<typeof createMemoryLedger>;
  readonly timers: Set<{ atMs: number; run: () => void }>;
  /** "deaf": requests arrive and answers are lost. */
  network: string;
  /** Whether units may have been lost for good. */
  isLossy: boolean;
  readonly open: { ledger: LeaseLedger; reservation: Reservation }[];
  readonly used: Map<string, number>;
}

function newHolder(world: World, s: fc.Scheduler, name: string): LeaseLedger {
  const { clock, memory, timers } = world;
  const travel = async <Value>(send: () => Promise<Value>, isLossy: boolean): Promise<Value> => {
    if (world.network === "down") throw new Error("down");
    const answer = await send();
    if (world.network === "deaf") {
      world.isLossy ||= isLossy;
      throw new Error("deaf");
    }
    return s.schedule(Promise.resolve(answer));
  };
  return createLeaseLedger({
    clock,
    authority: {
      lease: (request) => travel(() => memory.lease(TENANT, { ...request, holder: name }), true),
      giveBack: (returned) => travel(() => memory.giveBack(TENANT, { ...returned, holder: name }), false),
    },
    schedule: (delayMs, run) => {
      const timer = { atMs: clock.monotonicMs() + delayMs, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  });
}

function runTimers({ clock, timers }: World): void {
  for (const timer of [...timers]) {
    if (timer.atMs > clock.monotonicMs()) continue;
    timers.delete(timer);
    timer.run();
  }
}

test("no interleaving overspends, and nothing that came back is lost", async () => {
  const limits = fc.record({
    "calls:a": fc.integer({ min: 1, max: 40 }),
    "calls:b": fc.integer({ min: 1, max: 15 }),
    "cost:a": fc.integer({ min: 1, max: 120 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      limits,
      fc.array(step, { minLength: 10, maxLength: 80, size: "max" }),
      async (s, limit, steps) => {
        const clock = fixedClock();
        const world: World = {
          clock,
          memory: createMemoryLedger({ clock, newId: sequentialIds(), leaseTtlMs: 5_000 }),
          timers: new Set(),
          network: "up",
          isLossy: false,
          open: [],
          used: new Map(ACCOUNTS.map((account) => [account, 0])),
        };
        const use = (account: string, amount: number) => {
          const used = (world.used.get(account) ?? 0) + amount;
          world.used.set(account, used);
          assert.ok(used <= limit[account as keyof typeof limit], `${account} overspent`);
        };
        const holders = Array.from({ length: HOLDERS }, (_, n) => newHolder(world, s, `holder-${n}`));
        const pending = new Set<Promise<void>>();

        const run = async (each: typeof step extends fc.Arbitrary<infer Step> ? Step : never) => {
          if (each.do === "reserve") {
            const ledger = holders[each.holder];
            assert.ok(ledger !== undefined);
            const charges = each.accounts.map((account) =>
              charge(account, limit[account], account === "cost:a" ? each.cost : 1),
            );
            const done = Promise.resolve(ledger.reserve(TENANT, charges)).then((reserved) => {
              pending.delete(done);
              if (!reserved.ok) return;
              for (const { account, amount } of reserved.reservation.charges) use(account, amount);
              world.open.push({ ledger, reservation: reserved.reservation });
            });
            pending.add(done);
          } else if (each.do === "close") {
            const [closing] = world.open.splice(each.which % Math.max(1, world.open.length), 1);
            if (closing === undefined) return;
            const { ledger, reservation } = closing;
            for (const { account, kind, amount } of reservation.charges) {
              if (!each.ran) use(account, -amount);
              else if (kind === "cost") use(account, Math.min(2, amount) - amount);
            }
            await (each.ran ? ledger.settle(reservation, 2) : ledger.release(reservation));
            if (each.again) await ledger.release(reservation);
          } else if (each.do === "answer") {
            for (let n = 0; n < each.count && s.count() > 0; n += 1) await s.waitOne();
          } else if (each.do === "advance") {
            clock.advance(each.ms);
            runTimers(world);
          } else if (each.do === "crash") {
            const crashed = holders[each.holder];
            const lost = world.open.filter(({ ledger }) => ledger === crashed);
            for (const each of lost) world.open.splice(world.open.indexOf(each), 1);
            world.isLossy = true;
            holders[each.holder] = newHolder(world, s, `reborn-${each.holder}`);
          } else {
            world.network = each.to;
          }
        };
        for (const each of steps) {
          await run(each);
          await Promise.resolve();
        }

        world.network = "up";
        const settleDown = async () => {
          for (let turn = 0; turn < 4; turn += 1) {
            while (s.count() > 0) await s.waitOne();
            await new Promise(setImmediate);
          }
        };
        await settleDown();
        clock.advance(10_000);
        runTimers(world);
        await settleDown();
        await Promise.all(pending);
        for (const { ledger, reservation } of world.open) await ledger.settle(reservation);
        const drained = Promise.all(holders.map((holder) => holder.drain()));
        await settleDown();
        await drained;

        if (world.isLossy) return;
        for (const account of ACCOUNTS) {
          const rest = limit[account] - (world.used.get(account) ?? 0);
          if (rest === 0) continue;
          const all = await world.memory.reserve(TENANT, [charge(account, limit[account], rest)]);
          assert.ok(all.ok, `${account}: ${rest} units are missing`);
        }
      },
    ),
    { numRuns: 300 },
  );
});
