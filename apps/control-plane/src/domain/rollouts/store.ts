// Queries over rollouts and proposals.
import { and, count, desc, eq, getTableColumns, gt, inArray, lt, or } from "drizzle-orm";
import type { Executor } from "../../database/connection.ts";
import type { CompiledRollout, Proposal, Rollout, RolloutKey } from "./model.ts";
import { policyProposals, policyRollouts } from "./table.ts";

/** Where the page before ended. */
export interface After {
  readonly at: Date;
  readonly id: string;
}

export interface Page {
  readonly tenant: string;
  readonly after: After | undefined;
  readonly limit: number;
}

const isRollout = ({ tenant, id }: RolloutKey) =>
  and(eq(policyRollouts.tenant, tenant), eq(policyRollouts.id, id));
const isProposal = ({ tenant, id }: RolloutKey) =>
  and(eq(policyProposals.tenant, tenant), eq(policyProposals.id, id));

/** All but what is compiled, which is large. */
const { compiled: _compiled, wasm: _wasm, ...shown } = getTableColumns(policyRollouts);

export async function insertRollout(executor: Executor, rollout: CompiledRollout): Promise<void> {
  await executor.insert(policyRollouts).values(rollout);
}

export async function updateRollout(
  executor: Executor,
  key: RolloutKey,
  change: Partial<Rollout>,
): Promise<void> {
  await executor.update(policyRollouts).set(change).where(isRollout(key));
}

export async function findRollout(executor: Executor, key: RolloutKey): Promise<Rollout | undefined> {
  const [row] = await executor.select(shown).from(policyRollouts).where(isRollout(key));
  return row;
}

export async function findCompiled(
  executor: Executor,
  key: RolloutKey,
): Promise<CompiledRollout | undefined> {
  const [row] = await executor.select().from(policyRollouts).where(isRollout(key));
  return row;
}

/** Running rollouts of these tenants; of all of them when none are named. */
export async function selectRunning(
  executor: Executor,
  tenants: readonly string[] | undefined,
): Promise<readonly Rollout[]> {
  const named = tenants === undefined ? undefined : inArray(policyRollouts.tenant, [...tenants]);
  return await executor
    .select(shown)
    .from(policyRollouts)
    .where(and(named, eq(policyRollouts.status, "running")));
}

/** The newest first. */
export async function selectRollouts(
  executor: Executor,
  { tenant, after, limit }: Page,
): Promise<readonly Rollout[]> {
  const { startedAt, id } = policyRollouts;
  const older = after && or(lt(startedAt, after.at), and(eq(startedAt, after.at), lt(id, after.id)));
  return await executor
    .select(shown)
    .from(policyRollouts)
    .where(and(eq(policyRollouts.tenant, tenant), older))
    .orderBy(desc(startedAt), desc(id))
    .limit(limit);
}

export async function insertProposal(executor: Executor, proposal: Proposal): Promise<void> {
  await executor.insert(policyProposals).values(proposal);
}

export async function updateProposal(
  executor: Executor,
  key: RolloutKey,
  change: Partial<Proposal>,
): Promise<void> {
  await executor.update(policyProposals).set(change).where(isProposal(key));
}

export async function findProposal(executor: Executor, key: RolloutKey): Promise<Proposal | undefined> {
  const [row] = await executor.select().from(policyProposals).where(isProposal(key));
  return row;
}

/** The proposal, locked until the transaction ends. */
export async function lockProposal(executor: Executor, key: RolloutKey): Promise<Proposal | undefined> {
  const [row] = await executor.select().from(policyProposals).where(isProposal(key)).for("update");
  return row;
}

export async function countOpen(executor: Executor, tenant: string, now: Date): Promise<number> {
  const [row] = await executor
    .select({ open: count() })
    .from(policyProposals)
    .where(
      and(
        eq(policyProposals.tenant, tenant),
        eq(policyProposals.status, "open"),
        gt(policyProposals.expiresAt, now),
      ),
    );
  return row?.open ?? 0;
}

/** The newest first. */
export async function selectProposals(
  executor: Executor,
  { tenant, after, limit }: Page,
): Promise<readonly Proposal[]> {
  const { proposedAt, id } = policyProposals;
  const older = after && or(lt(proposedAt, after.at), and(eq(proposedAt, after.at), lt(id, after.id)));
  return await executor
    .select()
    .from(policyProposals)
    .where(and(eq(policyProposals.tenant, tenant), older))
    .orderBy(desc(proposedAt), desc(id))
    .limit(limit);
}
