// Queries over drafts, activations and bundles.
import { and, asc, desc, eq, inArray, lt, ne, sql } from "drizzle-orm";
import type { Executor } from "../../database/connection.ts";
import type { Activation, CompiledText, Draft } from "./model.ts";
import { policyActivations, policyBundles, policyContents, policyDrafts, policyRevisions } from "./table.ts";

interface DraftKey {
  readonly id: string;
  /** undefined = whichever tenant's it is. */
  readonly tenant: string | undefined;
}
const isDraft = ({ tenant, id }: DraftKey) =>
  and(eq(policyDrafts.id, id), tenant === undefined ? undefined : eq(policyDrafts.tenant, tenant));

export async function insertDraft(executor: Executor, draft: Draft): Promise<void> {
  await executor.insert(policyDrafts).values(draft);
}

export async function findDraft(executor: Executor, key: DraftKey): Promise<Draft | undefined> {
  const [row] = await executor.select().from(policyDrafts).where(isDraft(key)).limit(1);
  return row;
}

/** The draft, locked until the transaction ends. */
export async function lockDraft(executor: Executor, key: DraftKey): Promise<Draft | undefined> {
  const [row] = await executor.select().from(policyDrafts).where(isDraft(key)).limit(1).for("update");
  return row;
}

export async function updateDraft(
  executor: Executor,
  key: { tenant: string; id: string },
  change: Partial<Draft>,
): Promise<void> {
  await executor.update(policyDrafts).set(change).where(isDraft(key));
}

export async function deleteDraft(executor: Executor, key: { tenant: string; id: string }): Promise<void> {
  await executor.delete(policyDrafts).where(isDraft(key));
}

/** Newest first. Without a tenant, those of all tenants. */
export async function selectDrafts(
  executor: Executor,
  tenant: string | undefined,
): Promise<readonly Omit<Draft, "regoSource">[]> {
  return await executor
    .select({
      tenant: policyDrafts.tenant,
      id: policyDrafts.id,
      name: policyDrafts.name,
      description: policyDrafts.description,
      regoSha256: policyDrafts.regoSha256,
      createdBy: policyDrafts.createdBy,
      createdByClaim: policyDrafts.createdByClaim,
      createdAt: policyDrafts.createdAt,
      updatedAt: policyDrafts.updatedAt,
      promotedAt: policyDrafts.promotedAt,
    })
    .from(policyDrafts)
    .where(tenant === undefined ? undefined : eq(policyDrafts.tenant, tenant))
    .orderBy(desc(policyDrafts.createdAt), desc(policyDrafts.id));
}

export async function selectDigests(
  executor: Executor,
  tenant: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await executor
    .select({ id: policyDrafts.id, sha256: policyDrafts.regoSha256 })
    .from(policyDrafts)
    .where(and(eq(policyDrafts.tenant, tenant), inArray(policyDrafts.id, [...ids])));
  return new Map(rows.map(({ id, sha256 }) => [id, sha256]));
}

/** What a tenant's revisions have come to; every change of its policies locks it. */
export interface Register {
  /** Of what is in force (0 = none yet). */
  readonly current: number;
  /** Higher than any that was given out, to a candidate or to an activation. */
  readonly next: number;
}

/** Locked until the transaction ends. */
export async function lockRegister(executor: Executor, tenant: string): Promise<Register> {
  await executor.insert(policyRevisions).values({ tenant, revision: 0 }).onConflictDoNothing();
  const [row] = await executor
    .select({ revision: policyRevisions.revision, allocated: policyRevisions.allocated })
    .from(policyRevisions)
    .where(eq(policyRevisions.tenant, tenant))
    .for("update");
  const { revision, allocated } = row ?? { revision: 0, allocated: 0 };
  return { current: revision, next: Math.max(revision, allocated) + 1 };
}

/** Gives a revision to a candidate. The register must be locked. */
export async function allocateRevision(executor: Executor, tenant: string, revision: number): Promise<void> {
  await executor
    .update(policyRevisions)
    .set({ allocated: revision })
    .where(eq(policyRevisions.tenant, tenant));
}

/** Moves the version of what sidecars are told, without another activation. The register must be locked. */
export async function countChange(executor: Executor, tenant: string): Promise<void> {
  await executor
    .update(policyRevisions)
    .set({ changes: sql`${policyRevisions.changes} + 1` })
    .where(eq(policyRevisions.tenant, tenant));
}

/** Versions of what sidecars are told about policies, by tenant: they rise with every change. */
export async function selectVersions(
  executor: Executor,
  tenants: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await executor
    .select()
    .from(policyRevisions)
    .where(inArray(policyRevisions.tenant, [...tenants]));
  return new Map(rows.map(({ tenant, revision, changes }) => [tenant, revision + changes]));
}

/** Adds an activation, which from now on is the one in force. The tenant's revision must be locked. */
export async function insertActivation(executor: Executor, activation: Activation): Promise<void> {
  const { tenant, revision } = activation;
  await executor.insert(policyActivations).values(activation);
  await executor.update(policyRevisions).set({ revision }).where(eq(policyRevisions.tenant, tenant));
}

export async function findActivation(
  executor: Executor,
  tenant: string,
  revision: number,
): Promise<Activation | undefined> {
  const [row] = await executor
    .select()
    .from(policyActivations)
    .where(and(eq(policyActivations.tenant, tenant), eq(policyActivations.revision, revision)));
  return row;
}

/** The latest activation before a revision that is not a clearing. */
export async function findActiveBefore(
  executor: Executor,
  tenant: string,
  revision: number,
): Promise<Activation | undefined> {
  const [row] = await executor
    .select()
    .from(policyActivations)
    .where(
      and(
        eq(policyActivations.tenant, tenant),
        lt(policyActivations.revision, revision),
        ne(policyActivations.kind, "clear"),
      ),
    )
    .orderBy(desc(policyActivations.revision))
    .limit(1);
  return row;
}

/** The newest first, those before a revision. */
export async function selectActivations(
  executor: Executor,
  { tenant, before, limit }: { tenant: string; before: number | undefined; limit: number },
): Promise<readonly Activation[]> {
  const earlier = before === undefined ? undefined : lt(policyActivations.revision, before);
  return await executor
    .select()
    .from(policyActivations)
    .where(and(eq(policyActivations.tenant, tenant), earlier))
    .orderBy(desc(policyActivations.revision))
    .limit(limit);
}

const isInForce = and(
  eq(policyActivations.tenant, policyRevisions.tenant),
  eq(policyActivations.revision, policyRevisions.revision),
);

/** What is in force, clearings included, by tenant; a tenant that never had a policy is absent. */
export async function selectInForce(
  executor: Executor,
  tenants: readonly string[],
): Promise<ReadonlyMap<string, Activation>> {
  const rows = await executor
    .select({ activation: policyActivations })
    .from(policyRevisions)
    .innerJoin(policyActivations, isInForce)
    .where(inArray(policyRevisions.tenant, [...tenants]));
  return new Map(rows.map(({ activation }) => [activation.tenant, activation]));
}

/** Tenants whose active bundle ends before an instant. */
export async function selectTenantsExpiring(executor: Executor, before: Date): Promise<readonly string[]> {
  const rows = await executor
    .select({ tenant: policyRevisions.tenant })
    .from(policyRevisions)
    .innerJoin(policyActivations, isInForce)
    .where(and(ne(policyActivations.kind, "clear"), lt(policyActivations.expiresAt, before)))
    .orderBy(asc(policyRevisions.tenant));
  return rows.map((row) => row.tenant);
}

export async function insertContent(
  executor: Executor,
  content: { tenant: string; revision: number; compiled: CompiledText; wasm: Uint8Array },
): Promise<void> {
  await executor.insert(policyContents).values(content);
}

export async function findContent(
  executor: Executor,
  tenant: string,
  revision: number,
): Promise<{ compiled: CompiledText; wasm: Uint8Array } | undefined> {
  const [row] = await executor
    .select({ compiled: policyContents.compiled, wasm: policyContents.wasm })
    .from(policyContents)
    .where(and(eq(policyContents.tenant, tenant), eq(policyContents.revision, revision)));
  return row;
}

export async function insertBundle(
  executor: Executor,
  bundle: { tenant: string; digest: string; revision: number; bytes: Uint8Array },
): Promise<void> {
  await executor.insert(policyBundles).values(bundle);
}

export async function findBundle(
  executor: Executor,
  tenant: string,
  digest: string,
): Promise<Uint8Array | undefined> {
  const [row] = await executor
    .select({ bytes: policyBundles.bytes })
    .from(policyBundles)
    .where(and(eq(policyBundles.tenant, tenant), eq(policyBundles.digest, digest)));
  return row?.bytes;
}
