// Queries over issued tokens and revocations.
import type { Caveat } from "@postern/contracts";
import { and, asc, desc, eq, gt, inArray, lte, type SQL, sql } from "drizzle-orm";
import type { Executor } from "../../database/connection.ts";
import type { IssuedToken, Revocation } from "./model.ts";
import { capabilities, revocations, revocationVersions } from "./table.ts";

/** Tokens of ids that are new. */
export async function insertCapabilities(
  executor: Executor,
  rows: readonly (typeof capabilities.$inferInsert)[],
): Promise<void> {
  await executor.insert(capabilities).values([...rows]);
}

/** Of an id that was issued before, what was issued last is kept. */
export async function upsertCapability(
  executor: Executor,
  row: typeof capabilities.$inferInsert,
): Promise<void> {
  await executor
    .insert(capabilities)
    .values(row)
    .onConflictDoUpdate({ target: [capabilities.tenant, capabilities.jti], set: row });
}

/** What is kept of a token, locked until the transaction ends. */
export async function lockCapability(executor: Executor, tenant: string, jti: string) {
  const [row] = await executor
    .select()
    .from(capabilities)
    .where(and(eq(capabilities.tenant, tenant), eq(capabilities.jti, jti)))
    .for("update");
  return row;
}

/** Tenants that issued a token of this id; ids are random, so there is one at most. */
export async function tenantsOfToken(executor: Executor, jti: string): Promise<readonly string[]> {
  const rows = await executor
    .select({ tenant: capabilities.tenant })
    .from(capabilities)
    .where(eq(capabilities.jti, jti));
  return rows.map((row) => row.tenant);
}

/** What the token was issued with; empty when none of this id was. */
export async function findCaveats(
  executor: Executor,
  tenant: string,
  jti: string,
): Promise<readonly Caveat[]> {
  const [row] = await executor
    .select({ caveats: capabilities.caveats })
    .from(capabilities)
    .where(and(eq(capabilities.tenant, tenant), eq(capabilities.jti, jti)));
  return row?.caveats ?? [];
}

/** By whose credential the token was issued; undefined when none of this id was. */
export async function findIssuedBy(
  executor: Executor,
  tenant: string,
  jti: string,
): Promise<string | undefined> {
  const [row] = await executor
    .select({ issuedBy: capabilities.issuedBy })
    .from(capabilities)
    .where(and(eq(capabilities.tenant, tenant), eq(capabilities.jti, jti)));
  return row?.issuedBy;
}

/** By id; what was not issued here is absent. */
export async function selectIssued(
  executor: Executor,
  tenant: string,
  jtis: readonly string[],
): Promise<ReadonlyMap<string, IssuedToken>> {
  if (jtis.length === 0) return new Map();
  const { jti, issuer, issuedAt, expiresAt, caveats } = capabilities;
  const rows = await executor
    .select({ jti, issuer, issuedAt, expiresAt, caveats })
    .from(capabilities)
    .where(and(eq(capabilities.tenant, tenant), inArray(capabilities.jti, [...jtis])));
  return new Map(rows.map(({ jti: id, ...token }) => [id, token]));
}

/** The version of the tenant's revocation list, locked until the transaction ends. */
export async function lockRevocationVersion(executor: Executor, tenant: string): Promise<number> {
  await executor.insert(revocationVersions).values({ tenant, version: 0 }).onConflictDoNothing();
  const [row] = await executor
    .select({ version: revocationVersions.version })
    .from(revocationVersions)
    .where(eq(revocationVersions.tenant, tenant))
    .for("update");
  return row?.version ?? 0;
}

export async function isRevoked(executor: Executor, tenant: string, jti: string): Promise<boolean> {
  const rows = await executor
    .select({ jti: revocations.jti })
    .from(revocations)
    .where(and(eq(revocations.tenant, tenant), eq(revocations.jti, jti)));
  return rows.length > 0;
}

/** Adds a revocation to the end of the tenant's list, whose version must be locked. */
export async function insertRevocation(executor: Executor, revocation: Revocation): Promise<void> {
  const { tenant, version } = revocation;
  await executor.insert(revocations).values(revocation);
  await executor.update(revocationVersions).set({ version }).where(eq(revocationVersions.tenant, tenant));
}

/** Where a page of revocations starts: after this one, newest first. */
export interface RevocationKey {
  readonly revokedAt: Date;
  readonly tenant: string;
  readonly jti: string;
}

/** Newest first. Without a tenant, those of all tenants. */
export async function selectRevocations(
  executor: Executor,
  options: { tenant: string | undefined; limit: number; after: RevocationKey | undefined },
): Promise<readonly Revocation[]> {
  const { tenant, limit, after } = options;
  const conditions: SQL[] = [];
  if (tenant !== undefined) conditions.push(eq(revocations.tenant, tenant));
  if (after !== undefined) {
    conditions.push(
      sql`(${revocations.revokedAt}, ${revocations.tenant}, ${revocations.jti}) < (${after.revokedAt.toISOString()}::timestamptz, ${after.tenant}, ${after.jti})`,
    );
  }
  return await executor
    .select()
    .from(revocations)
    .where(and(...conditions))
    .orderBy(desc(revocations.revokedAt), desc(revocations.tenant), desc(revocations.jti))
    .limit(limit);
}

/** Ids after one version up to another, in order. */
export async function selectRevokedIds(
  executor: Executor,
  options: { tenant: string; after: number; upTo: number; limit: number },
): Promise<readonly { jti: string; version: number }[]> {
  const { tenant, after, upTo, limit } = options;
  return await executor
    .select({ jti: revocations.jti, version: revocations.version })
    .from(revocations)
    .where(
      and(eq(revocations.tenant, tenant), gt(revocations.version, after), lte(revocations.version, upTo)),
    )
    .orderBy(asc(revocations.version))
    .limit(limit);
}

/** Version by tenant; a tenant without revocations is absent. */
export async function selectRevocationVersions(
  executor: Executor,
  tenants: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await executor
    .select()
    .from(revocationVersions)
    .where(inArray(revocationVersions.tenant, [...tenants]));
  return new Map(rows.map((row) => [row.tenant, row.version]));
}
