// Kill switches: engaged, prolonged, released, told to sidecars, and asked when somebody logs in. One that stops everybody counts for every
// tenant, so a tenant's version is the sum of its own changes and those: it rises with either. One that has a time ends by it everywhere at
// once, so nobody needs to be told.
import type { Halt } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import { SYSTEM_TENANT } from "../tenants/model.ts";
import { requireServed } from "../tenants/service.ts";
import type { Unit } from "../unit.ts";
import {
  assertValue,
  type HaltKey,
  type HaltTarget,
  haltOf,
  type KillSwitch,
  OWN_HALTS_MAX,
  stateOf,
  stopsEverybody,
} from "./model.ts";
import {
  countOn,
  findHalt,
  findOn,
  type HaltFilter,
  insertHalt,
  lockHalts,
  selectHalts,
  selectOn,
  selectVersions,
  updateEnd,
  updateVersion,
} from "./store.ts";

export interface EngageRequest extends HaltTarget {
  readonly reason: string;
  /** null = until it is released. */
  readonly expiresAt: Date | null;
}

/** Somebody who is about to be given a token. */
export interface Applicant {
  readonly tenant: string;
  readonly agent: string;
  readonly jti: string;
}

export interface Halts {
  /**
   * Stops the target. When it is stopped already, that switch stays, and its end moves if the one that is asked for lies later.
   * Faults: invalid "halts.value", "halts.expired"; limited "halts.many"; not_found "tenant.not_found".
   */
  engage(unit: Unit, request: EngageRequest): Promise<{ readonly halt: KillSwitch; readonly isNew: boolean }>;
  /** Faults: not_found "halts.unknown"; conflict "halts.over"; forbidden "admin.forbidden" for a tenant that would free everybody. */
  release(unit: Unit, key: HaltKey, reason: string): Promise<void>;
  /** The one that is on for exactly this target. Faults: invalid "halts.value"; not_found "halts.unknown". */
  releaseTarget(unit: Unit, target: HaltTarget, reason: string): Promise<void>;
  list(executor: Executor, filter: HaltFilter): Promise<readonly KillSwitch[]>;
  /** Everything that is on for a tenant. */
  on(executor: Executor, tenant: string, nowMs: number): Promise<readonly Halt[]>;
  /** The one because of which nobody gets this token; undefined when there is none. */
  stopping(executor: Executor, applicant: Applicant, nowMs: number): Promise<KillSwitch | undefined>;
  /** Versions of what is on, by tenant. */
  versions(executor: Executor, tenants: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

export function createHalts(): Halts {
  return {
    async engage(unit, request) {
      assertValue(request);
      if (request.expiresAt !== null && request.expiresAt.getTime() <= unit.nowMs) throw overAlready();
      if (!stopsEverybody(request)) await requireServed(unit.executor, request.tenant);
      const version = await lockHalts(unit.executor, request.tenant);
      const standing = await findOn(unit.executor, request, unit.nowMs);
      const halt = standing === undefined ? await begin(unit, request) : prolonged(standing, request);
      recordEngaging(unit, halt, { ...request, isNew: standing === undefined });
      if (halt === standing) return { halt, isNew: false };
      if (standing !== undefined) await updateEnd(unit.executor, halt);
      await tellChange(unit, halt, version);
      unit.notify({
        tenant: halt.tenant,
        type: "halt.engaged",
        data: { ...toldOf(halt), by: halt.engagedBy },
      });
      return { halt, isNew: standing === undefined };
    },

    async release(unit, key, reason) {
      const found = await findHalt(unit.executor, key);
      if (found === undefined) throw unknownHalt();
      if (stopsEverybody(found) && key.tenant !== undefined) throw everybodys();
      const version = await lockHalts(unit.executor, found.tenant);
      const halt = (await findHalt(unit.executor, { id: found.id, tenant: found.tenant })) ?? found;
      const state = stateOf(halt, unit.nowMs);
      if (state !== "on") {
        throw new Fault("conflict", "halts.over", `This kill switch is no longer on: it was ${state}.`);
      }
      await end(unit, halt, { version, reason });
    },

    async releaseTarget(unit, target, reason) {
      assertValue(target);
      const version = await lockHalts(unit.executor, target.tenant);
      const halt = await findOn(unit.executor, target, unit.nowMs);
      if (halt === undefined) throw unknownHalt();
      await end(unit, halt, { version, reason });
    },

    list: selectHalts,
    on: async (executor, tenant, nowMs) => (await selectOn(executor, tenant, nowMs)).map(haltOf),

    async stopping(executor, { tenant, agent, jti }, nowMs) {
      const stops = { global: "", tenant: "", agent, token: jti, subtree: jti, tool: undefined };
      return (await selectOn(executor, tenant, nowMs)).find(({ scope, value }) => stops[scope] === value);
    },

    async versions(executor, tenants) {
      const own = await selectVersions(executor, [...tenants, SYSTEM_TENANT]);
      const everybodys = own.get(SYSTEM_TENANT) ?? 0;
      return new Map(tenants.map((tenant) => [tenant, (own.get(tenant) ?? 0) + everybodys]));
    },
  };
}

async function begin(unit: Unit, request: EngageRequest): Promise<KillSwitch> {
  const { tenant, scope, value, reason, expiresAt } = request;
  if ((await countOn(unit.executor, tenant, unit.nowMs)) >= OWN_HALTS_MAX) {
    throw new Fault(
      "limited",
      "halts.many",
      `A tenant has ${OWN_HALTS_MAX} kill switches on at most: release some, or stop more with one (a glob, a subtree, the tenant).`,
    );
  }
  const halt: KillSwitch = {
    ...{ tenant, id: unit.newId(), scope, value, reason, expiresAt },
    ...{ engagedAt: new Date(unit.nowMs), engagedBy: unit.actor.name },
    ...{ releasedAt: null, releasedBy: "", releaseReason: "" },
  };
  await insertHalt(unit.executor, halt);
  return halt;
}

/** Never to a nearer end. */
function prolonged(halt: KillSwitch, { expiresAt }: EngageRequest): KillSwitch {
  const isLonger = halt.expiresAt !== null && (expiresAt === null || expiresAt > halt.expiresAt);
  return isLonger ? { ...halt, expiresAt } : halt;
}

async function end(
  unit: Unit,
  halt: KillSwitch,
  { version, reason }: { version: number; reason: string },
): Promise<void> {
  const released: KillSwitch = {
    ...halt,
    ...{ releasedAt: new Date(unit.nowMs), releasedBy: unit.actor.name, releaseReason: reason },
  };
  await updateEnd(unit.executor, released);
  unit.record({ ...actOn(halt, "release_halt"), reason });
  await tellChange(unit, halt, version);
  const data = { ...toldOf(halt), by: unit.actor.name, release_reason: reason };
  unit.notify({ tenant: halt.tenant, type: "halt.released", data });
}

/** Under the name of the control plane's own tenant it is told to the sidecars of all. */
async function tellChange(unit: Unit, { tenant }: KillSwitch, version: number): Promise<void> {
  await updateVersion(unit.executor, tenant, version + 1);
  unit.announce(tenant);
}

function recordEngaging(unit: Unit, halt: KillSwitch, request: EngageRequest & { isNew: boolean }): void {
  const act = actOn(halt, "engage_halt");
  const details = { ...act.details, already_on: !request.isNew };
  unit.record({ ...act, reason: request.reason, details });
}

function actOn(halt: KillSwitch, name: string) {
  const { tenant, scope, value } = halt;
  const isToken = scope === "token" || scope === "subtree";
  return {
    ...{ tenant, name, details: toldOf(halt) },
    ...(scope === "agent" && { agentId: value }),
    ...(isToken && { tokenId: value }),
  };
}

const toldOf = ({ id, scope, value, reason, expiresAt }: KillSwitch) => ({
  ...{ halt_id: id, scope, value, halt_reason: reason },
  expires_at: expiresAt?.toISOString() ?? "",
});

const overAlready = () =>
  new Fault(
    "invalid",
    "halts.expired",
    "body.expires_at: must lie in the future, or nothing would be stopped",
  );
const unknownHalt = () => new Fault("not_found", "halts.unknown", "There is no such kill switch.");
const everybodys = () =>
  new Fault("forbidden", "admin.forbidden", "What stops everybody needs the superadmin token.");
