// The ledger that everybody shares, in Postgres or PGlite. Each charge is one conditional UPDATE of its account, so two
// writers never both pass the limit; the table's own CHECK says the same once more. Rows are locked in the order of
// their names, so writers never wait for each other crosswise.
import { reason } from "@postern/contracts";
import { type Clock, Fault, type NewId, randomId, systemClock, toFault } from "@postern/fault";
import { and, eq, gte, isNotNull, isNull, like, lt, or, sql } from "drizzle-orm";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import { type Charge, exhausted, isCurrent, minuteAt, remainingOf } from "./charge.ts";
import {
  inAccountOrder,
  type LeaseAuthority,
  type Ledger,
  type Reservation,
  refundOf,
  wrongMinute,
} from "./ledger.ts";
import { LEASE_TTL_MS, SLICE_DIVISOR, SLICE_WANTS_MAX, sliceOf } from "./slice.ts";
import { accounts, leases } from "./table.ts";

export { budgetSchemaSql } from "./table.ts";

export interface PostgresLedgerOptions {
  readonly clock?: Clock;
  readonly newId?: NewId;
  readonly leaseTtlMs?: number;
  /** Hears of a database that failed a reservation. */
  readonly onTrouble?: (fault: Fault) => void;
}

export interface PostgresLedger extends Ledger, LeaseAuthority {
  /** Forgets rate accounts whose minute is over, and leases that came back or are a day old. Returns how many rows went. */
  prune(): Promise<number>;
}

/** Accounts whose balance is remembered for `remaining`. */
const REMEMBERED_MAX = 10_000;

export function createPostgresLedger<Result extends PgQueryResultHKT>(
  db: PgDatabase<Result>,
  options: PostgresLedgerOptions = {},
): PostgresLedger {
  const { clock = systemClock, newId = randomId, leaseTtlMs = LEASE_TTL_MS, onTrouble } = options;
  const open = new WeakMap<Reservation, string>();
  const remembered = new Map<string, number>();

  function remember(tenant: string, account: string, spent: number): void {
    const key = `${tenant}/${account}`;
    remembered.delete(key);
    remembered.set(key, spent);
    const [oldest] = remembered.keys();
    if (remembered.size > REMEMBERED_MAX && oldest !== undefined) remembered.delete(oldest);
  }

  /** Undefined when every charge was made; otherwise the first that did not fit, and none was made. */
  function charge(tenant: string, charges: readonly Charge[]): Promise<Charge | undefined> {
    return db.transaction(async (tx) => {
      const made = await tx
        .insert(accounts)
        .values(
          charges.map(({ account, limit, amount }) => ({
            tenant,
            account,
            limitUnits: limit,
            spent: amount,
          })),
        )
        .onConflictDoUpdate({
          target: [accounts.tenant, accounts.account],
          set: { spent: sql`${accounts.spent} + excluded.spent` },
          setWhere: sql`${accounts.spent} + excluded.spent <= least(${accounts.limitUnits}, excluded.limit_units)`,
        })
        .returning({ account: accounts.account, spent: accounts.spent });
      const spent = new Map(made.map((row) => [row.account, row.spent]));
      const refused = charges.find(({ account }) => !spent.has(account));
      // The rows are still locked, so nobody has seen the charges that are taken back here.
      for (const each of charges) {
        const now = spent.get(each.account);
        if (now === undefined) remember(tenant, each.account, each.limit);
        else if (refused === undefined) remember(tenant, each.account, now);
        else await putBack(tx, tenant, each.account, each.amount);
      }
      return refused;
    });
  }

  async function close(reservation: Reservation, refund: (charge: Charge) => number): Promise<void> {
    const tenant = open.get(reservation);
    const refunds = reservation.charges.map((each) => ({ account: each.account, amount: refund(each) }));
    const due = refunds.filter(({ amount }) => amount > 0);
    if (tenant === undefined || !open.delete(reservation) || due.length === 0) return;
    await orUnavailable(
      db.transaction(async (tx) => {
        for (const { account, amount } of due) await putBack(tx, tenant, account, amount);
      }),
    );
  }

  return {
    async reserve(tenant, charges) {
      const ordered = inAccountOrder(charges);
      const tooMuch = ordered.find(({ amount, limit }) => amount > limit);
      if (tooMuch !== undefined) return { ok: false, reason: exhausted(tooMuch.kind) };
      if (ordered.some(({ account }) => !isCurrent(account, clock.nowMs())))
        return { ok: false, reason: reason("budget.unavailable") };
      const reservation = { id: newId(), charges: ordered };
      try {
        const refused = ordered.length === 0 ? undefined : await charge(tenant, ordered);
        if (refused !== undefined) return { ok: false, reason: exhausted(refused.kind) };
      } catch (caught) {
        // The charges may have been made or not; they count as spent, and the call does not run.
        onTrouble?.(toFault(caught));
        return { ok: false, reason: reason("budget.unavailable") };
      }
      open.set(reservation, tenant);
      return { ok: true, reservation };
    },
    settle: (reservation, actualCostMicros) => close(reservation, (each) => refundOf(each, actualCostMicros)),
    release: (reservation) => close(reservation, (each) => each.amount),
    remaining: (tenant, capability, nowMs) =>
      remainingOf(
        capability,
        nowMs,
        ({ account, limit }) => limit - (remembered.get(`${tenant}/${account}`) ?? 0),
      ),

    async lease(tenant, { account, limit, want, holder }) {
      if (!isCurrent(account, clock.nowMs())) throw wrongMinute();
      const leaseId = newId();
      const { granted, spent, limitUnits } = await orUnavailable(
        db.transaction(async (tx) => {
          const fresh = sliceOf(limit, want);
          const left = sql`least(${limit}::bigint, ${accounts.limitUnits}) - ${accounts.spent}`;
          const generous = sql`least((${left}) / ${SLICE_DIVISOR}::bigint, ${want * SLICE_WANTS_MAX}::bigint)`;
          const slice = sql`greatest(0, least(${left}, greatest(${want}::bigint, ${generous})))`;
          const [row] = await tx
            .insert(accounts)
            .values({ tenant, account, limitUnits: limit, spent: fresh, leasedLast: fresh })
            .onConflictDoUpdate({
              target: [accounts.tenant, accounts.account],
              set: { spent: sql`${accounts.spent} + ${slice}`, leasedLast: slice },
            })
            .returning({
              granted: accounts.leasedLast,
              spent: accounts.spent,
              limitUnits: accounts.limitUnits,
            });
          if (row === undefined) throw new Fault("internal", "budget.ledger", "The budget gave no answer.");
          if (row.granted > 0)
            await tx.insert(leases).values({ tenant, leaseId, account, holder, granted: row.granted });
          return row;
        }),
      );
      remember(tenant, account, spent);
      const remaining = Math.max(0, Math.min(limit, limitUnits) - spent);
      return { leaseId, granted, ttlMs: leaseTtlMs, remaining };
    },

    async giveBack(tenant, { leaseId, unspent, holder }) {
      await orUnavailable(
        db.transaction(async (tx) => {
          const returned = await tx
            .update(leases)
            .set({ unspent })
            .where(
              and(
                eq(leases.tenant, tenant),
                eq(leases.leaseId, leaseId),
                eq(leases.holder, holder),
                isNull(leases.unspent),
                gte(leases.granted, unspent),
              ),
            )
            .returning({ account: leases.account });
          for (const { account } of returned) await putBack(tx, tenant, account, unspent);
        }),
      );
    },

    async prune() {
      const over = sql`substring(${accounts.account} from ':([0-9]+)$')::bigint < ${minuteAt(clock.nowMs()) - 1}::bigint`;
      const done = or(isNotNull(leases.unspent), lt(leases.grantedAt, sql`now() - interval '1 day'`));
      const forgotten = db
        .delete(accounts)
        .where(and(like(accounts.account, "rate:%"), over))
        .returning({ account: accounts.account });
      const closed = db.delete(leases).where(done).returning({ leaseId: leases.leaseId });
      return (await orUnavailable(forgotten)).length + (await orUnavailable(closed)).length;
    },
  };
}

async function putBack<Result extends PgQueryResultHKT>(
  db: Pick<PgDatabase<Result>, "update">,
  tenant: string,
  account: string,
  amount: number,
): Promise<void> {
  await db
    .update(accounts)
    .set({ spent: sql`${accounts.spent} - ${amount}::bigint` })
    .where(and(eq(accounts.tenant, tenant), eq(accounts.account, account)));
}

async function orUnavailable<Value>(asked: PromiseLike<Value>): Promise<Value> {
  try {
    return await asked;
  } catch (caught) {
    if (caught instanceof Fault) throw caught;
    const { detail } = toFault(caught);
    throw new Fault("unavailable", "budget.ledger", "The budget's database did not answer.", {
      cause: caught,
      ...(detail === undefined ? {} : { detail }),
    });
  }
}
