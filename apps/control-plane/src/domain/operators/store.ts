// Queries over operators, their tokens and logins under way.
import type { OperatorRole } from "@postern/contracts";
import { and, asc, eq, gt, isNull, lt, type SQL, sql } from "drizzle-orm";
import type { Executor } from "../../database/connection.ts";
import type { Identity, Operator, OperatorKey, OperatorToken } from "./model.ts";
import { operatorLogins, operators, operatorTokens } from "./table.ts";

const isOperator = ({ tenant, id }: OperatorKey) => and(eq(operators.tenant, tenant), eq(operators.id, id));
const isTokenOf = ({ tenant, id }: OperatorKey) =>
  and(eq(operatorTokens.tenant, tenant), eq(operatorTokens.operatorId, id));

/** Whether it was added: names, and identities of those who are not removed, are unique. */
export async function insertOperator(executor: Executor, operator: Operator): Promise<boolean> {
  const added = await executor
    .insert(operators)
    .values(operator)
    .onConflictDoNothing()
    .returning({ id: operators.id });
  return added.length === 1;
}

export async function findOperator(executor: Executor, key: OperatorKey): Promise<Operator | undefined> {
  const [row] = await executor
    .select()
    .from(operators)
    .where(and(isOperator(key), isNull(operators.removedAt)));
  return row;
}

/** The operator, locked until the transaction ends: who changes it and who signs in as it take turns. */
export async function lockOperator(executor: Executor, key: OperatorKey): Promise<Operator | undefined> {
  const [row] = await executor
    .select()
    .from(operators)
    .where(and(isOperator(key), isNull(operators.removedAt)))
    .for("update");
  return row;
}

/** Whether anybody has or had this name. */
export async function isNameTaken(executor: Executor, tenant: string, name: string): Promise<boolean> {
  const rows = await executor
    .select({ id: operators.id })
    .from(operators)
    .where(and(eq(operators.tenant, tenant), eq(operators.name, name)));
  return rows.length > 0;
}

/** Who has this identity; else the last one who had it and was removed. */
export async function findByIdentity(
  executor: Executor,
  { tenant, issuer, subject }: Identity & { tenant: string },
): Promise<Operator | undefined> {
  const [row] = await executor
    .select()
    .from(operators)
    .where(and(eq(operators.tenant, tenant), eq(operators.issuer, issuer), eq(operators.subject, subject)))
    .orderBy(sql`${operators.removedAt} desc nulls first`)
    .limit(1);
  return row;
}

/** Keeps identities of the tenant as they are until the transaction ends: who adds an operator needs the tenant's row too. */
export async function lockIdentities(executor: Executor, tenant: string): Promise<void> {
  await executor.execute(sql`select 1 from tenants where tenant = ${tenant} for update`);
}

export async function updateOperator(executor: Executor, operator: Operator): Promise<void> {
  await executor.update(operators).set(operator).where(isOperator(operator));
}

export interface OperatorPage {
  /** undefined = all tenants. */
  readonly tenant: string | undefined;
  readonly limit: number;
  readonly after: Pick<Operator, "tenant" | "name"> | undefined;
}

/** By tenant and name, removed ones left out. */
export async function selectOperators(executor: Executor, page: OperatorPage): Promise<readonly Operator[]> {
  const { tenant, limit, after } = page;
  const conditions: SQL[] = [isNull(operators.removedAt)];
  if (tenant !== undefined) conditions.push(eq(operators.tenant, tenant));
  if (after !== undefined) {
    conditions.push(sql`(${operators.tenant}, ${operators.name}) > (${after.tenant}, ${after.name})`);
  }
  return await executor
    .select()
    .from(operators)
    .where(and(...conditions))
    .orderBy(asc(operators.tenant), asc(operators.name))
    .limit(limit);
}

export async function insertToken(executor: Executor, token: OperatorToken): Promise<void> {
  await executor.insert(operatorTokens).values(token);
}

/** The token of this digest and whose it is, unless that operator is removed. One read by primary keys. */
export async function findByToken(
  executor: Executor,
  { tenant, sha256 }: Pick<OperatorToken, "tenant" | "sha256">,
): Promise<{ token: OperatorToken; operator: Operator } | undefined> {
  const [row] = await executor
    .select({ token: operatorTokens, operator: operators })
    .from(operatorTokens)
    .innerJoin(
      operators,
      and(eq(operators.tenant, operatorTokens.tenant), eq(operators.id, operatorTokens.operatorId)),
    )
    .where(
      and(eq(operatorTokens.tenant, tenant), eq(operatorTokens.sha256, sha256), isNull(operators.removedAt)),
    );
  return row;
}

/** By id, which is by time. */
export async function selectTokens(executor: Executor, key: OperatorKey): Promise<readonly OperatorToken[]> {
  return await executor.select().from(operatorTokens).where(isTokenOf(key)).orderBy(asc(operatorTokens.id));
}

/** Deletes all tokens of an operator, those of a kind, or one by its id. How many there were. */
export async function deleteTokens(
  executor: Executor,
  key: OperatorKey,
  { id, kind }: { id?: string; kind?: OperatorToken["kind"] } = {},
): Promise<number> {
  const conditions = [isTokenOf(key)];
  if (id !== undefined) conditions.push(eq(operatorTokens.id, id));
  if (kind !== undefined) conditions.push(eq(operatorTokens.kind, kind));
  const gone = await executor
    .delete(operatorTokens)
    .where(and(...conditions))
    .returning({ id: operatorTokens.id });
  return gone.length;
}

/** Forgets the operator's sessions that have ended. */
export async function deleteEndedSessions(executor: Executor, key: OperatorKey, at: Date): Promise<void> {
  await executor
    .delete(operatorTokens)
    .where(and(isTokenOf(key), eq(operatorTokens.kind, "session"), lt(operatorTokens.expiresAt, at)));
}

export interface Login {
  readonly tenant: string;
  readonly codeSha256: string;
  readonly stateSha256: string;
  readonly operatorId: string;
  readonly roles: readonly OperatorRole[];
  readonly createdAt: Date;
  readonly usedAt: Date | null;
}

/** Whether it was added: a state comes back once. */
export async function insertLogin(executor: Executor, login: Login): Promise<boolean> {
  const added = await executor
    .insert(operatorLogins)
    .values(login)
    .onConflictDoNothing()
    .returning({ tenant: operatorLogins.tenant });
  return added.length === 1;
}

/** Forgets logins that began before. */
export async function deleteOldLogins(executor: Executor, tenant: string, before: Date): Promise<void> {
  await executor
    .delete(operatorLogins)
    .where(and(eq(operatorLogins.tenant, tenant), lt(operatorLogins.createdAt, before)));
}

/** What a login is found by: its code, and the state that the same browser began it with. */
export type LoginKey = Pick<Login, "tenant" | "codeSha256" | "stateSha256">;

function isOpenLogin({ tenant, codeSha256, stateSha256 }: LoginKey, since: Date): SQL | undefined {
  return and(
    eq(operatorLogins.tenant, tenant),
    eq(operatorLogins.codeSha256, codeSha256),
    eq(operatorLogins.stateSha256, stateSha256),
    isNull(operatorLogins.usedAt),
    gt(operatorLogins.createdAt, since),
  );
}

/** A login that came back after `since` and was not used. */
export async function findLogin(executor: Executor, key: LoginKey, since: Date): Promise<Login | undefined> {
  const [row] = await executor.select().from(operatorLogins).where(isOpenLogin(key, since));
  return row;
}

/** As `findLogin`, and uses it up; undefined when somebody else did. */
export async function useLogin(
  executor: Executor,
  key: LoginKey,
  { since, at }: { since: Date; at: Date },
): Promise<Login | undefined> {
  const [row] = await executor
    .update(operatorLogins)
    .set({ usedAt: at })
    .where(isOpenLogin(key, since))
    .returning();
  return row;
}

/** Uses up every login of an operator that waits. */
export async function useLogins(executor: Executor, { tenant, id }: OperatorKey, at: Date): Promise<void> {
  await executor
    .update(operatorLogins)
    .set({ usedAt: at })
    .where(
      and(
        eq(operatorLogins.tenant, tenant),
        eq(operatorLogins.operatorId, id),
        isNull(operatorLogins.usedAt),
      ),
    );
}
