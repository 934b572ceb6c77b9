// Queries over parked calls.
import type { ApprovalStatus } from "@postern/contracts";
import { and, asc, count, desc, eq, getTableColumns, gt, inArray, lte, or, type SQL, sql } from "drizzle-orm";
import type { Executor } from "../../database/connection.ts";
import type { Approval, ApprovalKey } from "./model.ts";
import { approvalRegisters, approvals } from "./table.ts";

/** Everything but the arguments, which may be large. */
const { argumentsText, ...columns } = getTableColumns(approvals);

const OPEN = ["pending", "approved"] as const;
const SETTLED = ["used", "rejected", "expired"] as const;

const isApproval = ({ tenant, id }: ApprovalKey) => and(eq(approvals.tenant, tenant), eq(approvals.id, id));
const isOverdue = (now: Date) => and(inArray(approvals.status, [...OPEN]), lte(approvals.expiresAt, now));

/** The version of the tenant's decisions, locked until the transaction ends. */
export async function lockRegister(executor: Executor, tenant: string): Promise<number> {
  await executor.insert(approvalRegisters).values({ tenant, version: 0 }).onConflictDoNothing();
  const [row] = await executor
    .select()
    .from(approvalRegisters)
    .where(eq(approvalRegisters.tenant, tenant))
    .for("update");
  return row?.version ?? 0;
}

/**
 * As `lockRegister`, of some tenant that has overdue calls and that nobody else holds; undefined when there is none. It is not always the same
 * one, so that a tenant whose calls cannot be written down does not keep those of others waiting for ever.
 */
export async function lockOverdueRegister(
  executor: Executor,
  now: Date,
): Promise<{ tenant: string; version: number } | undefined> {
  const overdue = executor
    .select({ tenant: approvals.tenant })
    .from(approvals)
    .where(and(eq(approvals.tenant, approvalRegisters.tenant), isOverdue(now)));
  const [row] = await executor
    .select()
    .from(approvalRegisters)
    .where(sql`exists ${overdue}`)
    .orderBy(sql`random()`)
    .limit(1)
    .for("update", { of: approvalRegisters, skipLocked: true });
  return row;
}

export async function updateRegister(executor: Executor, tenant: string, version: number): Promise<void> {
  await executor.update(approvalRegisters).set({ version }).where(eq(approvalRegisters.tenant, tenant));
}

/** Versions by tenant; a tenant in which nothing was settled is absent. */
export async function selectVersions(
  executor: Executor,
  tenants: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await executor
    .select()
    .from(approvalRegisters)
    .where(inArray(approvalRegisters.tenant, [...tenants]));
  return new Map(rows.map((row) => [row.tenant, row.version]));
}

export async function insertApproval(
  executor: Executor,
  approval: Approval,
  argumentsText: string,
): Promise<void> {
  await executor.insert(approvals).values({ ...approval, argumentsText });
}

/** Writes what can change of it. */
export async function updateApproval(executor: Executor, approval: Approval): Promise<void> {
  const { status, expiresAt, decisions, decidedBy, decidedAt, decisionReason } = approval;
  const { usedAt, usedEventId, version, changedAt } = approval;
  await executor
    .update(approvals)
    .set({
      ...{ status, expiresAt, decisions, decidedBy, decidedAt, decisionReason },
      ...{ usedAt, usedEventId, version, changedAt },
    })
    .where(isApproval(approval));
}

export async function findApproval(executor: Executor, key: ApprovalKey): Promise<Approval | undefined> {
  const [row] = await executor.select(columns).from(approvals).where(isApproval(key));
  return row;
}

/** Those of these ids that there are. */
export async function selectNamed(
  executor: Executor,
  tenant: string,
  ids: readonly string[],
): Promise<readonly Approval[]> {
  if (ids.length === 0) return [];
  return await executor
    .select(columns)
    .from(approvals)
    .where(and(eq(approvals.tenant, tenant), inArray(approvals.id, [...ids])));
}

/** Tenants that have an approval of this id; ids are random, so there is one at most. */
export async function tenantsOfApproval(executor: Executor, id: string): Promise<readonly string[]> {
  const rows = await executor
    .select({ tenant: approvals.tenant })
    .from(approvals)
    .where(eq(approvals.id, id));
  return rows.map((row) => row.tenant);
}

/** Of all that were parked for one exact call the one that is open, else the latest. */
export async function findLatest(
  executor: Executor,
  tenant: string,
  digest: string,
): Promise<Approval | undefined> {
  const [row] = await executor
    .select(columns)
    .from(approvals)
    .where(and(eq(approvals.tenant, tenant), eq(approvals.digest, digest)))
    .orderBy(desc(inArray(approvals.status, [...OPEN])), desc(approvals.createdAt))
    .limit(1);
  return row;
}

/** Calls of a tenant that wait, by agent. */
export async function countPendingByAgent(
  executor: Executor,
  tenant: string,
  now: Date,
): Promise<ReadonlyMap<string, number>> {
  const rows = await executor
    .select({ agent: approvals.agent, pending: count() })
    .from(approvals)
    .where(and(eq(approvals.tenant, tenant), hasStatus("pending", now)))
    .groupBy(approvals.agent);
  return new Map(rows.map((row) => [row.agent, row.pending]));
}

/** Calls that wait, by tenant; a tenant without any is absent. */
export async function countPending(
  executor: Executor,
  tenants: readonly string[],
  now: Date,
): Promise<ReadonlyMap<string, number>> {
  const rows = await executor
    .select({ tenant: approvals.tenant, pending: count() })
    .from(approvals)
    .where(and(inArray(approvals.tenant, [...tenants]), hasStatus("pending", now)))
    .groupBy(approvals.tenant);
  return new Map(rows.map((row) => [row.tenant, row.pending]));
}

export interface ApprovalFilter {
  /** undefined = all tenants. */
  readonly tenant: string | undefined;
  readonly status: ApprovalStatus;
  readonly now: Date;
  readonly limit: number;
  readonly after: { readonly createdAt: Date; readonly tenant: string; readonly id: string } | undefined;
}

/** Newest first. */
export async function selectApprovals(
  executor: Executor,
  { tenant, status, now, limit, after }: ApprovalFilter,
): Promise<readonly Approval[]> {
  const conditions = [hasStatus(status, now)];
  if (tenant !== undefined) conditions.push(eq(approvals.tenant, tenant));
  if (after !== undefined) {
    conditions.push(
      sql`(${approvals.createdAt}, ${approvals.tenant}, ${approvals.id}) < (${after.createdAt.toISOString()}::timestamptz, ${after.tenant}, ${after.id})`,
    );
  }
  return await executor
    .select(columns)
    .from(approvals)
    .where(and(...conditions))
    .orderBy(desc(approvals.createdAt), desc(approvals.tenant), desc(approvals.id))
    .limit(limit);
}

/** Canonical arguments by id; what was erased is absent. */
export async function selectArguments(
  executor: Executor,
  keys: readonly ApprovalKey[],
): Promise<ReadonlyMap<string, string>> {
  if (keys.length === 0) return new Map();
  const tenants = [...new Set(keys.map(({ tenant }) => tenant))];
  const ids = keys.map(({ id }) => id);
  const rows = await executor
    .select({ id: approvals.id, argumentsText })
    .from(approvals)
    .where(and(inArray(approvals.tenant, tenants), inArray(approvals.id, ids)));
  return new Map(rows.flatMap((row) => (row.argumentsText === null ? [] : [[row.id, row.argumentsText]])));
}

/** Calls of a tenant that are past their time, those that have been so for longest first. */
export async function selectOverdue(
  executor: Executor,
  options: { tenant: string; now: Date; limit: number },
): Promise<readonly Approval[]> {
  return await executor
    .select(columns)
    .from(approvals)
    .where(and(eq(approvals.tenant, options.tenant), isOverdue(options.now)))
    .orderBy(asc(approvals.expiresAt))
    .limit(options.limit);
}

/** What changed after one version up to another and was settled after `since`, or may still be used, in the order of the changes. */
export async function selectChanged(
  executor: Executor,
  range: { tenant: string; after: number; upTo: number; limit: number; since: Date; now: Date },
): Promise<readonly Approval[]> {
  return await executor
    .select(columns)
    .from(approvals)
    .where(
      and(
        eq(approvals.tenant, range.tenant),
        gt(approvals.version, Math.max(0, range.after)),
        lte(approvals.version, range.upTo),
        or(gt(approvals.changedAt, range.since), hasStatus("approved", range.now)),
      ),
    )
    .orderBy(asc(approvals.version))
    .limit(range.limit);
}

/** Forgets what agents put into calls that were settled before `before`. How many calls that were. */
export async function eraseArguments(
  executor: Executor,
  options: { before: Date; limit: number },
): Promise<number> {
  const chosen = executor
    .select({ tenant: approvals.tenant, id: approvals.id })
    .from(approvals)
    .where(
      and(
        sql`${argumentsText} is not null`,
        inArray(approvals.status, [...SETTLED]),
        lte(approvals.changedAt, options.before),
      ),
    )
    .orderBy(asc(approvals.changedAt))
    .limit(options.limit)
    .for("update", { skipLocked: true });
  const rows = await executor
    .update(approvals)
    .set({ argumentsText: null, intentSummary: "" })
    .where(sql`(${approvals.tenant}, ${approvals.id}) in ${chosen}`)
    .returning({ id: approvals.id });
  return rows.length;
}

/** What `statusAt` says, as a condition. */
function hasStatus(status: ApprovalStatus, now: Date): SQL | undefined {
  if (status === "expired") return or(eq(approvals.status, "expired"), isOverdue(now));
  const isThat = eq(approvals.status, status);
  return OPEN.some((open) => open === status) ? and(isThat, gt(approvals.expiresAt, now)) : isThat;
}
