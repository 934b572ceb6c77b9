import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fault } from "@postern/fault";
import { fixedClock, sequentialIds } from "@postern/testkit";
import { createLeaseLedger } from "./lease-ledger.ts";
import type { Lease, LeaseRequest, Reserved } from "./ledger.ts";
import { capabilityWith, charge, TENANT } from "./ledger-suite.ts";
import { createMemoryLedger } from "./memory.ts";

const codeOf = (reserved: Reserved) => (reserved.ok ? "ok" : reserved.reason.code);

/** A lease ledger over a memory authority whose answers, failures and timers the test decides. */
function setup({ ttlMs = 10_000 } = {}) {
  const clock = fixedClock();
  const memory = createMemoryLedger({ clock, newId: sequentialIds(), leaseTtlMs: ttlMs });
  const asked: LeaseRequest[] = [];
  const returned: { leaseId: string; unspent: number }[] = [];
  const heard: string[] = [];
  const timers = new Set<{ atMs: number; run: () => void }>();
  const state = { isDown: false, gate: Promise.resolve() };
  const ledger = createLeaseLedger({
    clock,
    onTrouble: (fault: Fault) => void heard.push(fault.code),
    schedule: (delayMs, run) => {
      const timer = { atMs: clock.monotonicMs() + delayMs, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    authority: {
      async lease(request): Promise<Lease> {
        asked.push(request);
        await state.gate;
        if (state.isDown) throw new Error("unreachable");
        return memory.lease(TENANT, { ...request, holder: "s" });
      },
      async giveBack(back) {
        if (state.isDown) throw new Error("unreachable");
        returned.push(back);
        await memory.giveBack(TENANT, { ...back, holder: "s" });
      },
    },
  });
  const advance = async (ms: number) => {
    clock.advance(ms);
    for (const timer of [...timers]) {
      if (timer.atMs > clock.monotonicMs()) continue;
      timers.delete(timer);
      timer.run();
    }
    await new Promise(setImmediate);
  };
  return { ledger, clock, memory, asked, returned, heard, timers, state, advance };
}

test("calls spend one lease and ask again only when it runs dry", async () => {
  const { ledger, asked } = setup();
  for (let n = 0; n < 12; n += 1)
    assert.equal(codeOf(await ledger.reserve(TENANT, [charge("calls:a", 100)])), "ok");
  // An eighth of 100 is 12.
  assert.equal(asked.filter(({ want }) => want === 1).length, asked.length);
  assert.ok(asked.length <= 2, `${asked.length} requests`);
});

test("what a lease covers is answered at once, and what it does not is waited for", async () => {
  const { ledger } = setup();
  const asked = ledger.reserve(TENANT, [charge("calls:a", 100)]);
  assert.ok(asked instanceof Promise);
  const first = await asked;
  const second = ledger.reserve(TENANT, [charge("calls:a", 100)]);
  assert.ok(!(second instanceof Promise) && second.ok && first.ok);
  assert.notEqual(first.reservation.id, second.reservation.id);
  assert.equal(ledger.settle(first.reservation), undefined);
  assert.equal(ledger.release(second.reservation), undefined);
  const both = [charge("calls:a", 100), charge("calls:b", 100)];
  assert.ok(ledger.reserve(TENANT, both) instanceof Promise, "one of two accounts has no lease yet");
  assert.ok(
    !(ledger.reserve(TENANT, [charge("calls:a", 5, 6)]) instanceof Promise),
    "it can never be covered",
  );
});

test("a copy of a reservation gives nothing back twice, and another ledger's gives nothing back at all", async () => {
  const [{ ledger, memory }, other] = [setup(), setup()];
  const reserve = async (from: typeof ledger, amount: number) => {
    const reserved = await from.reserve(TENANT, [charge("calls:a", 8, amount)]);
    assert.ok(reserved.ok);
    return reserved.reservation;
  };
  const reservation = await reserve(ledger, 8);
  const copy = { ...reservation };
  ledger.release(await reserve(other.ledger, 4));
  ledger.release({ id: reservation.id, charges: reservation.charges });
  assert.equal(codeOf(await ledger.reserve(TENANT, [charge("calls:a", 8)])), "budget.calls");
  ledger.release(copy);
  ledger.release(reservation);
  ledger.settle(reservation, 0);
  await reserve(ledger, 8);
  await ledger.drain();
  assert.equal(codeOf(await memory.reserve(TENANT, [charge("calls:a", 8)])), "budget.calls");
});

test("leases grow while they are used up within moments, and only then", async () => {
  const { ledger, asked, advance } = setup({ ttlMs: 60_000 });
  const spend = async (calls: number) => {
    for (let n = 0; n < calls; n += 1) await ledger.reserve(TENANT, [charge("calls:a", 1_000_000)]);
    await new Promise(setImmediate);
  };
  await spend(2_000);
  // 64, 128, 256, 512, 1024, 2048: without growth it would take 32.
  assert.ok(asked.length <= 6, `${asked.length} requests`);
  await advance(5_000);
  await spend(2_000);
  assert.equal(asked.at(-1)?.want, 1);
});

test("calls that wait for the same account share one request", async () => {
  const { ledger, asked } = setup();
  const reserved = await Promise.all(
    Array.from({ length: 30 }, () => ledger.reserve(TENANT, [charge("calls:a", 30)])),
  );
  assert.ok(reserved.every(({ ok }) => ok));
  assert.deepEqual(asked, [{ account: "calls:a", limit: 30, want: 30 }]);
});

test("an unreachable authority refuses, is not asked again at once, and is forgiven", async () => {
  const { ledger, state, asked, heard, advance } = setup();
  state.isDown = true;
  assert.equal(codeOf(await ledger.reserve(TENANT, [charge("calls:a", 9)])), "budget.unavailable");
  assert.equal(codeOf(await ledger.reserve(TENANT, [charge("calls:a", 9)])), "budget.unavailable");
  assert.equal(asked.length, 1);
  assert.deepEqual(heard, ["internal"]);
  state.isDown = false;
  await advance(1_000);
  assert.equal(codeOf(await ledger.reserve(TENANT, [charge("calls:a", 9)])), "ok");
});

test("a cut-off holder goes on spending what it holds, until the lease's time is up", async () => {
  const { ledger, state, clock } = setup({ ttlMs: 10_000 });
  const reserve = async () => codeOf(await ledger.reserve(TENANT, [charge("calls:a", 100)]));
  assert.equal(await reserve(), "ok");
  state.isDown = true;
  clock.advance(8_999);
  assert.equal(await reserve(), "ok");
  clock.advance(1);
  assert.equal(await reserve(), "budget.unavailable");
});

test("setting the wall clock back does not prolong a lease", async () => {
  const { ledger, state, clock } = setup({ ttlMs: 10_000 });
  assert.ok((await ledger.reserve(TENANT, [charge("calls:a", 100)])).ok);
  state.isDown = true;
  clock.stepWall(-60_000);
  clock.advance(9_000);
  assert.equal(codeOf(await ledger.reserve(TENANT, [charge("calls:a", 100)])), "budget.unavailable");
});

test("an authority that never answers refuses after the wait, and its late answer still serves", async () => {
  const { ledger, state, advance, heard } = setup();
  let answer = () => {};
  state.gate = new Promise((resolve) => {
    answer = resolve;
  });
  const waiting = ledger.reserve(TENANT, [charge("calls:a", 1)]);
  await new Promise(setImmediate);
  await advance(2_000);
  assert.equal(codeOf(await waiting), "budget.unavailable");
  assert.deepEqual(heard, ["budget.timeout"]);
  answer();
  await new Promise(setImmediate);
  assert.equal(codeOf(await ledger.reserve(TENANT, [charge("calls:a", 1)])), "ok");
});

test("a late answer joins what has become of its account", async () => {
  const { ledger, memory, state, advance } = setup();
  let answer = () => {};
  state.gate = new Promise((resolve) => {
    answer = resolve;
  });
  const waiting = ledger.reserve(TENANT, [charge("calls:a", 2)]);
  await new Promise(setImmediate);
  await advance(2_000);
  assert.equal(codeOf(await waiting), "budget.unavailable");
  await advance(1_000);
  await advance(1_000);
  state.gate = Promise.resolve();
  const second = await ledger.reserve(TENANT, [charge("calls:a", 2)]);
  assert.ok(second.ok);
  answer();
  await new Promise(setImmediate);
  assert.ok((await ledger.reserve(TENANT, [charge("calls:a", 2)])).ok);
  await ledger.release(second.reservation);
  await ledger.drain();
  assert.ok((await memory.reserve(TENANT, [charge("calls:a", 2)])).ok);
});

test("an answer that comes after its own lease's end is given back and refuses", async () => {
  const { ledger, state, clock, returned } = setup({ ttlMs: 500 });
  let answer = () => {};
  state.gate = new Promise((resolve) => {
    answer = resolve;
  });
  const waiting = ledger.reserve(TENANT, [charge("calls:a", 4)]);
  await new Promise(setImmediate);
  clock.advance(600);
  answer();
  assert.equal(codeOf(await waiting), "budget.unavailable");
  assert.deepEqual(returned, [{ leaseId: "id-1", unspent: 1 }]);
});

test("an ended lease is given back when its last reservation closes", async () => {
  const { ledger, returned, advance } = setup({ ttlMs: 10_000 });
  const first = await ledger.reserve(TENANT, [charge("cost:a", 80, 10)]);
  assert.ok(first.ok);
  await advance(20_000);
  assert.deepEqual(returned, []);
  await ledger.settle(first.reservation, 3);
  assert.deepEqual(returned, [{ leaseId: "id-1", unspent: 7 }]);
});

test("a return that fails is tried again, and the authority counts it once", async () => {
  const { ledger, memory, state, returned, advance } = setup({ ttlMs: 10_000 });
  const reserved = await ledger.reserve(TENANT, [charge("calls:a", 80)]);
  assert.ok(reserved.ok);
  await ledger.settle(reserved.reservation);
  state.isDown = true;
  await advance(20_000);
  assert.deepEqual(returned, []);
  state.isDown = false;
  await advance(1_000);
  assert.deepEqual(returned, [{ leaseId: "id-1", unspent: 9 }]);
  assert.equal(codeOf(await memory.reserve(TENANT, [charge("calls:a", 80, 79)])), "ok");
});

test("a drained ledger refuses, has given everything back, and keeps no timer", async () => {
  const { ledger, memory, timers } = setup();
  const held = await ledger.reserve(TENANT, [charge("calls:a", 80)]);
  assert.ok(held.ok);
  await ledger.drain();
  assert.equal(codeOf(await ledger.reserve(TENANT, [charge("calls:a", 80)])), "budget.unavailable");
  await ledger.release(held.reservation);
  assert.equal(codeOf(await memory.reserve(TENANT, [charge("calls:a", 80, 80)])), "ok");
  assert.equal(timers.size, 0);
});

test("idle accounts are forgotten", async () => {
  const { ledger, timers, advance } = setup({ ttlMs: 10_000 });
  const reserved = await ledger.reserve(TENANT, [charge("calls:a", 80)]);
  assert.ok(reserved.ok);
  await ledger.settle(reserved.reservation);
  await advance(10_000);
  await advance(1_000);
  assert.equal(timers.size, 0);
});

test("an account that is used up is asked about once a second, not once a call", async () => {
  const { ledger, asked, advance, memory } = setup();
  const other = await memory.reserve(TENANT, [charge("calls:a", 5, 5)]);
  assert.ok(other.ok);
  for (let n = 0; n < 10; n += 1)
    assert.equal(codeOf(await ledger.reserve(TENANT, [charge("calls:a", 5)])), "budget.calls");
  assert.equal(asked.length, 1);
  await memory.release(other.reservation);
  await advance(1_000);
  assert.equal(codeOf(await ledger.reserve(TENANT, [charge("calls:a", 5)])), "ok");
});

test("what remains counts the lease and what the authority had left", async () => {
  const { ledger, clock } = setup();
  const capability = capabilityWith([{ type: "max_calls", limit: 80 }]);
  assert.deepEqual(ledger.remaining(TENANT, capability, clock.nowMs()), { calls: 80 });
  await ledger.reserve(TENANT, [charge("calls:hop-0", 80)]);
  assert.deepEqual(ledger.remaining(TENANT, capability, clock.nowMs()), { calls: 79 });
});
