// Queries over what arrived from spools.
import { and, asc, eq, gte, inArray, sql } from "drizzle-orm";
import { type Executor, rowsOf } from "../../database/connection.ts";
import type { OpenCall, SidecarKey, SpoolStream } from "./model.ts";
import { auditBatches, auditOpenCalls, auditStreams } from "./table.ts";

const ofStream = (
  table: typeof auditStreams | typeof auditBatches,
  { tenant, id }: SidecarKey,
  epoch: number,
) => and(eq(table.tenant, tenant), eq(table.sidecarId, id), eq(table.epoch, epoch));

export async function findStream(
  executor: Executor,
  sidecar: SidecarKey,
  epoch: number,
): Promise<SpoolStream | undefined> {
  const [row] = await executor
    .select()
    .from(auditStreams)
    .where(ofStream(auditStreams, sidecar, epoch));
  return row;
}

export async function saveStream(
  executor: Executor,
  sidecar: SidecarKey,
  stream: SpoolStream,
): Promise<void> {
  const { epoch, received, receivedHash, covered } = stream;
  const key = { tenant: sidecar.tenant, sidecarId: sidecar.id, epoch };
  await executor
    .insert(auditStreams)
    .values({ ...key, received, receivedHash, covered })
    .onConflictDoUpdate({
      target: [auditStreams.tenant, auditStreams.sidecarId, auditStreams.epoch],
      set: { received, receivedHash, covered },
    });
}

/** Remembers the hashes of records that were taken in together. */
export async function insertBatchHashes(
  executor: Executor,
  sidecar: SidecarKey,
  batch: { epoch: number; firstSequence: number; hashes: readonly string[] },
): Promise<void> {
  await executor.insert(auditBatches).values({
    tenant: sidecar.tenant,
    sidecarId: sidecar.id,
    epoch: batch.epoch,
    firstSequence: batch.firstSequence,
    lastSequence: batch.firstSequence + batch.hashes.length - 1,
    hashes: batch.hashes.join(""),
  });
}

/** Whether a record of what was received never came: it was lost before it could be taken in. */
export async function hasHole(
  executor: Executor,
  sidecar: SidecarKey,
  { epoch, received }: Pick<SpoolStream, "epoch" | "received">,
): Promise<boolean> {
  const [row] = await executor
    .select({ records: sql<number>`sum(last_sequence - first_sequence + 1)`.mapWith(Number) })
    .from(auditBatches)
    .where(ofStream(auditBatches, sidecar, epoch));
  return (row?.records ?? 0) < received;
}

/** Hash of a record that was taken in; undefined = there is none of this sequence. */
export async function findRecordHash(
  executor: Executor,
  sidecar: SidecarKey,
  place: { epoch: number; sequence: number },
): Promise<string | undefined> {
  const [row] = await executor
    .select({ first: auditBatches.firstSequence, hashes: auditBatches.hashes })
    .from(auditBatches)
    .where(and(ofStream(auditBatches, sidecar, place.epoch), gte(auditBatches.lastSequence, place.sequence)))
    .orderBy(asc(auditBatches.lastSequence))
    .limit(1);
  if (row === undefined || row.first > place.sequence) return undefined;
  const at = (place.sequence - row.first) * 64;
  return row.hashes.slice(at, at + 64);
}

/** The sidecar's half-known calls among these ids. */
export async function selectOpenCalls(
  executor: Executor,
  sidecar: SidecarKey,
  eventIds: readonly string[],
): Promise<readonly OpenCall[]> {
  if (eventIds.length === 0) return [];
  const rows = await executor
    .select()
    .from(auditOpenCalls)
    .where(and(isOfSidecar(sidecar), inArray(auditOpenCalls.eventId, [...eventIds])));
  return rows.map(
    ({ eventId, half, epoch, sequence, body }) =>
      ({ eventId, half, epoch, sequence, body: JSON.parse(body) }) as OpenCall,
  );
}

export async function insertOpenCalls(
  executor: Executor,
  sidecar: SidecarKey,
  calls: readonly OpenCall[],
): Promise<void> {
  if (calls.length === 0) return;
  const rows = calls.map(({ eventId, half, epoch, sequence, body }) => ({
    ...{ event_id: eventId, half, epoch, sequence },
    body: JSON.stringify(body),
  }));
  // An intent that is told a second time under another sequence replaces the first: it is one call.
  await executor.execute(sql`
    insert into audit_open_calls (tenant, sidecar_id, event_id, half, epoch, sequence, body)
    select ${sidecar.tenant}, ${sidecar.id}, r.event_id, r.half, r.epoch, r.sequence, r.body
    from json_to_recordset(${JSON.stringify(rows)}::json)
      as r(event_id text, half text, epoch bigint, sequence bigint, body text)
    on conflict (tenant, sidecar_id, event_id)
      do update set half = excluded.half, epoch = excluded.epoch, sequence = excluded.sequence, body = excluded.body`);
}

export async function deleteOpenCalls(
  executor: Executor,
  sidecar: SidecarKey,
  eventIds: readonly string[],
): Promise<void> {
  if (eventIds.length === 0) return;
  await executor
    .delete(auditOpenCalls)
    .where(and(isOfSidecar(sidecar), inArray(auditOpenCalls.eventId, [...eventIds])));
}

const isOfSidecar = ({ tenant, id }: SidecarKey) =>
  and(eq(auditOpenCalls.tenant, tenant), eq(auditOpenCalls.sidecarId, id));

/**
 * The stream of one epoch and every other one of the sidecar that is not wholly covered, oldest first; `firstOpen` is the lowest sequence
 * that waits for its other half.
 */
export async function selectUncovered(
  executor: Executor,
  sidecar: SidecarKey,
  epoch: number,
): Promise<readonly (SpoolStream & { firstOpen: number | undefined })[]> {
  const rows = await rowsOf(
    executor,
    sql`select s.epoch, s.received, s.received_hash, s.covered,
          (select min(o.sequence) from ${auditOpenCalls} o
            where o.tenant = s.tenant and o.sidecar_id = s.sidecar_id and o.epoch = s.epoch) as first_open
        from ${auditStreams} s
        where s.tenant = ${sidecar.tenant} and s.sidecar_id = ${sidecar.id}
          and (s.epoch = ${epoch} or s.covered < s.received)
        order by s.epoch`,
  );
  return rows.map((row) => ({
    epoch: Number(row.epoch),
    received: Number(row.received),
    receivedHash: String(row.received_hash),
    covered: Number(row.covered),
    firstOpen: row.first_open === null ? undefined : Number(row.first_open),
  }));
}
