// Writes down which parked calls have expired, so that people, webhooks and sidecars hear of it, and forgets the arguments of old ones.
import type { Nouns } from "../domain/nouns.ts";
import type { Actor, Unit, Units } from "../domain/unit.ts";

/** Transactions in one round, so that a flood of expiries holds nothing up for long. */
const TURNS_MAX = 50;

/** One round. Replicas may do this at once: each takes what no other one is busy with. */
export async function expireApprovals({ approvals }: Nouns, units: Units, actor: Actor): Promise<void> {
  await untilDone(units, actor, approvals.expireSome);
  await untilDone(units, actor, approvals.eraseSome);
}

async function untilDone(units: Units, actor: Actor, some: (unit: Unit) => Promise<number>): Promise<void> {
  for (let turn = 0; turn < TURNS_MAX; turn += 1) if ((await units.commit(actor, some)) === 0) return;
}
