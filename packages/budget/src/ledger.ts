// The ports of the budget check. A ledger never lets the sum of what was reserved and not given back pass a limit; when
// it cannot know, it refuses. An account's limit is set by its first use: who names a smaller one is held to that, a larger
// one changes nothing. What a crash leaves open counts as spent.
import assert from "node:assert/strict";
import type { Capability, Reason } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { Charge, Remaining } from "./charge.ts";

/** Units set aside for one call. The ledger that made it recognises this very object, and closes it once. */
export interface Reservation {
  readonly id: string;
  readonly charges: readonly Charge[];
}

export type Reserved = { ok: true; reservation: Reservation } | { ok: false; reason: Reason };

/** Each answer comes at once where nobody has to be asked for it. */
export interface Ledger {
  /**
   * Sets aside every charge or none. Refuses with budget.calls, budget.rate or budget.cost when an account is used up, and with
   * budget.unavailable when that cannot be told; never throws for trouble outside.
   */
  reserve(tenant: string, charges: readonly Charge[]): Reserved | Promise<Reserved>;
  /** The call ran. What it cost less than reserved goes back; more is not charged. A second closing does nothing. */
  settle(reservation: Reservation, actualCostMicros?: number): void | Promise<void>;
  /** The call never ran: everything goes back. A second closing does nothing. */
  release(reservation: Reservation): void | Promise<void>;
  /** What is left for a token, as far as this ledger knows without asking anybody. */
  remaining(tenant: string, capability: Capability, nowMs: number): Remaining;
}

/** A slice of an account, to be spent by one holder within `ttlMs`. `granted` 0: nothing is left. */
export interface Lease {
  readonly leaseId: string;
  readonly granted: number;
  readonly ttlMs: number;
  /** What the account has left after this grant. */
  readonly remaining: number;
}

export interface LeaseRequest {
  readonly account: string;
  readonly limit: number;
  /** Units that are waited for now. More may be granted, less when no more is left. */
  readonly want: number;
}

/** Who hands out leases. A lease that is never given back counts as spent. */
export interface LeaseAuthority {
  /** Faults: precondition "budget.window" for a rate of another minute than ours; unavailable "budget.ledger". */
  lease(tenant: string, request: LeaseRequest & { readonly holder: string }): Promise<Lease>;
  /** Takes unspent units back from the lease's own holder, once; any other lease is left as it is. */
  giveBack(
    tenant: string,
    returned: { readonly leaseId: string; readonly unspent: number; readonly holder: string },
  ): Promise<void>;
}

/** A lease authority as one holder of one tenant sees it. */
export interface LeaseSource {
  lease(request: LeaseRequest): Promise<Lease>;
  giveBack(returned: { readonly leaseId: string; readonly unspent: number }): Promise<void>;
}

/** Charges in the order of their accounts, so that two callers never wait for each other's accounts crosswise. */
export function inAccountOrder(charges: readonly Charge[]): readonly Charge[] {
  const ordered = isOrdered(charges)
    ? charges
    : [...charges].sort((a, b) => (a.account < b.account ? -1 : 1));
  for (const { amount, limit } of ordered) {
    assert.ok(Number.isSafeInteger(amount) && amount > 0, "an amount is a positive integer");
    assert.ok(Number.isSafeInteger(limit) && limit >= 0, "a limit is a natural number");
  }
  assert.ok(ordered === charges || isOrdered(ordered), "accounts of one reservation are distinct");
  return ordered;
}

/** Strictly: no account stands twice. */
function isOrdered(charges: readonly Charge[]): boolean {
  let before: string | undefined;
  for (const { account } of charges) {
    if (before !== undefined && account <= before) return false;
    before = account;
  }
  return true;
}

/** The Fault of a lease authority that is asked for a rate of another minute. */
export function wrongMinute(): Fault {
  return new Fault(
    "precondition",
    "budget.window",
    "The rate asked for belongs to another minute than ours.",
  );
}

/** What goes back of one charge when the call has run. */
export function refundOf(charge: Charge, actualCostMicros: number | undefined): number {
  if (charge.kind !== "cost" || actualCostMicros === undefined) return 0;
  assert.ok(Number.isSafeInteger(actualCostMicros) && actualCostMicros >= 0, "a cost is a natural number");
  return Math.max(0, charge.amount - actualCostMicros);
}
