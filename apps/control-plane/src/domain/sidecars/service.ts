// Sidecars are added by an administrator and register at each boot; every boot gets a higher epoch, so that two holders of one identity
// can never write under the same name.
import { Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import type { Keys } from "../keys/service.ts";
import { requireServed } from "../tenants/service.ts";
import type { Unit } from "../unit.ts";
import {
  credentialDigest,
  credentialText,
  isCredentialOf,
  type ListedSidecar,
  readCredential,
  type Sidecar,
  type SidecarBoot,
} from "./model.ts";
import {
  findSidecar,
  insertEpoch,
  insertSidecar,
  lockSidecarRow,
  markRemoved,
  nextEpoch,
  selectPresent,
  selectSidecars,
} from "./store.ts";

export interface Sidecars {
  /** The credential is shown here and never again. `trustRoot` is the key that the sidecar pins. */
  add(
    unit: Unit,
    request: { tenant: string; name: string },
  ): Promise<{ sidecar: Sidecar; credential: string; trustRoot: string }>;
  remove(unit: Unit, key: { tenant: string; id: string }): Promise<void>;
  list(
    executor: Executor,
    options: { tenant: string | undefined; limit: number; after: { tenant: string; id: string } | undefined },
  ): Promise<readonly ListedSidecar[]>;
  /** Whose credential this is; undefined when it does not do. */
  identify(executor: Executor, credential: string): Promise<Sidecar | undefined>;
  /** Ids of the tenant's sidecars that were not removed. */
  present(executor: Executor, tenant: string): Promise<ReadonlySet<string>>;
  /** Grants a new epoch. */
  register(unit: Unit, key: { tenant: string; id: string }, boot: SidecarBoot): Promise<number>;
  /** Serialises what arrives from one sidecar until the unit ends, and returns its latest epoch. */
  lock(unit: Unit, key: { tenant: string; id: string }): Promise<number>;
}

export function createSidecars(dependencies: {
  keys: Keys;
  randomBytes: (count: number) => Uint8Array;
}): Sidecars {
  const { keys, randomBytes } = dependencies;
  return {
    async add(unit, { tenant, name }) {
      await requireServed(unit.executor, tenant);
      const root = await keys.signer(unit, tenant, "root");
      const id = unit.newId();
      const credential = credentialText(tenant, id, randomBytes(32));
      const sidecar: Sidecar = {
        tenant,
        id,
        name,
        credentialSha256: credentialDigest(credential),
        createdAt: new Date(unit.nowMs),
        createdBy: unit.actor.name,
        epoch: 0,
        removedAt: null,
      };
      await insertSidecar(unit.executor, sidecar);
      unit.record({ tenant, name: "create_sidecar", details: { sidecar_id: id, name } });
      return { sidecar, credential, trustRoot: root.publicKey };
    },

    async remove(unit, key) {
      if (!(await markRemoved(unit.executor, key, new Date(unit.nowMs)))) throw unknownSidecar();
      unit.record({ tenant: key.tenant, name: "remove_sidecar", details: { sidecar_id: key.id } });
      unit.announce(key.tenant);
    },

    list: selectSidecars,

    async identify(executor, credential) {
      const claimed = readCredential(credential);
      if (claimed === undefined) return undefined;
      const sidecar = await findSidecar(executor, claimed);
      const holds = sidecar !== undefined && isCredentialOf(sidecar, credential);
      return holds && sidecar.removedAt === null ? sidecar : undefined;
    },

    present: selectPresent,

    async register(unit, key, boot) {
      const epoch = await nextEpoch(unit.executor, key);
      if (epoch === undefined) throw unknownSidecar();
      await insertEpoch(unit.executor, key, { ...boot, epoch, registeredAt: new Date(unit.nowMs) });
      const details = { sidecar_id: key.id, epoch, version: boot.version, hostname: boot.hostname };
      unit.record({ tenant: key.tenant, name: "register_sidecar", details });
      return epoch;
    },

    async lock(unit, key) {
      const sidecar = await lockSidecarRow(unit.executor, key);
      if (sidecar === undefined || sidecar.removedAt !== null) throw unknownSidecar();
      return sidecar.epoch;
    },
  };
}

function unknownSidecar(): Fault {
  return new Fault("not_found", "sidecars.unknown", "There is no such sidecar.");
}
