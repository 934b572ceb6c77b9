// The sidecar's ledger: it spends out of leases, so that a call needs no round trip and no turn of the event loop. When a lease runs dry a
// call waits for the next one instead of being refused; it is refused when nothing is left or the authority cannot be reached.
import { reason } from "@postern/contracts";
import { systemClock } from "@postern/fault";
import { type Charge, exhausted, remainingOf } from "./charge.ts";
import { type Account, availableIn, type Part, takeFrom } from "./lease-account.ts";
import { createLeaseSupply, type LeaseSupplyOptions } from "./lease-supply.ts";
import { inAccountOrder, type Ledger, type Reservation, type Reserved, refundOf } from "./ledger.ts";

export interface LeaseLedgerOptions extends Omit<LeaseSupplyOptions, "clock"> {
  readonly clock?: LeaseSupplyOptions["clock"];
}

export interface LeaseLedger extends Ledger {
  settle(reservation: Reservation, actualCostMicros?: number): void;
  release(reservation: Reservation): void;
  /** Refuses from now on and gives back what no open reservation holds; the rest follows as reservations close. */
  drain(): Promise<void>;
}

/** What an account lacks for a charge. */
interface Shortage {
  readonly account: Account;
  readonly amount: number;
}

/** Serves the one tenant that its authority is bound to. */
export function createLeaseLedger(options: LeaseLedgerOptions): LeaseLedger {
  const { clock = systemClock } = options;
  const supply = createLeaseSupply({ ...options, clock });
  // What was taken is kept in the reservation itself, under a name that no other ledger has: a map beside it would cost more than the rest.
  const TAKEN: unique symbol = Symbol("taken");
  type Own = Reservation & { readonly [TAKEN]: (readonly Part[])[] };
  const isOwn = (reservation: Reservation): reservation is Own => TAKEN in reservation;
  let reservations = 0;

  function take(charges: readonly Charge[], nowMs: number): Reserved {
    const taken: Part[][] = [];
    for (const charge of charges) {
      const account = supply.account(charge);
      taken.push(takeFrom(account, charge.amount, nowMs));
      supply.refillEarly(account, charge.amount, nowMs);
    }
    reservations += 1;
    const reservation: Own = { id: String(reservations), charges, [TAKEN]: taken };
    return { ok: true, reservation };
  }

  function close(reservation: Reservation, refund: (charge: Charge) => number): void {
    if (!isOwn(reservation)) return;
    // A second closing finds nothing more, be it of a copy.
    const taken = reservation[TAKEN].splice(0);
    for (let at = 0; at < taken.length; at += 1) {
      const [charge, parts] = [reservation.charges[at], taken[at]];
      if (charge === undefined || parts === undefined) continue;
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

  /** The answer, or what has to be asked for first. */
  function attempt(ordered: readonly Charge[]): Reserved | Shortage[] {
    if (supply.isDrained()) return { ok: false, reason: reason("budget.unavailable") };
    const nowMs = clock.monotonicMs();
    const short: Shortage[] = [];
    for (const charge of ordered) {
      const account = supply.account(charge);
      if (availableIn(account, nowMs) >= charge.amount) continue;
      if (account.refusal !== undefined && account.refusal.untilMs > nowMs)
        return { ok: false, reason: account.refusal.reason };
      short.push({ account, amount: charge.amount });
    }
    return short.length === 0 ? take(ordered, nowMs) : short;
  }

  async function reserveLater(ordered: readonly Charge[], short: readonly Shortage[]): Promise<Reserved> {
    // Nothing is held while waiting, so two calls never wait for each other.
    await Promise.all(short.map(({ account, amount }) => supply.refill(account, amount)));
    const attempted = attempt(ordered);
    return Array.isArray(attempted) ? reserveLater(ordered, attempted) : attempted;
  }

  return {
    reserve(_tenant, charges) {
      const ordered = inAccountOrder(charges);
      const tooMuch = ordered.find((charge) => charge.amount > charge.limit);
      if (tooMuch !== undefined) return { ok: false, reason: exhausted(tooMuch.kind) };
      const attempted = attempt(ordered);
      return Array.isArray(attempted) ? reserveLater(ordered, attempted) : attempted;
    },
    settle: (reservation, actualCostMicros) =>
      close(reservation, (charge) => refundOf(charge, actualCostMicros)),
    release: (reservation) => close(reservation, (charge) => charge.amount),
    remaining(_tenant, capability, nowMs) {
      return remainingOf(capability, nowMs, ({ account: name, limit }) => {
        const account = supply.known(name);
        return account === undefined ? limit : availableIn(account, clock.monotonicMs()) + account.elsewhere;
      });
    },
    drain: () => supply.drain(),
  };
}
