// Elevations: asked for by one identity, decided on by another, used by naming them, ended by time or by hand. Nothing has to run for one to
// expire: whoever reads it sees its time.
import { Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import { requireServed } from "../tenants/service.ts";
import type { Unit } from "../unit.ts";
import {
  type Elevation,
  type ElevationKey,
  type ElevationRequest,
  OPEN_MAX,
  PENDING_MS,
  refusalOf,
  statusAt,
} from "./model.ts";
import {
  countOpen,
  type ElevationFilter,
  findElevation,
  insertElevation,
  lockElevation,
  lockTenant,
  selectElevations,
  updateElevation,
} from "./store.ts";

export interface Elevations {
  /** Asked for in the name of whoever acts. Faults: limited "elevations.many". */
  request(unit: Unit, request: ElevationRequest): Promise<Elevation>;
  /**
   * Faults: not_found "elevations.unknown" · forbidden "elevations.own", "elevations.under_elevation" · conflict "elevations.<status>" when it is
   * not pending any more.
   */
  decide(unit: Unit, key: ElevationKey, verdict: { isApproved: boolean; reason: string }): Promise<Elevation>;
  /**
   * Before its time, or before anybody decided; by whoever asked for it, or an administrator.
   * Faults: not_found "elevations.unknown" · forbidden "elevations.not_own" · conflict "elevations.<status>" when there is nothing to end.
   */
  end(unit: Unit, key: ElevationKey, options: { isAdmin: boolean }): Promise<Elevation>;
  find(executor: Executor, key: ElevationKey): Promise<Elevation>;
  list(executor: Executor, filter: ElevationFilter): Promise<readonly Elevation[]>;
  /** The elevation that an identity acts under, or why it may not: Fault forbidden "elevations.unusable". */
  resolve(
    executor: Executor,
    key: ElevationKey,
    by: { requester: string; nowMs: number },
  ): Promise<Elevation | Fault>;
}

export function createElevations(): Elevations {
  return {
    async request(unit, { tenant, role, reason, ttlSeconds }) {
      const { executor, nowMs } = unit;
      const requester = unit.actor.name;
      await requireServed(executor, tenant);
      await lockTenant(executor, tenant);
      if ((await countOpen(executor, { tenant, requester, now: new Date(nowMs) })) >= OPEN_MAX) {
        throw new Fault("limited", "elevations.many", `You have ${OPEN_MAX} open elevations: end one first.`);
      }
      const elevation: Elevation = {
        ...{ tenant, id: unit.newId(), requester, role, reason, ttlSeconds, status: "pending" },
        ...{ createdAt: new Date(nowMs), expiresAt: new Date(nowMs + PENDING_MS) },
        ...{ decidedAt: null, decidedBy: "", decisionReason: "", endedAt: null, endedBy: "" },
      };
      await insertElevation(executor, elevation);
      record(unit, "request_elevation", elevation, reason, { ttl_seconds: ttlSeconds });
      return elevation;
    },

    async decide(unit, key, { isApproved, reason }) {
      const elevation = await locked(unit, key);
      requireOther(unit, elevation);
      requireStatus(elevation, ["pending"], unit.nowMs);
      const decidedAt = new Date(unit.nowMs);
      const decided: Elevation = {
        ...{ ...elevation, decidedAt, decidedBy: unit.actor.name, decisionReason: reason },
        ...(isApproved
          ? { status: "active", expiresAt: new Date(unit.nowMs + elevation.ttlSeconds * 1000) }
          : { status: "rejected" }),
      };
      await updateElevation(unit.executor, decided);
      const decision = isApproved ? "approve" : "reject";
      record(unit, "decide_elevation", decided, reason, { decision, ttl_seconds: decided.ttlSeconds });
      return decided;
    },

    async end(unit, key, { isAdmin }) {
      const elevation = await locked(unit, key);
      if (!isAdmin && elevation.requester !== unit.actor.name) {
        throw new Fault("forbidden", "elevations.not_own", "Only who asked for it or an admin may end it.");
      }
      requireStatus(elevation, ["pending", "active"], unit.nowMs);
      const by = { endedAt: new Date(unit.nowMs), endedBy: unit.actor.name };
      const ended: Elevation = { ...elevation, ...by, status: "ended" };
      await updateElevation(unit.executor, ended);
      record(unit, "end_elevation", ended, "", {});
      return ended;
    },

    async find(executor, key) {
      const elevation = await findElevation(executor, key);
      if (elevation === undefined) throw unknownElevation();
      return elevation;
    },

    list: selectElevations,

    async resolve(executor, key, { requester, nowMs }) {
      const elevation = await findElevation(executor, key);
      const refusal = refusalOf(elevation, requester, nowMs);
      return refusal ?? elevation ?? unknownElevation();
    },
  };
}

async function locked({ executor }: Unit, key: ElevationKey): Promise<Elevation> {
  const elevation = await lockElevation(executor, key);
  if (elevation === undefined) throw unknownElevation();
  return elevation;
}

/** Two people: a second identity, and with rights of its own, lest one elevation be the way to the next. */
function requireOther({ actor }: Unit, { requester }: Elevation): void {
  if (actor.name === requester) {
    throw new Fault("forbidden", "elevations.own", "Nobody decides on an elevation that they asked for.");
  }
  if (actor.elevationId === undefined) return;
  throw new Fault(
    "forbidden",
    "elevations.under_elevation",
    "Elevations are decided on with one's own rights: send no elevation id with this call.",
  );
}

function requireStatus(elevation: Elevation, wanted: readonly string[], nowMs: number): void {
  const status = statusAt(elevation, nowMs);
  if (wanted.includes(status)) return;
  throw new Fault("conflict", `elevations.${status}`, `The elevation is ${status} already.`);
}

function record(
  unit: Unit,
  name: string,
  { tenant, id, requester, role }: Elevation,
  reason: string,
  more: Readonly<Record<string, string | number>>,
): void {
  unit.record({ tenant, name, reason, details: { elevation: id, requester, role, ...more } });
}

function unknownElevation(): Fault {
  return new Fault("not_found", "elevations.unknown", "There is no such elevation.");
}
