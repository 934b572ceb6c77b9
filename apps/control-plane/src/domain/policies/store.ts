// Queries over drafts, activations and bundles.
import { and, asc, desc, eq, inArray, lt, ne } from "drizzle-orm";
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

/** The tenant's latest revision (0 = none yet), locked until the transaction ends. */
export async function lockRevision(executor: Executor, tenant: string): Promise<number> {
  await executor.insert(policyRevisions).values({ tenant, revision: 0 }).onConflictDoNothing();
  const [row] = await executor
    .select({ revision: policyRevisions.revision })
    .from(policyRevisions)
    .where(eq(policyRevisions.tenant, tenant))
    .for("update");
  return row?.revision ?? 0;
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
