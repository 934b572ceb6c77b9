// Forgets webhooks' deliveries that ended long ago, a part at a time, so that no transaction is long.
import type { Nouns } from "../domain/nouns.ts";
import type { Actor, Units } from "../domain/unit.ts";

/** One round. Replicas may do this at once: each row is removed once. */
export async function pruneWebhooks({ webhooks }: Nouns, units: Units, actor: Actor): Promise<void> {
  while ((await units.commit(actor, (unit) => webhooks.prune(unit))) > 0);
}
