// A ledger in this process's memory: exact, and forgotten with the process. For tests and for a judge that runs alone;
// accounts of past minutes are dropped, other accounts are kept for good.
import { type Capability, reason } from "@postern/contracts";
import { type Clock, type NewId, randomId, systemClock } from "@postern/fault";
import { type Charge, exhausted, isCurrent, minuteAt, remainingOf } from "./charge.ts";
import {
  inAccountOrder,
  type LeaseAuthority,
  type Ledger,
  type Reservation,
  refundOf,
  wrongMinute,
} from "./ledger.ts";
import { LEASE_TTL_MS, sliceOf } from "./slice.ts";

export interface MemoryLedgerOptions {
  readonly clock?: Clock;
  readonly newId?: NewId;
  readonly leaseTtlMs?: number;
}

/** Also a lease authority, so that lease ledgers can be tried without a database. */
export function createMemoryLedger(options: MemoryLedgerOptions = {}): Ledger & LeaseAuthority {
  const { clock = systemClock, newId = randomId, leaseTtlMs = LEASE_TTL_MS } = options;
  const spent = new Map<string, number>();
  const limits = new Map<string, number>();
  const open = new WeakMap<Reservation, string>();
  const leases = new Map<string, { key: string; granted: number; holder: string }>();
  let reservations = 0;
  let prunedMinute = minuteAt(clock.nowMs());

  // A tenant's name holds no slash.
  const keyOf = (tenant: string, account: string) => `${tenant}/${account}`;
  const spentOf = (key: string) => spent.get(key) ?? 0;
  const leftOf = (key: string, limit: number) => Math.min(limit, limits.get(key) ?? limit) - spentOf(key);
  const add = (key: string, amount: number) => spent.set(key, spentOf(key) + amount);
  const take = (key: string, amount: number, limit: number) => {
    if (!limits.has(key)) limits.set(key, limit);
    add(key, amount);
  };

  function prune(): void {
    const minute = minuteAt(clock.nowMs());
    if (minute === prunedMinute) return;
    prunedMinute = minute;
    for (const key of spent.keys()) {
      if (isCurrent(key.slice(key.indexOf("/") + 1), clock.nowMs())) continue;
      spent.delete(key);
      limits.delete(key);
    }
  }

  function close(reservation: Reservation, refund: (charge: Charge) => number): void {
    const tenant = open.get(reservation);
    if (tenant === undefined) return;
    open.delete(reservation);
    for (const charge of reservation.charges) {
      const key = keyOf(tenant, charge.account);
      if (spent.has(key)) add(key, -refund(charge));
    }
  }

  return {
    reserve(tenant, charges) {
      prune();
      const ordered = inAccountOrder(charges);
      for (const charge of ordered) {
        if (!isCurrent(charge.account, clock.nowMs()))
          return { ok: false, reason: reason("budget.unavailable") };
        if (charge.amount > leftOf(keyOf(tenant, charge.account), charge.limit))
          return { ok: false, reason: exhausted(charge.kind) };
      }
      for (const { account, amount, limit } of ordered) take(keyOf(tenant, account), amount, limit);
      reservations += 1;
      const reservation = { id: String(reservations), charges: ordered };
      open.set(reservation, tenant);
      return { ok: true, reservation };
    },
    settle: (reservation, actualCostMicros) =>
      close(reservation, (charge) => refundOf(charge, actualCostMicros)),
    release: (reservation) => close(reservation, (charge) => charge.amount),
    remaining(tenant: string, capability: Capability, nowMs: number) {
      return remainingOf(capability, nowMs, ({ account, limit }) => leftOf(keyOf(tenant, account), limit));
    },
    async lease(tenant, { account, limit, want, holder }) {
      prune();
      if (!isCurrent(account, clock.nowMs())) throw wrongMinute();
      const key = keyOf(tenant, account);
      const left = leftOf(key, limit);
      const granted = sliceOf(left, want);
      const leaseId = newId();
      if (granted > 0) {
        take(key, granted, limit);
        leases.set(keyOf(tenant, leaseId), { key, granted, holder });
      }
      return { leaseId, granted, ttlMs: leaseTtlMs, remaining: Math.max(0, left - granted) };
    },
    async giveBack(tenant, { leaseId, unspent, holder }) {
      const lease = leases.get(keyOf(tenant, leaseId));
      if (lease === undefined || lease.holder !== holder || unspent > lease.granted) return;
      leases.delete(keyOf(tenant, leaseId));
      if (spent.has(lease.key)) add(lease.key, -unspent);
    },
  };
}
