// Queries over trusted issuers.
import { and, asc, eq, type SQL, sql } from "drizzle-orm";
import type { Executor } from "../../database/connection.ts";
import type { IssuerKey, TrustedIssuer } from "./model.ts";
import { trustedIssuers } from "./table.ts";

function isNamed({ id, tenant }: IssuerKey): SQL | undefined {
  const byId = eq(trustedIssuers.id, id);
  return tenant === undefined ? byId : and(byId, eq(trustedIssuers.tenant, tenant));
}

/** Whether it was added: a tenant trusts an issuer once. */
export async function insertIssuer(executor: Executor, row: TrustedIssuer): Promise<boolean> {
  const added = await executor
    .insert(trustedIssuers)
    .values(row)
    .onConflictDoNothing()
    .returning({ id: trustedIssuers.id });
  return added.length === 1;
}

/** Serialises additions to one tenant until the transaction ends, so that a limit on their number holds. */
export async function lockIssuers(executor: Executor, tenant: string): Promise<void> {
  await executor.execute(sql`select 1 from tenants where tenant = ${tenant} for update`);
}

export async function findIssuer(executor: Executor, key: IssuerKey): Promise<TrustedIssuer | undefined> {
  const [row] = await executor.select().from(trustedIssuers).where(isNamed(key));
  return row;
}

export async function findByUrl(
  executor: Executor,
  { tenant, issuer }: Pick<TrustedIssuer, "tenant" | "issuer">,
): Promise<TrustedIssuer | undefined> {
  const [row] = await executor
    .select()
    .from(trustedIssuers)
    .where(and(eq(trustedIssuers.tenant, tenant), eq(trustedIssuers.issuer, issuer)));
  return row;
}

/** By tenant and address. Without a tenant, those of all tenants. */
export async function selectIssuers(
  executor: Executor,
  tenant: string | undefined,
): Promise<readonly TrustedIssuer[]> {
  return await executor
    .select()
    .from(trustedIssuers)
    .where(tenant === undefined ? undefined : eq(trustedIssuers.tenant, tenant))
    .orderBy(asc(trustedIssuers.tenant), asc(trustedIssuers.issuer));
}

export async function updateIssuer(executor: Executor, next: TrustedIssuer): Promise<void> {
  const { tenant, id, trust, updatedAt, updatedBy } = next;
  await executor.update(trustedIssuers).set({ trust, updatedAt, updatedBy }).where(isNamed({ tenant, id }));
}

export async function deleteIssuer(executor: Executor, { tenant, id }: TrustedIssuer): Promise<void> {
  await executor.delete(trustedIssuers).where(isNamed({ tenant, id }));
}
