// One account as a lease holder sees it: the slices it holds and what it knows of the rest. Pure bookkeeping, all of it
// synchronous, so that looking and taking cannot be torn apart by another call.
import type { Reason } from "@postern/contracts";
import type { Charge, ChargeKind } from "./charge.ts";

export interface Slice {
  readonly leaseId: string;
  /** Units that may still be taken, or given back. */
  unspent: number;
  /** Reservations that hold units of this slice and are not closed. */
  open: number;
  /** On the monotonic clock: nothing is taken from then on. */
  readonly deadlineMs: number;
  /** No longer in its account; goes back once nothing is open. */
  retired: boolean;
}

/** Units taken from one slice. */
export interface Part {
  readonly slice: Slice;
  readonly amount: number;
}

export interface Account {
  readonly name: string;
  readonly kind: ChargeKind;
  limit: number;
  /** Earliest deadline first. */
  slices: Slice[];
  /** The one request for more that is under way. */
  flight: Promise<void> | undefined;
  /** Sum of the amounts that wait for more. */
  waiting: number;
  /** Why asking again is pointless, and until when on the monotonic clock. */
  refusal: { readonly reason: Reason; readonly untilMs: number } | undefined;
  /** What the authority had left when last heard of; the limit before that. */
  elsewhere: number;
  /** Size of the latest slice, and when it came, on the monotonic clock. */
  granted: number;
  grantedAtMs: number;
}

export function newAccount({ account, kind, limit }: Charge): Account {
  return {
    name: account,
    kind,
    limit,
    slices: [],
    flight: undefined,
    waiting: 0,
    refusal: undefined,
    elsewhere: limit,
    granted: 0,
    grantedAtMs: 0,
  };
}

export function availableIn(account: Account, nowMs: number): number {
  let sum = 0;
  for (const { deadlineMs, unspent } of account.slices) if (deadlineMs > nowMs) sum += unspent;
  return sum;
}

/** Takes `amount`, which must be available, from the slices that end first. */
export function takeFrom(account: Account, amount: number, nowMs: number): Part[] {
  const parts: Part[] = [];
  let missing = amount;
  for (const slice of account.slices) {
    if (missing === 0) break;
    const taken = slice.deadlineMs > nowMs ? Math.min(slice.unspent, missing) : 0;
    if (taken === 0) continue;
    slice.unspent -= taken;
    slice.open += 1;
    missing -= taken;
    parts.push({ slice, amount: taken });
  }
  return parts;
}

/** Takes out of the account what is over or empty, or with `all` everything, and returns it. */
export function retireFrom(account: Account, nowMs: number, all: boolean): Slice[] {
  const kept = account.slices.filter(
    (slice) => !all && slice.deadlineMs > nowMs && slice.unspent + slice.open > 0,
  );
  const retired = account.slices.filter((slice) => !kept.includes(slice));
  for (const slice of retired) slice.retired = true;
  account.slices = kept;
  return retired;
}

/** Whether forgetting the account loses nothing. */
export function isIdle(account: Account, nowMs: number): boolean {
  const refused = account.refusal !== undefined && account.refusal.untilMs > nowMs;
  return account.slices.length === 0 && account.flight === undefined && account.waiting === 0 && !refused;
}
