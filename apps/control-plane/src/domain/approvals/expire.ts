// What time does to a parked call: nobody decided, or nobody used the permission, before its time was up. Expiry counts from that instant on,
// wherever a call is looked at; here it is written down, told in the chain and told to the sidecars.
import type { Unit } from "../unit.ts";
import { type Approval, noticeOf } from "./model.ts";
import { lockOverdueRegister, selectOverdue, updateApproval, updateRegister } from "./store.ts";

/** Calls in one transaction. */
const EXPIRED_PER_TURN = 200;

/** Writes down that these have expired, under the tenant's register, which is locked. The register's version afterwards. */
export async function expire(
  unit: Unit,
  register: { tenant: string; version: number },
  overdue: readonly Approval[],
): Promise<number> {
  if (overdue.length === 0) return register.version;
  const { executor, nowMs } = unit;
  const { tenant } = register;
  let { version } = register;
  for (const approval of overdue) {
    version += 1;
    await updateApproval(executor, { ...approval, status: "expired", version, changedAt: new Date(nowMs) });
    const { id, digest, tool, upstream, agent, tokenId, rootTokenId, status } = approval;
    unit.record({
      ...{ tenant, name: "expire_approval", agentId: agent, tokenId, rootTokenId },
      details: { pending_id: id, digest, tool, upstream, was: status },
    });
    unit.notify({ tenant, type: "approval.expired", data: { ...noticeOf(approval), was: status } });
  }
  await updateRegister(executor, tenant, version);
  unit.announce(tenant);
  return version;
}

/** Some overdue calls of one tenant that no other replica is busy with. How many there were. */
export async function expireSome(unit: Unit): Promise<number> {
  const now = new Date(unit.nowMs);
  const register = await lockOverdueRegister(unit.executor, now);
  if (register === undefined) return 0;
  const { tenant } = register;
  const overdue = await selectOverdue(unit.executor, { tenant, now, limit: EXPIRED_PER_TURN });
  await expire(unit, register, overdue);
  return overdue.length;
}
