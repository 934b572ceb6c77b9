// The sidecar's ledger: it spends out of leases, so that a call needs no round trip. When a lease runs dry a call waits
// for the next one instead of being refused; it is refused when nothing is left or the authority cannot be reached.
import { reason } from "@postern/contracts";
import { type NewId, randomId, systemClock } from "@postern/fault";
import { type Charge, exhausted, remainingOf } from "./charge.ts";
import { type Account, availableIn, type Part, takeFrom } from "./lease-account.ts";
import { createLeaseSupply, type LeaseSupplyOptions } from "./lease-supply.ts";
import { inAccountOrder, type Ledger, type Reservation, type Reserved, refundOf } from "./ledger.ts";

export interface LeaseLedgerOptions extends Omit<LeaseSupplyOptions, "clock"> {
  readonly clock?: LeaseSupplyOptions["clock"];
  readonly newId?: NewId;
}

export interface LeaseLedger extends Ledger {
  /** Refuses from now on and gives back what no open reservation holds; the rest follows as reservations close. */
  drain(): Promise<void>;
}

/** Serves the one tenant that its authority is bound to. */
export function createLeaseLedger(options: LeaseLedgerOptions): LeaseLedger {
  const { clock = systemClock, newId = randomId } = options;
  const supply = createLeaseSupply({ ...options, clock });
  const open = new WeakMap<Reservation, ReadonlyMap<Charge, readonly Part[]>>();

  function take(charges: readonly Charge[], nowMs: number): Reserved {
    const taken = new Map<Charge, readonly Part[]>();
    for (const charge of charges) {
      const account = supply.account(charge);
      taken.set(charge, takeFrom(account, charge.amount, nowMs));
      supply.refillEarly(account, charge.amount);
    }
    const reservation = { id: newId(), charges };
    open.set(reservation, taken);
    return { ok: true, reservation };
  }

  function close(reservation: Reservation, refund: (charge: Charge) => number): void {
    const taken = open.get(reservation) ?? [];
    open.delete(reservation);
    for (const [charge, parts] of taken) {
      let refundLeft = refund(charge);
      for (const { slice, amount } of parts) {
        const returned = Math.min(amount, refundLeft);
        refundLeft -= returned;
        slice.unspent += returned;
        slice.open -= 1;
        supply.closed(slice);
      }
    }
  }

  return {
    async reserve(_tenant, charges) {
      const ordered = inAccountOrder(charges);
      const tooMuch = ordered.find((charge) => charge.amount > charge.limit);
      if (tooMuch !== undefined) return { ok: false, reason: exhausted(tooMuch.kind) };
      for (;;) {
        if (supply.isDrained()) return { ok: false, reason: reason("budget.unavailable") };
        const nowMs = clock.monotonicMs();
        const short: { account: Account; amount: number }[] = [];
        for (const charge of ordered) {
          const account = supply.account(charge);
          if (availableIn(account, nowMs) >= charge.amount) continue;
          if (account.refusal !== undefined && account.refusal.untilMs > nowMs)
            return { ok: false, reason: account.refusal.reason };
          short.push({ account, amount: charge.amount });
        }
        if (short.length === 0) return take(ordered, nowMs);
        // Nothing is held while waiting, so two calls never wait for each other.
        await Promise.all(short.map(({ account, amount }) => supply.refill(account, amount)));
      }
    },
    async settle(reservation, actualCostMicros) {
      close(reservation, (charge) => refundOf(charge, actualCostMicros));
    },
    async release(reservation) {
      close(reservation, (charge) => charge.amount);
    },
    remaining(_tenant, capability, nowMs) {
      return remainingOf(capability, nowMs, ({ account: name, limit }) => {
        const account = supply.known(name);
        return account === undefined ? limit : availableIn(account, clock.monotonicMs()) + account.elsewhere;
      });
    },
    drain: () => supply.drain(),
  };
}
