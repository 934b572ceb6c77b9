// Signs active policies anew long before their bundles end. A sidecar that is cut off for longer than a bundle lives denies; one that is
// connected never notices.
import type { Clock } from "@postern/fault";
import type { Nouns } from "../domain/nouns.ts";
import type { Actor, Units } from "../domain/unit.ts";
import { forEach } from "./for-each.ts";

/** One round. Replicas may do this at once: whether it is still needed is looked at again under the tenant's lock. */
export async function renewBundles(nouns: Nouns, units: Units, actor: Actor, clock: Clock): Promise<void> {
  const tenants = await units.read((executor) => nouns.policies.tenantsToRenew(executor, clock.nowMs()));
  await forEach(tenants, (tenant) => units.commit(actor, (unit) => nouns.rollouts.renew(unit, tenant)));
}
