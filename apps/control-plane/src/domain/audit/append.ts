// The only code that makes a chain longer. It runs inside the transaction of whatever is being told, under the lock of the chain's row:
// index, hash link, tree and head move together or not at all, and an event id enters a chain once.
import { canonicalize, chainHash, createTree } from "@postern/audit";
import { EVENT_BYTES_MAX, type JsonValue } from "@postern/contracts";
import { Fault } from "@postern/fault";
import type { Executor } from "../../database/connection.ts";
import type { Journal } from "../unit.ts";
import { administrativeEvent, type NewEvent } from "./model.ts";
import { type EventRow, insertEvents, lockChain, selectKnownIds, updateChain } from "./store.ts";

/** What the largest event may have grown by on its way here: its outcome and its place. */
const ENTRY_BYTES_MAX = EVENT_BYTES_MAX + 4_096;

/**
 * Events of which one of the same id was in the chain already are left out, and returned.
 * @throws Fault invalid "audit.event_too_large".
 */
export async function appendEvents(
  executor: Executor,
  tenant: string,
  events: readonly NewEvent[],
): Promise<readonly NewEvent[]> {
  if (events.length === 0) return [];
  const chain = await lockChain(executor, tenant);
  const ids = events.map(({ event }) => event.event_id);
  const known = new Set(await selectKnownIds(executor, tenant, ids));
  const repeated: NewEvent[] = [];
  const rows: EventRow[] = [];
  const tree = createTree(chain.tree);
  let head = chain.headHash;
  for (const each of events) {
    if (known.has(each.event.event_id)) {
      repeated.push(each);
      continue;
    }
    known.add(each.event.event_id);
    const text = canonicalize(each.event as JsonValue);
    if (Buffer.byteLength(text) > ENTRY_BYTES_MAX) throw tooLarge(each.event.event_id);
    const hash = chainHash(text, Buffer.from(head, "hex"));
    const row = rowOf(each, {
      idx: tree.size,
      text,
      prevHash: head,
      hash: Buffer.from(hash).toString("hex"),
    });
    tree.append(hash);
    rows.push(row);
    head = row.hash;
  }
  const last = rows.at(-1);
  if (last === undefined) return repeated;
  await insertEvents(executor, tenant, rows);
  await updateChain(executor, {
    tenant,
    size: tree.size,
    headHash: head,
    headEventId: last.event_id,
    headAt: new Date(last.ts),
    tree: tree.state(),
  });
  return repeated;
}

function rowOf(
  { event, argsSalt }: NewEvent,
  place: { idx: number; text: string; prevHash: string; hash: string },
): EventRow {
  return {
    idx: place.idx,
    event_id: event.event_id,
    ts: event.ts,
    decision: event.decision,
    tool: event.tool,
    agent_id: event.agent_id,
    event: place.text,
    prev_hash: place.prevHash,
    hash: place.hash,
    args_salt: argsSalt === "" ? null : argsSalt,
  };
}

function tooLarge(eventId: string): Fault {
  return new Fault("invalid", "audit.event_too_large", `The event ${eventId} is too large for the log.`);
}

/** Appends administrative acts, each to its tenant's chain; chains are locked in the order of their names. */
export const journal: Journal = async (unit, acts) => {
  const tenants = [...new Set(acts.map((act) => act.tenant))].sort();
  for (const tenant of tenants) {
    const events = acts
      .filter((act) => act.tenant === tenant)
      .map((act) => ({
        event: administrativeEvent(act, act.actor ?? unit.actor, unit.nowMs, unit.newId()),
        argsSalt: "",
      }));
    await appendEvents(unit.executor, tenant, events);
  }
};
