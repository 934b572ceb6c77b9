// The registry of a tenant's tool servers. Whatever changes in it has a version of its own, so that every sidecar knows whether it is behind,
// and is announced at once.
import { type JsonObject, type RegisteredUpstream, UPSTREAMS_MAX } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import { requireServed } from "../tenants/service.ts";
import type { Unit } from "../unit.ts";
import { registeredOf, type Upstream, type UpstreamKey, type UpstreamSettings } from "./model.ts";
import {
  countUpstreams,
  deleteUpstream,
  findUpstream,
  insertUpstream,
  lockRegister,
  selectEnabled,
  selectUpstreams,
  selectVersions,
  type UpstreamFilter,
  updateRegister,
  updateUpstream,
} from "./store.ts";

export interface Upstreams {
  /** Faults: not_found "tenant.not_found"; conflict "upstreams.exists"; limited "upstreams.many". */
  add(unit: Unit, key: UpstreamKey, settings: UpstreamSettings): Promise<Upstream>;
  /** Faults, as `remove` and `find`: not_found "upstreams.unknown". */
  replace(unit: Unit, key: UpstreamKey, settings: UpstreamSettings): Promise<Upstream>;
  remove(unit: Unit, key: UpstreamKey): Promise<void>;
  find(executor: Executor, key: UpstreamKey): Promise<Upstream>;
  list(executor: Executor, filter: UpstreamFilter): Promise<readonly Upstream[]>;
  /** Versions of the registries, by tenant. */
  versions(executor: Executor, tenants: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** What the tenant's sidecars are told: those that are enabled. */
  registered(executor: Executor, tenant: string): Promise<readonly RegisteredUpstream[]>;
}

export function createUpstreams(): Upstreams {
  return {
    async add(unit, key, settings) {
      const { executor } = unit;
      await requireServed(executor, key.tenant);
      const version = await lockRegister(executor, key.tenant);
      if ((await countUpstreams(executor, key.tenant)) >= UPSTREAMS_MAX)
        throw new Fault(
          "limited",
          "upstreams.many",
          `A tenant registers ${UPSTREAMS_MAX} upstreams at most.`,
        );
      const at = new Date(unit.nowMs);
      const by = unit.actor.name;
      const row: Upstream = {
        ...key,
        ...settings,
        createdAt: at,
        createdBy: by,
        updatedAt: at,
        updatedBy: by,
      };
      if (!(await insertUpstream(executor, row)))
        throw new Fault("conflict", "upstreams.exists", "The tenant has an upstream of this name already.");
      await tell(unit, "add_upstream", row, version);
      return row;
    },

    async replace(unit, key, settings) {
      const version = await lockRegister(unit.executor, key.tenant);
      const before = await existing(unit.executor, key);
      const next = { ...before, ...settings, updatedAt: new Date(unit.nowMs), updatedBy: unit.actor.name };
      await updateUpstream(unit.executor, next);
      await tell(unit, "change_upstream", next, version);
      return next;
    },

    async remove(unit, key) {
      const version = await lockRegister(unit.executor, key.tenant);
      const upstream = await existing(unit.executor, key);
      await deleteUpstream(unit.executor, key);
      await tell(unit, "remove_upstream", upstream, version);
    },

    find: existing,
    list: selectUpstreams,
    versions: selectVersions,

    async registered(executor, tenant) {
      return (await selectEnabled(executor, tenant)).map(registeredOf);
    },
  };
}

async function existing(executor: Executor, key: UpstreamKey): Promise<Upstream> {
  const upstream = await findUpstream(executor, key);
  if (upstream === undefined) throw new Fault("not_found", "upstreams.unknown", "There is no such upstream.");
  return upstream;
}

/** A new version, an event and an announcement: the three belong to every change. */
async function tell(unit: Unit, name: string, upstream: Upstream, version: number): Promise<void> {
  const { tenant, enabled } = upstream;
  await updateRegister(unit.executor, tenant, version + 1);
  const { name: named, ...rest } = registeredOf(upstream);
  const details: JsonObject = JSON.parse(JSON.stringify({ upstream: named, ...rest, enabled }));
  unit.record({ tenant, name, details });
  unit.announce(tenant);
}
