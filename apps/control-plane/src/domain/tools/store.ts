// Queries over the inventory of tools.
import type { PinMode, ToolStatus } from "@postern/contracts";
import { and, asc, count, eq, gt, inArray, lte, notInArray, type SQL, sql } from "drizzle-orm";
import type { Executor } from "../../database/connection.ts";
import type { Definition, Tool, ToolKey } from "./model.ts";
import { toolDefinitions, toolRegisters, tools } from "./table.ts";

export interface Register {
  readonly version: number;
  readonly mode: PinMode;
}

/** What a tenant has that nothing was ever said about. */
export const FRESH: Register = { version: 0, mode: "trust_first" };

const isTool = ({ tenant, id }: ToolKey) => and(eq(tools.tenant, tenant), eq(tools.id, id));
const isDefinitionOf = ({ tenant, id }: ToolKey) =>
  and(eq(toolDefinitions.tenant, tenant), eq(toolDefinitions.toolId, id));

/** The tenant's register, locked until the transaction ends. */
export async function lockRegister(executor: Executor, tenant: string): Promise<Register> {
  await executor
    .insert(toolRegisters)
    .values({ tenant, ...FRESH })
    .onConflictDoNothing();
  const [row] = await executor
    .select()
    .from(toolRegisters)
    .where(eq(toolRegisters.tenant, tenant))
    .for("update");
  return row ?? FRESH;
}

export async function updateRegister(executor: Executor, tenant: string, register: Register): Promise<void> {
  const { version, mode } = register;
  await executor.update(toolRegisters).set({ version, mode }).where(eq(toolRegisters.tenant, tenant));
}

/** Registers by tenant; a tenant without one is absent. */
export async function selectRegisters(
  executor: Executor,
  tenants: readonly string[],
): Promise<ReadonlyMap<string, Register>> {
  const rows = await executor
    .select()
    .from(toolRegisters)
    .where(inArray(toolRegisters.tenant, [...tenants]));
  return new Map(rows.map((row) => [row.tenant, row]));
}

/** Tools of these names at any of these upstreams. */
export async function selectNamed(
  executor: Executor,
  tenant: string,
  wanted: { upstreams: readonly string[]; names: readonly string[] },
): Promise<readonly Tool[]> {
  return await executor
    .select()
    .from(tools)
    .where(
      and(
        eq(tools.tenant, tenant),
        inArray(tools.upstream, [...wanted.upstreams]),
        inArray(tools.name, [...wanted.names]),
      ),
    );
}

/** How many tools each upstream of the tenant has. */
export async function countTools(executor: Executor, tenant: string): Promise<ReadonlyMap<string, number>> {
  const rows = await executor
    .select({ upstream: tools.upstream, tools: count() })
    .from(tools)
    .where(eq(tools.tenant, tenant))
    .groupBy(tools.upstream);
  return new Map(rows.map((row) => [row.upstream, row.tools]));
}

export async function insertTools(executor: Executor, added: readonly Tool[]): Promise<void> {
  if (added.length > 0) await executor.insert(tools).values([...added]);
}

export async function updateTool(executor: Executor, tool: Tool): Promise<void> {
  await executor.update(tools).set(tool).where(isTool(tool));
}

/** These tools were seen again, unchanged. */
export async function touchTools(
  executor: Executor,
  tenant: string,
  seen: { ids: readonly string[]; at: Date; by: string },
): Promise<void> {
  if (seen.ids.length === 0) return;
  await executor
    .update(tools)
    .set({ lastSeenAt: seen.at, seenBy: seen.by })
    .where(and(eq(tools.tenant, tenant), inArray(tools.id, [...seen.ids])));
}

export async function insertDefinitions(
  executor: Executor,
  tenant: string,
  added: readonly (Definition & { toolId: string })[],
): Promise<void> {
  if (added.length === 0) return;
  const rows = added.map((each) => ({ ...each, tenant }));
  await executor.insert(toolDefinitions).values(rows).onConflictDoNothing();
}

/** Forgets the tool's definitions that neither are approved nor wait. */
export async function deleteOtherDefinitions(executor: Executor, tool: Tool): Promise<void> {
  const kept = [...tool.digests, ...(tool.candidate === null ? [] : [tool.candidate])];
  const others = kept.length === 0 ? undefined : notInArray(toolDefinitions.digest, kept);
  await executor.delete(toolDefinitions).where(and(isDefinitionOf(tool), others));
}

export async function selectDefinitions(executor: Executor, key: ToolKey): Promise<readonly Definition[]> {
  return await executor
    .select({
      digest: toolDefinitions.digest,
      definition: toolDefinitions.definition,
      flags: toolDefinitions.flags,
    })
    .from(toolDefinitions)
    .where(isDefinitionOf(key));
}

export async function findTool(executor: Executor, key: ToolKey): Promise<Tool | undefined> {
  const [row] = await executor.select().from(tools).where(isTool(key));
  return row;
}

export interface ToolFilter {
  /** undefined = all tenants. */
  readonly tenant: string | undefined;
  readonly upstream: string | undefined;
  readonly status: ToolStatus | undefined;
  readonly limit: number;
  readonly after: { readonly tenant: string; readonly upstream: string; readonly name: string } | undefined;
}

/** By tenant, upstream and name. */
export async function selectTools(executor: Executor, filter: ToolFilter): Promise<readonly Tool[]> {
  const { tenant, upstream, status, limit, after } = filter;
  const conditions: SQL[] = [];
  if (tenant !== undefined) conditions.push(eq(tools.tenant, tenant));
  if (upstream !== undefined) conditions.push(eq(tools.upstream, upstream));
  if (status !== undefined) conditions.push(eq(tools.status, status));
  if (after !== undefined) {
    conditions.push(
      sql`(${tools.tenant}, ${tools.upstream}, ${tools.name}) > (${after.tenant}, ${after.upstream}, ${after.name})`,
    );
  }
  return await executor
    .select()
    .from(tools)
    .where(and(...conditions))
    .orderBy(asc(tools.tenant), asc(tools.upstream), asc(tools.name))
    .limit(limit);
}

/** Tools that changed after one version up to another, each as it stands, in the order of their changes. */
export async function selectChanged(
  executor: Executor,
  range: { tenant: string; after: number; upTo: number; limit: number },
): Promise<readonly Tool[]> {
  return await executor
    .select()
    .from(tools)
    .where(
      and(eq(tools.tenant, range.tenant), gt(tools.version, range.after), lte(tools.version, range.upTo)),
    )
    .orderBy(asc(tools.version))
    .limit(range.limit);
}
