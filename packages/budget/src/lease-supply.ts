// How a lease holder gets units and gives them back: one request at a time for each account, calls wait for it, a lease
// is no longer spent shortly before its time is up, and what it still holds then is given back.
import { type Reason, reason } from "@postern/contracts";
import { type Clock, Fault, toFault } from "@postern/fault";
import { type Charge, exhausted } from "./charge.ts";
import { type Account, availableIn, isIdle, newAccount, retireFrom, type Slice } from "./lease-account.ts";
import type { Lease, LeaseSource } from "./ledger.ts";

export interface LeaseSupplyOptions {
  readonly authority: LeaseSource;
  readonly clock: Clock;
  /** How long before its end a lease is no longer spent; default 1,000, at most half of the lease's time. */
  readonly marginMs?: number;
  /** How long calls wait for the authority; default 2,000. */
  readonly waitMsMax?: number;
  /** How long an authority's "nothing left", or its silence, is believed before it is asked again; default 1,000. */
  readonly retryMs?: number;
  /** How often leases are looked through for ended ones; default 1,000. */
  readonly sweepMs?: number;
  /** Runs something later; returns its cancellation. Default: a timer that keeps no process alive. */
  readonly schedule?: (delayMs: number, run: () => void) => () => void;
  /** Hears of each failed talk with the authority. */
  readonly onTrouble?: (fault: Fault) => void;
}

export interface LeaseSupply {
  account(charge: Charge): Account;
  known(name: string): Account | undefined;
  /** Resolves when the request for more has been answered; what came of it is to be seen in the account. Never rejects. */
  refill(account: Account, amount: number): Promise<void>;
  /** Asks for the next slice before the present one is empty, as long as there is plenty. `nowMs` is on the monotonic clock. */
  refillEarly(account: Account, amount: number, nowMs: number): void;
  /** To be called when a reservation on the slice was closed. */
  closed(slice: Slice): void;
  isDrained(): boolean;
  drain(): Promise<void>;
}

/** A slice that lasts shorter than this is followed by a larger one. */
const FAST_MS = 1_000;
/** The authority gives up to 64 times what is wanted, so wanting a 32nd of the last slice doubles it. */
const GROWTH_DIVISOR = 32;
/** More leases than this are not kept for another try at giving them back; they count as spent. */
const UNRETURNED_MAX = 1_000;

export function createLeaseSupply(options: LeaseSupplyOptions): LeaseSupply {
  const { authority, clock, schedule = timer, onTrouble } = options;
  const { marginMs = 1_000, waitMsMax = 2_000, retryMs = 1_000, sweepMs = 1_000 } = options;
  const accounts = new Map<string, Account>();
  const unreturned = new Set<Slice>();
  const returning = new Set<Promise<void>>();
  let cancelSweep: (() => void) | undefined;
  let drained = false;

  async function fly(account: Account): Promise<void> {
    // Calls of the same turn ask together.
    await Promise.resolve();
    const askedMs = clock.monotonicMs();
    let cancel: (() => void) | undefined;
    const late = new Promise<never>((_, reject) => {
      const fault = new Fault(
        "unavailable",
        "budget.timeout",
        "The budget's authority did not answer in time.",
      );
      cancel = schedule(waitMsMax, () => reject(fault));
    });
    const want = Math.min(account.limit, account.waiting);
    try {
      const asked = authority.lease({ account: account.name, limit: account.limit, want });
      // An answer that comes too late for those who waited is still good for the next.
      await Promise.race([asked.then((lease) => adopt(account, lease, askedMs)), late]);
    } catch (caught) {
      refuse(account, reason("budget.unavailable"));
      onTrouble?.(toFault(caught));
    } finally {
      cancel?.();
    }
  }

  function adopt(asked: Account, lease: Lease, askedMs: number): void {
    // Who waits too long gives up, so a late answer may find its account swept away, or made anew.
    const account = accounts.get(asked.name) ?? asked;
    account.elsewhere = lease.remaining;
    account.granted = lease.granted;
    account.grantedAtMs = clock.monotonicMs();
    if (lease.granted === 0) {
      refuse(account, exhausted(account.kind));
      return;
    }
    // The lease's time may have begun as early as when it was asked for.
    const deadlineMs = askedMs + lease.ttlMs - Math.min(marginMs, lease.ttlMs / 2);
    const slice = { leaseId: lease.leaseId, unspent: lease.granted, open: 0, deadlineMs, retired: false };
    if (drained || deadlineMs <= clock.monotonicMs()) {
      refuse(account, reason("budget.unavailable"));
      slice.retired = true;
      giveBack(slice);
      return;
    }
    account.refusal = undefined;
    account.slices.push(slice);
    account.slices.sort((a, b) => a.deadlineMs - b.deadlineMs);
    accounts.set(account.name, account);
    sweepLater();
  }

  function refuse(account: Account, why: Reason): void {
    account.refusal = { reason: why, untilMs: clock.monotonicMs() + retryMs };
  }

  /** A retired slice goes back when no reservation is open on it: closing one may still return units to it. */
  function giveBack(slice: Slice): void {
    if (!slice.retired || slice.open > 0 || slice.unspent === 0) return;
    unreturned.delete(slice);
    const done = authority.giveBack({ leaseId: slice.leaseId, unspent: slice.unspent }).catch((caught) => {
      if (unreturned.size < UNRETURNED_MAX) unreturned.add(slice);
      sweepLater();
      onTrouble?.(toFault(caught));
    });
    returning.add(done);
    void done.finally(() => returning.delete(done));
  }

  function sweepLater(): void {
    if (drained) return;
    cancelSweep ??= schedule(sweepMs, () => {
      cancelSweep = undefined;
      sweep(false);
      if (accounts.size + unreturned.size > 0) sweepLater();
    });
  }

  function sweep(all: boolean): void {
    const nowMs = clock.monotonicMs();
    const ended = [...accounts.values()].flatMap((account) => retireFrom(account, nowMs, all));
    for (const slice of [...unreturned, ...ended]) giveBack(slice);
    for (const [name, account] of accounts) if (isIdle(account, nowMs)) accounts.delete(name);
  }

  function refill(account: Account, amount: number): Promise<void> {
    account.waiting += amount;
    account.flight ??= fly(account).finally(() => {
      account.flight = undefined;
    });
    return account.flight.finally(() => {
      account.waiting -= amount;
    });
  }

  return {
    refill,
    account(charge) {
      const known = accounts.get(charge.account);
      const account = known ?? newAccount(charge);
      account.limit = charge.limit;
      if (known === undefined) accounts.set(charge.account, account);
      sweepLater();
      return account;
    },
    known: (name) => accounts.get(name),
    refillEarly(account, amount, nowMs) {
      const isScarce =
        account.refusal !== undefined || account.elsewhere === 0 || account.granted < 8 * amount;
      if (isScarce || account.flight !== undefined) return;
      if (availableIn(account, nowMs) >= account.granted / 4) return;
      // A slice that is used up within a moment makes every moment a round trip, so the next one shall be larger.
      const isFast = nowMs - account.grantedAtMs < FAST_MS;
      void refill(account, isFast ? Math.max(amount, Math.ceil(account.granted / GROWTH_DIVISOR)) : amount);
    },
    closed: giveBack,
    isDrained: () => drained,
    async drain() {
      drained = true;
      cancelSweep?.();
      await Promise.all([...accounts.values()].map((account) => account.flight));
      sweep(true);
      await Promise.all(returning);
    },
  };
}

function timer(delayMs: number, run: () => void): () => void {
  const handle = setTimeout(run, delayMs);
  handle.unref();
  return () => clearTimeout(handle);
}
