// From a pointer to a policy in force: the bundle comes from the data folder or the control plane, and is believed only as far as its digest, its
// signature, its tenant, its revision and its expiry allow. It is kept once it has worked.
import type { PolicyPointer } from "@postern/contracts";
import type { Clock } from "@postern/fault";
import { openBundle, type PolicyEngine, type PolicySeat } from "@postern/policy";
import type { KeySet } from "@postern/signing";
import type { ControlPlane } from "../control-plane.ts";
import type { StateFolder } from "./state-folder.ts";

export interface LoadPolicyPorts {
  readonly seat: PolicySeat;
  readonly tenant: string;
  readonly keys: () => KeySet;
  readonly engine: Pick<PolicyEngine, "load" | "active">;
  readonly controlPlane: Pick<ControlPlane, "bundle">;
  readonly folder: Pick<StateFolder, "readBundle" | "saveBundle">;
  /** Digests of bundles that are kept beside the one that is saved. */
  readonly wanted: () => readonly string[];
  readonly clock: Clock;
}

/** @throws what fetching, opening and loading throw; the policy before stays in force. */
export async function loadPolicy(
  ports: LoadPolicyPorts,
  pointer: PolicyPointer,
  revisionMin: number,
): Promise<void> {
  const { clock, controlPlane, engine, folder, seat, tenant } = ports;
  const { digest } = pointer;
  if (engine.active(tenant, seat)?.digest === digest) return;
  const kept = await folder.readBundle(digest);
  const bytes = kept ?? (await controlPlane.bundle(digest));
  const bundle = await openBundle(bytes, {
    keys: ports.keys(),
    tenant,
    revisionMin,
    digest,
    nowMs: clock.nowMs(),
  });
  await engine.load(bundle, seat);
  if (kept === undefined) await folder.saveBundle(digest, bytes, ports.wanted());
}
