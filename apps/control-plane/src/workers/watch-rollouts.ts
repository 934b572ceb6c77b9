// Takes a candidate back as soon as what sidecars count of it is bad enough. Nobody has to watch.
import type { Nouns } from "../domain/nouns.ts";
import type { Actor, Units } from "../domain/unit.ts";
import { forEach } from "./for-each.ts";

/** One round. Replicas may do this at once: whether a rollout still runs is looked at again under the tenant's lock. */
export async function watchRollouts(nouns: Nouns, units: Units, actor: Actor): Promise<void> {
  const alarming = await units.read((executor) => nouns.rollouts.alarming(executor));
  await forEach(alarming, (key) => units.commit(actor, (unit) => nouns.rollouts.stopAlarming(unit, key)));
}
