// Puts control state together: what an earlier run kept is believed as far as its signatures hold, then the control plane is followed for
// as long as the sidecar runs, and what it says is kept for the next run.

import { toFault } from "@postern/fault";
import type { PolicyEngine } from "@postern/policy";
import type { ControlPlane } from "../control-plane.ts";
import { createHaltTable, type HaltTable } from "../halts/halt-table.ts";
import { createPins, type Pins } from "../pins/pins.ts";
import { createPolicyArms, type PolicyArms } from "../rollout/policy-arms.ts";
import { reportRollouts } from "../rollout/report-rollout.ts";
import type { SidecarTraits } from "../rollout/takes-part.ts";
import type { Surroundings } from "../surroundings.ts";
import { type ControlState, type ControlStatePorts, createControlState } from "./control-state.ts";
import { followControlPlane } from "./follow.ts";
import { createFreshness } from "./freshness.ts";
import { type HeldPolicies, holdPolicies } from "./hold-policies.ts";
import { type Floors, openStateFolder, type StateFolder } from "./state-folder.ts";
import type { ToolStaleness } from "./tool-staleness.ts";

export interface Sync {
  readonly state: ControlState;
  readonly pins: Pins;
  readonly halts: Pick<HaltTable, "refusalOf">;
  /** The policies that calls are judged by. */
  readonly policies: Pick<PolicyArms, "evaluate" | "active">;
  /** Age of the newest proof that control state is current; Infinity before the first. */
  ageMs(): number;
  /** Calls back after each state that was taken in. One listener at most. */
  onApplied(listener: () => void): void;
  close(): Promise<void>;
}

export interface SyncOptions extends SidecarTraits {
  readonly tenant: string;
  readonly epoch: number;
  readonly trustRoot: string;
  readonly stalenessMs: number;
  readonly stalenessByTool: readonly ToolStaleness[];
  /** Whether registered upstreams are served. */
  readonly registry: object | undefined;
  /** Folder for the last good state. */
  readonly directory: string;
}

export interface SyncPorts extends Omit<Surroundings, "newId" | "newSalt"> {
  readonly controlPlane: Pick<ControlPlane, "states" | "bundle" | "reportTools" | "reportRollout">;
  readonly engine: Pick<PolicyEngine, "load" | "clear" | "active" | "evaluate">;
  readonly approvals: ControlStatePorts["approvals"];
  readonly registry: ControlStatePorts["upstreams"];
  /** The upstreams that there are now. */
  readonly upstreams: Pick<ReadonlyMap<string, unknown>, "keys">;
}

export async function openSync(options: SyncOptions, ports: SyncPorts): Promise<Sync> {
  const { tenant, trustRoot, stalenessMs, stalenessByTool: ofTools } = options;
  const { clock, log } = ports;
  const folder = await openStateFolder(options.directory);
  const floors = await floorsFor(folder, trustRoot);
  const pins = await createPins({
    ...ports,
    folder,
    upstreams: [...ports.upstreams.keys()],
    isChanging: options.registry !== undefined,
    report: (seen) => ports.controlPlane.reportTools(seen),
  });
  const stopping = new AbortController();
  const freshness = {
    authority: createFreshness({ clock, boundMs: stalenessMs, ofTools }),
    policy: createFreshness({ clock, boundMs: stalenessMs, ofTools }),
  };
  let saved = Promise.resolve();
  const saveFloors = () => {
    const { keys, policy: version, pins: pinned } = state.versions();
    const next: Floors = {
      trust_root: trustRoot,
      keys: Math.max(keys, floors.keys),
      policy: Math.max(version, floors.policy),
      ...policy.floors(),
      pins: Math.max(pinned, floors.pins),
    };
    saved = saved
      .then(() => folder.saveFloors(next))
      .catch((caught) => log.error("control state not kept", caught));
  };

  const arms = createPolicyArms({ ...ports, ...options });
  const policy: HeldPolicies = holdPolicies({
    ...ports,
    ...{ tenant, folder, arms, floors, keys: () => state.keys() },
    onReached: saveFloors,
  });
  const halts = createHaltTable({ clock });
  let tell = () => {};
  const state = createControlState({
    ...{ tenant, trustRoot, policy, pins, freshness, floors, clock },
    halts,
    upstreams: {
      take(state) {
        ports.registry.take(state);
        pins.serve([...ports.upstreams.keys()]);
      },
    },
    approvals: ports.approvals,
  });
  await restore(folder, state, ports);

  const following = followControlPlane(
    {
      ...ports,
      state,
      silenceMs: stalenessMs / 3,
      async onApplied(kind, sealed) {
        tell();
        if (kind === "keys" || kind === "policy") await folder.saveSealed(kind, sealed);
        if (kind !== "heartbeat" && kind !== "revocations") saveFloors();
      },
    },
    stopping.signal,
  );
  const reporting = reportRollouts({ ...ports, arms }, stopping.signal);
  return {
    state,
    pins,
    halts,
    policies: arms,
    ageMs: freshness.authority.ageMs,
    onApplied(listener) {
      tell = listener;
    },
    async close() {
      stopping.abort();
      policy.stop();
      await Promise.all([following, reporting, policy.idle(), pins.close()]);
      await saved;
    },
  };
}

async function floorsFor(folder: StateFolder, trustRoot: string): Promise<Floors> {
  const kept = await folder.readFloors();
  return kept?.trust_root === trustRoot
    ? kept
    : { trust_root: trustRoot, keys: 0, policy: 0, policy_revision: 0, candidate_revision: 0, pins: 0 };
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
