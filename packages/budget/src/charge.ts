// Which accounts a call is charged to. Every budget caveat of every hop has an account of its own, so a child spends its
// own budget and all of its ancestors'. An account's name holds the ids of the whole chain down to its hop: the holder
// of one token cannot name a hop after another token's and spend that one's budget.
import { createHash } from "node:crypto";
import { type Capability, type Caveat, type Hop, type Reason, reason } from "@postern/contracts";

export type ChargeKind = "calls" | "rate" | "cost";

/** `amount` units of `account`, which holds `limit` in all. Units are calls, or millionths of the tenant's cost unit. */
export interface Charge {
  /** `<kind>:<jti>`, below the root `<kind>:<jti>~<digest of the ancestors' ids>`; for a rate, then `:<UTC minute since the epoch>`. */
  readonly account: string;
  readonly kind: ChargeKind;
  readonly limit: number;
  readonly amount: number;
}

/** Smallest amount left over all hops; a missing field is not limited. */
export interface Remaining {
  readonly calls?: number;
  readonly rate?: number;
  readonly costMicros?: number;
}

type Limit = Omit<Charge, "amount">;

type Charged =
  | { readonly ok: true; readonly charges: readonly Charge[] }
  | { readonly ok: false; readonly reason: Reason };

/**
 * The charges of one call at `nowMs`; accounts are distinct. `costMicros` is what the policy says the call costs: a
 * cost caveat without it refuses with budget.cost_unknown. A rate counts the calls of one UTC clock minute, so up to twice the
 * limit can fall into 60 seconds that straddle two minutes.
 */
export function chargesFor(
  capability: Capability,
  call: { readonly nowMs: number; readonly costMicros: number | undefined },
): Charged {
  const plan = planOf(capability);
  const limits = limitsAt(plan, call.nowMs);
  // One call of a token is charged like the one before it, unless a minute or a price lies between them.
  const { latest } = plan;
  if (latest?.limits === limits && latest.costMicros === call.costMicros) return latest.charged;
  const charged = chargesOf(limits, call.costMicros);
  plan.latest = { limits, costMicros: call.costMicros, charged };
  return charged;
}

/** What is left for a token, as far as `left` knows the accounts. */
export function remainingOf(
  capability: Capability,
  nowMs: number,
  left: (limit: Limit) => number,
): Remaining {
  const smallest: { -readonly [kind in keyof Remaining]: number } = {};
  for (const limit of limitsAt(planOf(capability), nowMs)) {
    const field = limit.kind === "cost" ? "costMicros" : limit.kind;
    smallest[field] = Math.min(smallest[field] ?? Number.POSITIVE_INFINITY, Math.max(0, left(limit)));
  }
  return smallest;
}

/** The minute that a rate account counts; undefined for an account of another kind. */
export function minuteOf(account: string): number | undefined {
  return account.startsWith("rate:") ? Number(account.slice(account.lastIndexOf(":") + 1)) : undefined;
}

/** The kind of an account and the hop that owns it; undefined for text that names no account. */
export function ownerOfAccount(
  account: string,
): { kind: ChargeKind; jti: string; isRoot: boolean } | undefined {
  const [, word, owner = ""] = /^(calls|cost|rate):(.*)$/.exec(account) ?? [];
  const kind = KINDS.find((known) => known === word);
  const [, jti, path] = (kind === "rate" ? RATE_OWNER : OWNER).exec(owner) ?? [];
  return kind === undefined || jti === undefined ? undefined : { kind, jti, isRoot: path === undefined };
}

const KINDS = ["calls", "cost", "rate"] as const;
const OWNER = /^([A-Za-z0-9][A-Za-z0-9._:-]*)(?:~([\w-]{24}))?$/;
const RATE_OWNER = /^([A-Za-z0-9][A-Za-z0-9._:-]*)(?:~([\w-]{24}))?:\d{1,12}$/;

/** What a hop's caveats grant of one kind: the smallest limit; undefined = they do not limit it. */
export function limitIn(caveats: readonly Caveat[], kind: ChargeKind): number | undefined {
  const limits = caveats.flatMap((caveat) => {
    const budget = budgetOf(caveat);
    return budget?.kind === kind ? [budget.limit] : [];
  });
  return limits.length === 0 ? undefined : Math.min(...limits);
}

export function minuteAt(nowMs: number): number {
  return Math.floor(nowMs / 60_000);
}

/**
 * Whether an account may be charged now. A rate account may be only around its own minute: a clock that is far off must
 * not open a fresh minute, and a ledger may forget an account whose minute is over.
 */
export function isCurrent(account: string, nowMs: number): boolean {
  const minute = minuteOf(account);
  return minute === undefined || Math.abs(minute - minuteAt(nowMs)) <= 1;
}

export function exhausted(kind: ChargeKind): Reason {
  return reason(`budget.${kind}`);
}

/** The budget caveats of a token, worked out once. A verified token never changes. */
interface Plan {
  /** One entry per account; of two caveats on one account the smaller limit holds. The account of a rate lacks its minute. */
  readonly limits: readonly Limit[];
  readonly hasRate: boolean;
  /** The same with the accounts of a minute. */
  timed: { readonly minute: number; readonly limits: readonly Limit[] } | undefined;
  /** What the latest call was charged. */
  latest:
    | {
        readonly limits: readonly Limit[];
        readonly costMicros: number | undefined;
        readonly charged: Charged;
      }
    | undefined;
}

/** Forgotten with their tokens. */
const plans = new WeakMap<Capability, Plan>();

function planOf(capability: Capability): Plan {
  const known = plans.get(capability);
  if (known !== undefined) return known;
  const limits = new Map<string, Limit>();
  capability.hops.forEach((hop, depth) => {
    for (const caveat of hop.caveats) {
      const budget = budgetOf(caveat);
      if (budget === undefined) continue;
      const account = `${budget.kind}:${ownerOf(hop, capability.hops.slice(0, depth))}`;
      const found = limits.get(account);
      if (found === undefined || budget.limit < found.limit) limits.set(account, { account, ...budget });
    }
  });
  const all = [...limits.values()];
  const plan = {
    limits: all,
    hasRate: all.some(({ kind }) => kind === "rate"),
    timed: undefined,
    latest: undefined,
  };
  plans.set(capability, plan);
  return plan;
}

function limitsAt(plan: Plan, nowMs: number): readonly Limit[] {
  if (!plan.hasRate) return plan.limits;
  const minute = minuteAt(nowMs);
  if (plan.timed?.minute === minute) return plan.timed.limits;
  const limits = plan.limits.map((limit) =>
    limit.kind === "rate" ? { ...limit, account: `${limit.account}:${minute}` } : limit,
  );
  plan.timed = { minute, limits };
  return limits;
}

function chargesOf(limits: readonly Limit[], costMicros: number | undefined): Charged {
  const charges: Charge[] = [];
  for (const limit of limits) {
    const amount = limit.kind === "cost" ? costMicros : 1;
    if (amount === undefined) return { ok: false, reason: reason("budget.cost_unknown") };
    if (amount > 0) charges.push({ ...limit, amount });
  }
  return { ok: true, charges };
}

function budgetOf(caveat: Hop["caveats"][number]): { kind: ChargeKind; limit: number } | undefined {
  switch (caveat.type) {
    case "max_calls":
      return { kind: "calls", limit: caveat.limit };
    case "rate":
      return { kind: "rate", limit: caveat.per_minute };
    case "max_cost":
      return { kind: "cost", limit: caveat.micros };
    default:
      return undefined;
  }
}

function ownerOf(hop: Hop, ancestors: readonly Hop[]): string {
  if (ancestors.length === 0) return hop.jti;
  const path = JSON.stringify(ancestors.map((ancestor) => ancestor.jti));
  return `${hop.jti}~${createHash("sha256").update(path).digest("base64url").slice(0, 24)}`;
}
