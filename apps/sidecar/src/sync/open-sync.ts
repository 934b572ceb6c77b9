// Puts control state together: what an earlier run kept is believed as far as its signatures hold, then the control plane is followed for
// as long as the sidecar runs, and what it says is kept for the next run.

import { toFault } from "@postern/fault";
import type { PolicyEngine } from "@postern/policy";
import type { ControlPlane } from "../control-plane.ts";
import { createPins, type Pins } from "../pins/pins.ts";
import type { Surroundings } from "../surroundings.ts";
import { type ControlState, createControlState } from "./control-state.ts";
import { followControlPlane } from "./follow.ts";
import { createFreshness } from "./freshness.ts";
import { loadPolicy } from "./load-policy.ts";
import { createPolicyHolder } from "./policy-holder.ts";
import { type Floors, openStateFolder, type StateFolder } from "./state-folder.ts";

export interface Sync {
  readonly state: ControlState;
  readonly pins: Pins;
  /** Age of the newest proof that control state is current; Infinity before the first. */
  ageMs(): number;
  close(): Promise<void>;
}

export interface SyncOptions {
  readonly tenant: string;
  readonly trustRoot: string;
  readonly stalenessMs: number;
  readonly upstreams: readonly { readonly name: string }[];
  /** Folder for the last good state. */
  readonly directory: string;
}

export interface SyncPorts extends Omit<Surroundings, "newId" | "newSalt"> {
  readonly controlPlane: Pick<ControlPlane, "states" | "bundle" | "reportTools">;
  readonly engine: Pick<PolicyEngine, "load" | "clear" | "active">;
}

export async function openSync(options: SyncOptions, ports: SyncPorts): Promise<Sync> {
  const { tenant, trustRoot, stalenessMs } = options;
  const { clock, log, metrics } = ports;
  const folder = await openStateFolder(options.directory);
  const floors = await floorsFor(folder, trustRoot);
  const pins = await createPins({
    ...ports,
    folder,
    upstreams: options.upstreams.map(({ name }) => name),
    report: (seen) => ports.controlPlane.reportTools(seen),
  });
  const stopping = new AbortController();
  const freshness = {
    authority: createFreshness({ clock, boundMs: stalenessMs }),
    policy: createFreshness({ clock, boundMs: stalenessMs }),
  };
  let saved = Promise.resolve();
  const saveFloors = () => {
    const { keys, policy: version, pins: pinned } = state.versions();
    const next: Floors = {
      trust_root: trustRoot,
      keys: Math.max(keys, floors.keys),
      policy: Math.max(version, floors.policy),
      policy_revision: policy.revisionFloor(),
      pins: Math.max(pinned, floors.pins),
    };
    saved = saved
      .then(() => folder.saveFloors(next))
      .catch((caught) => log.error("control state not kept", caught));
  };

  const loading = { ...ports, tenant, folder, keys: () => state.keys() };
  const policy = createPolicyHolder({
    ...ports,
    revisionFloor: floors.policy_revision,
    clear: () => ports.engine.clear(tenant),
    load: (pointer, revisionMin) => loadPolicy(loading, pointer, revisionMin),
    onReached(pointer) {
      metrics.set("policyRevision", pointer?.revision ?? 0);
      metrics.set("policyExpires", pointer === undefined ? 0 : Date.parse(pointer.expires_at) / 1000);
      log.info("policy in force", { revision: pointer?.revision, digest: pointer?.digest });
      saveFloors();
    },
  });
  const state = createControlState({
    ...{ tenant, trustRoot, policy, pins, freshness, floors, clock },
    halts: { take: () => {} },
    upstreams: { take: () => {} },
    approvals: { take: () => {} },
  });
  await restore(folder, state, ports);

  const following = followControlPlane(
    {
      ...ports,
      state,
      silenceMs: stalenessMs / 3,
      async onApplied(kind, sealed) {
        if (kind === "keys" || kind === "policy") await folder.saveSealed(kind, sealed);
        if (kind !== "heartbeat" && kind !== "revocations") saveFloors();
      },
    },
    stopping.signal,
  );
  return {
    state,
    pins,
    ageMs: freshness.authority.ageMs,
    async close() {
      stopping.abort();
      policy.stop();
      await Promise.all([following, policy.idle(), pins.close()]);
      await saved;
    },
  };
}

async function floorsFor(folder: StateFolder, trustRoot: string): Promise<Floors> {
  const kept = await folder.readFloors();
  return kept?.trust_root === trustRoot
    ? kept
    : { trust_root: trustRoot, keys: 0, policy: 0, policy_revision: 0, pins: 0 };
}

/** What was kept is checked as if it had just come; what does not hold any more is left out. */
async function restore(
  folder: StateFolder,
  state: ControlState,
  { log }: Pick<SyncPorts, "log">,
): Promise<void> {
  for (const kind of ["keys", "policy"] as const) {
    const sealed = await folder.readSealed(kind);
    if (sealed === undefined) continue;
    try {
      await state.apply(sealed);
    } catch (caught) {
      log.warn("kept control state is not used", { kind, code: toFault(caught).code });
    }
  }
}
