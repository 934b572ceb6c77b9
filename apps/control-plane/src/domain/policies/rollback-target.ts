// Where a rollback leads: to what was in force before, further back each time it is repeated, or to any revision of the history.
import { Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import { type ActivePolicy, isActive } from "./model.ts";
import { findActivation, findActiveBefore, selectInForce } from "./store.ts";

export interface RollbackTarget {
  readonly tenant: string;
  /** An activation of the history. Absent: the one that was in force before. */
  readonly revision?: number | undefined;
}

/**
 * The activation whose content a rollback brings back: its first one, which names the draft.
 * Faults: not_found "policies.no_previous", "policies.unknown_revision".
 */
export async function rollbackTarget(
  executor: Executor,
  { tenant, revision }: RollbackTarget,
): Promise<ActivePolicy> {
  const content =
    revision === undefined
      ? await previousContent(executor, tenant)
      : await namedContent(executor, tenant, revision);
  const origin = await findActivation(executor, tenant, content);
  if (isActive(origin)) return origin;
  throw missingContent(tenant, content);
}

async function previousContent(executor: Executor, tenant: string): Promise<number> {
  const inForce = (await selectInForce(executor, [tenant])).get(tenant);
  // After a clearing, what was in force when it happened comes back.
  const target = isActive(inForce)
    ? inForce.previousContent
    : (await findActiveBefore(executor, tenant, inForce?.revision ?? 0))?.contentRevision;
  if (target !== null && target !== undefined) return target;
  throw new Fault("not_found", "policies.no_previous", "There is no earlier policy to roll back to.");
}

async function namedContent(executor: Executor, tenant: string, revision: number): Promise<number> {
  const named = await findActivation(executor, tenant, revision);
  if (isActive(named)) return named.contentRevision;
  throw new Fault("not_found", "policies.unknown_revision", "No policy was in force under this revision.");
}

export const missingContent = (tenant: string, content: number): Fault =>
  new Fault("internal", "policies.content", "Something went wrong on our side.", {
    detail: `content ${content} of ${tenant} is missing`,
  });
