// Vouches for every chain that has grown: from then on, cutting its end off shows.
import type { Nouns } from "../domain/nouns.ts";
import type { Actor, Units } from "../domain/unit.ts";
import { forEach } from "./for-each.ts";

/** One round. Replicas may do this at once: a checkpoint of one size is signed once. */
export async function signCheckpoints(nouns: Nouns, units: Units, actor: Actor): Promise<void> {
  const tenants = await units.read((executor) => nouns.audit.tenantsWithoutCheckpoint(executor));
  await forEach(tenants, (tenant) => units.commit(actor, (unit) => nouns.audit.checkpoint(unit, tenant)));
}
